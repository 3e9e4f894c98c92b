//! Messages that are well formed and mean harm: bytes pick which fields of a method's request are there, and what they say.
//!
//! Random bytes are seldom a message; these always are, so that they reach what stands behind the decoder.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

use crate::proto::FILE_DESCRIPTOR_SET;

/// How deep messages are nested.
const DEPTH: usize = 6;
/// Most fields of one message.
const FIELDS: u8 = 24;

/// What texts say: names that are there and that are not, JSON, and what texts are broken with.
const TEXTS: [&str; 24] = [
    "app",
    "a",
    "p",
    "builder",
    "",
    "b",
    "\u{202e}",
    "../../a",
    "{}",
    "{\"n\":1}",
    "[1]",
    "{\"a\":{\"a\":{}}}",
    "{\"type\":\"object\",\"$ref\":\"#\"}",
    "{\"pattern\":\"^(a+)+$\"}",
    "create",
    "*",
    "0198f3c1-7d7e-7000-8000-000000000001",
    "00000000-0000-0000-0000-000000000000",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "/conveyor.v1.RunService/GetRun",
    "conveyor.v1.Run",
    "00",
    "1e999",
    "nul",
];

/// Numbers that counting goes wrong at.
const NUMBERS: [u64; 12] = [
    0,
    1,
    2,
    3,
    7,
    1000,
    1001,
    u32::MAX as u64,
    i32::MIN as u64,
    i64::MAX as u64,
    i64::MIN as u64,
    u64::MAX,
];

/// The API, by name.
struct Api {
    /// Paths of methods, with the full name of what each takes.
    methods: Vec<(String, String)>,
    messages: HashMap<String, DescriptorProto>,
}

static API: LazyLock<Api> = LazyLock::new(|| {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET);
    let mut api = Api {
        methods: Vec::new(),
        messages: HashMap::new(),
    };
    for file in set.map(|set| set.file).unwrap_or_default() {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                api.methods.push((path, method.input_type().to_owned()));
            }
        }
        let package = format!(".{}", file.package());
        for message in file.message_type {
            api.add(&package, message);
        }
    }
    api
});

impl Api {
    fn add(&mut self, parent: &str, message: DescriptorProto) {
        let name = format!("{parent}.{}", message.name());
        for nested in message.nested_type.clone() {
            self.add(&name, nested);
        }
        self.messages.insert(name, message);
    }
}

/// The path of the method that a byte picks, and the messages that the others make for it.
pub(super) fn call(input: &[u8]) -> (&'static str, Vec<Vec<u8>>) {
    let api = &*API;
    let mut bytes = Picks(input);
    let (path, takes) = &api.methods[bytes.next() % api.methods.len()];
    let mut messages = Vec::new();
    // A method that takes one message is sent two at times.
    while messages.is_empty() || (!bytes.0.is_empty() && messages.len() < 8) {
        messages.push(message(takes, &mut bytes, DEPTH));
    }
    (path, messages)
}

/// How many methods there are to pick from.
pub(super) fn methods() -> usize {
    API.methods.len()
}

/// The bytes that pick. After the last one all picks are the first.
struct Picks<'a>(&'a [u8]);

impl Picks<'_> {
    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*first)
    }
}

fn message(name: &str, picks: &mut Picks<'_>, depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(described) = API.messages.get(name) else {
        return bytes;
    };
    let fields = &described.field;
    for _ in 0..picks.next() % usize::from(FIELDS) {
        let Some(field) = fields.get(picks.next() % fields.len().max(1)) else {
            break;
        };
        let number = u32::try_from(field.number()).unwrap_or(1);
        match field.r#type() {
            Type::Message if depth > 0 => {
                let nested = message(field.type_name(), picks, depth - 1);
                chunk(number, &nested, &mut bytes);
            }
            Type::Message => {}
            Type::String => chunk(number, text(picks).as_bytes(), &mut bytes),
            Type::Bytes => chunk(number, &[0xff; 3], &mut bytes),
            Type::Double | Type::Fixed64 | Type::Sfixed64 => {
                encode_key(number, WireType::SixtyFourBit, &mut bytes);
                bytes.extend(NUMBERS[picks.next() % NUMBERS.len()].to_le_bytes());
            }
            Type::Float | Type::Fixed32 | Type::Sfixed32 => {
                encode_key(number, WireType::ThirtyTwoBit, &mut bytes);
                bytes.extend([0xff; 4]);
            }
            Type::Int32
            | Type::Int64
            | Type::Uint32
            | Type::Uint64
            | Type::Sint32
            | Type::Sint64
            | Type::Bool
            | Type::Enum
            | Type::Group => {
                encode_key(number, WireType::Varint, &mut bytes);
                encode_varint(NUMBERS[picks.next() % NUMBERS.len()], &mut bytes);
            }
        }
    }
    bytes
}

fn text(picks: &mut Picks<'_>) -> String {
    let pick = picks.next();
    let text = TEXTS[pick % TEXTS.len()];
    // Of the names some are too long, the rest are as they are.
    if pick >= 250 {
        text.repeat(500)
    } else {
        text.to_owned()
    }
}

fn chunk(number: u32, content: &[u8], bytes: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, bytes);
    encode_varint(content.len() as u64, bytes);
    bytes.extend(content);
}
