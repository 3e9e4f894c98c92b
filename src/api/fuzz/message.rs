//! Messages that are well formed and mean harm: bytes pick which fields of a method's request are there, and what they say.
//!
//! Random bytes are seldom a message; these always are, so that they reach what stands behind the decoder.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use super::words::{Known, Picks};
use crate::api::rpcs::DESCRIPTOR_SETS;

/// How deep messages are nested.
const DEPTH: usize = 6;
/// Most fields of one message whose fields come in any order.
const FIELDS: usize = 24;

/// The API, by name.
struct Api {
    methods: Vec<Method>,
    messages: HashMap<String, DescriptorProto>,
}

/// A method of the API.
pub(super) struct Method {
    pub(super) path: String,
    /// The full name of what it takes.
    takes: String,
    pub(super) takes_stream: bool,
}

static API: LazyLock<Api> = LazyLock::new(|| {
    let mut api = Api {
        methods: Vec::new(),
        messages: HashMap::new(),
    };
    for set in DESCRIPTOR_SETS.map(FileDescriptorSet::decode) {
        for file in set.map(|set| set.file).unwrap_or_default() {
            api.read(file);
        }
    }
    api
});

impl Api {
    fn read(&mut self, file: prost_types::FileDescriptorProto) {
        for service in &file.service {
            let methods = service.method.iter().map(|method| Method {
                path: format!("/{}.{}/{}", file.package(), service.name(), method.name()),
                takes: method.input_type().to_owned(),
                takes_stream: method.client_streaming(),
            });
            self.methods.extend(methods);
        }
        let package = format!(".{}", file.package());
        for message in file.message_type {
            self.add(&package, message);
        }
    }

    fn add(&mut self, parent: &str, message: DescriptorProto) {
        let name = format!("{parent}.{}", message.name());
        for nested in message.nested_type.clone() {
            self.add(&name, nested);
        }
        self.messages.insert(name, message);
    }
}

/// The method that a byte picks, and the messages that the others make for it.
pub(super) fn call(input: &[u8], known: &Known) -> (&'static Method, Vec<Vec<u8>>) {
    let api = &*API;
    let mut picks = Picks::new(input, known);
    let method = &api.methods[picks.next() % api.methods.len()];
    let mut messages = vec![message(&method.takes, &mut picks, DEPTH)];
    // A method that takes one message is sent two at times.
    let most = if method.takes_stream || picks.next() > 250 {
        8
    } else {
        1
    };
    while !picks.are_over() && messages.len() < most {
        messages.push(message(&method.takes, &mut picks, DEPTH));
    }
    (method, messages)
}

/// The methods that there are to pick from.
pub(super) fn methods() -> &'static [Method] {
    &API.methods
}

fn message(name: &str, picks: &mut Picks<'_>, depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(described) = API.messages.get(name) else {
        return bytes;
    };
    let fields = &described.field;
    let is_entry = described.options.as_ref().is_some_and(|it| it.map_entry());
    match picks.next() {
        // Any fields, in any order and any number of times.
        how @ 0..64 => {
            for _ in 0..how % FIELDS {
                let Some(it) = fields.get(picks.next() % fields.len().max(1)) else {
                    break;
                };
                field(it, picks, depth, &mut bytes);
            }
        }
        // As clients write them: one after the other, some left out.
        _ => {
            for it in fields {
                for _ in 0..times(it, is_entry, picks.next()) {
                    field(it, picks, depth, &mut bytes);
                }
            }
        }
    }
    bytes
}

/// How many times a field is there. Of what stands for one thing in two forms the texts are there more often.
fn times(it: &FieldDescriptorProto, is_entry: bool, pick: usize) -> usize {
    let is_free = it.type_name().starts_with(".google.protobuf.")
        && matches!(it.type_name().rsplit('.').next(), Some("Value" | "Struct"));
    match it.label() {
        _ if is_entry => 1,
        _ if is_free => usize::from(pick >= 230),
        Label::Repeated => pick % 3,
        Label::Optional | Label::Required => usize::from(!pick.is_multiple_of(3)),
    }
}

fn field(it: &FieldDescriptorProto, picks: &mut Picks<'_>, depth: usize, bytes: &mut Vec<u8>) {
    let number = u32::try_from(it.number()).unwrap_or(1);
    match it.r#type() {
        Type::Message if depth > 0 => {
            let nested = message(it.type_name(), picks, depth - 1);
            chunk(number, &nested, bytes);
        }
        Type::Message => {}
        Type::String => chunk(number, picks.text(it.name()).as_bytes(), bytes),
        Type::Bytes => chunk(number, &[0xff; 3], bytes),
        Type::Double | Type::Fixed64 | Type::Sfixed64 => {
            encode_key(number, WireType::SixtyFourBit, bytes);
            bytes.extend(picks.number().to_le_bytes());
        }
        Type::Float | Type::Fixed32 | Type::Sfixed32 => {
            encode_key(number, WireType::ThirtyTwoBit, bytes);
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
            encode_key(number, WireType::Varint, bytes);
            encode_varint(picks.number(), bytes);
        }
    }
}

fn chunk(number: u32, content: &[u8], bytes: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, bytes);
    encode_varint(content.len() as u64, bytes);
    bytes.extend(content);
}
