//! Keys read back from their bytes: for who meets keys without knowing what they are.

use uuid::Uuid;

use super::{Family, Key, LogState};
use crate::model::name::{Name, ObjectId, RunId, TaskId};

/// What a key is made of, each in the order in which it stands there. A decoded key borrows from it.
#[derive(Debug, Default)]
pub(in crate::store) struct Parts {
    names: Vec<Name>,
    texts: Vec<String>,
    ids: Vec<Uuid>,
    numbers: Vec<u64>,
}

#[derive(Clone, Copy)]
enum Part {
    Name,
    Text,
    Id,
    Number,
    /// A number that fits 32 bits.
    Step,
}

type Make = for<'a> fn(&'a Parts) -> Key<'a>;

/// Reads a key. The error says what is wrong with it.
pub(in crate::store) fn decode<'a>(
    family: Family,
    bytes: &[u8],
    parts: &'a mut Parts,
) -> Result<Key<'a>, String> {
    *parts = Parts::default();
    let (tag, mut rest) = bytes.split_first().ok_or("it is empty")?;
    let (layout, make) = layout(family, *tag)
        .ok_or_else(|| format!("nothing in {} has tag {tag}", family.name()))?;
    for part in layout {
        parts.read(*part, &mut rest)?;
    }
    if rest.is_empty() {
        Ok(make(parts))
    } else {
        Err("something follows its end".to_owned())
    }
}

/// The parts behind each tag, and the key that they make.
fn layout(family: Family, tag: u8) -> Option<(&'static [Part], Make)> {
    use Part::{Id, Name, Number, Step, Text};
    Some(match (family, tag) {
        (Family::Meta, 1) => (&[], |_| Key::Format),
        (Family::Meta, 2) => (&[], |_| Key::Position),
        (Family::Meta, 3) => (&[], |_| Key::TrimmedChanges),
        (Family::Objects, 1) => (&[Name], |it| Key::Definition(&it.names[0])),
        (Family::Objects, 2) => (&[Name], |it| Key::Pipeline(&it.names[0])),
        (Family::Objects, 3) => (&[Name], |it| Key::Driver(&it.names[0])),
        (Family::Objects, 4) => (&[Name, Name], |it| {
            Key::ResourceHead(&it.names[0], &it.names[1])
        }),
        (Family::Objects, 5) => (&[Name, Name, Name], |it| {
            Key::DriverResult(&it.names[0], &it.names[1], &it.names[2])
        }),
        (Family::Revisions, 1) => (&[Id, Number], |it| {
            Key::ResourceRevision(it.object(), it.signed(0))
        }),
        (Family::Revisions, 2) => (&[Id, Number], |it| {
            Key::PipelineRevision(it.object(), it.signed(0))
        }),
        (Family::Runs, 1) => (&[Id], |it| Key::Run(RunId(it.ids[0]))),
        (Family::Runs, 2) => (&[Id, Step], |it| Key::StepData(RunId(it.ids[0]), it.step())),
        (Family::Runs, 3) => (&[Id, Step], |it| {
            Key::LogProgress(RunId(it.ids[0]), it.step())
        }),
        (Family::Runs, 4) => (&[Text], |it| Key::LogTrim(&it.texts[0])),
        (Family::Logs, 1) => (&[Text, Number], |it| {
            Key::LogChunk(&it.texts[0], it.numbers[0])
        }),
        (Family::Indexes, tag) => return index_layout(tag),
        _ => return None,
    })
}

/// The same of the look-ups.
fn index_layout(tag: u8) -> Option<(&'static [Part], Make)> {
    use Part::{Id, Name, Number, Text};
    Some(match tag {
        1 => (&[Number], |it| Key::OpenRun(it.numbers[0])),
        2 => (&[Name, Name, Number], |it| {
            Key::ResourceRun(&it.names[0], &it.names[1], it.numbers[0])
        }),
        3 => (&[Id], |it| Key::Task(TaskId(it.ids[0]))),
        4 => (&[Name, Name], |it| {
            Key::DefinitionPipeline(&it.names[0], &it.names[1])
        }),
        5 => (&[Name, Name, Name], |it| {
            Key::PipelineResource(&it.names[0], &it.names[1], &it.names[2])
        }),
        6 => (&[Text], |it| Key::Request(&it.texts[0])),
        7 => (&[Number, Text], |it| {
            Key::RequestTime(it.signed(0), &it.texts[0])
        }),
        8 => (&[Number], |it| Key::Change(it.numbers[0])),
        9 => (&[Name, Number], |it| {
            Key::DefinitionRun(&it.names[0], it.numbers[0])
        }),
        10 => (&[Id, Number, Number], |it| {
            Key::ShownBy(it.object(), it.signed(0), it.numbers[1])
        }),
        11 => (&[Name, Number, Number], |it| {
            Key::EndedRun(LogState::Kept, &it.names[0], it.signed(0), it.numbers[1])
        }),
        12 => (&[Name, Number, Number], |it| {
            Key::EndedRun(LogState::Gone, &it.names[0], it.signed(0), it.numbers[1])
        }),
        13 => (&[Name, Number, Id, Number], |it| {
            Key::OldRevision(&it.names[0], it.signed(0), it.object(), it.signed(1))
        }),
        14 => (&[Id, Number], |it| {
            Key::OldPipeline(it.object(), it.signed(0))
        }),
        15 => (&[Id], |it| Key::Deletion(it.object())),
        16 => (&[Text], |it| Key::OutsideLog(&it.texts[0])),
        17 => (&[Number, Text], |it| {
            Key::OutsideLogTime(it.signed(0), &it.texts[0])
        }),
        _ => return None,
    })
}

impl Parts {
    fn read(&mut self, part: Part, rest: &mut &[u8]) -> Result<(), String> {
        match part {
            Part::Name => {
                let name = Name::parse(&text(rest)?, "name").map_err(|error| error.to_string())?;
                self.names.push(name);
            }
            Part::Text => self.texts.push(text(rest)?),
            Part::Id => self.ids.push(Uuid::from_bytes(bytes(rest)?)),
            Part::Number => self.numbers.push(u64::from_be_bytes(bytes(rest)?)),
            Part::Step => {
                let number = u64::from_be_bytes(bytes(rest)?);
                u32::try_from(number).map_err(|_| format!("there is no step {number}"))?;
                self.numbers.push(number);
            }
        }
        Ok(())
    }

    fn object(&self) -> ObjectId {
        ObjectId(self.ids[0])
    }

    fn signed(&self, at: usize) -> i64 {
        self.numbers[at].cast_signed()
    }

    fn step(&self) -> u32 {
        u32::try_from(self.numbers[0]).expect("a step was checked when it was read")
    }
}

fn bytes<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], String> {
    let (bytes, after) = rest.split_first_chunk().ok_or("it is cut short")?;
    *rest = after;
    Ok(*bytes)
}

/// Takes a text and its end.
fn text(rest: &mut &[u8]) -> Result<String, String> {
    let mut text = Vec::new();
    loop {
        match **rest {
            [0, 1, ..] => {
                *rest = &rest[2..];
                return String::from_utf8(text).map_err(|_| "a text in it is no UTF-8".to_owned());
            }
            [0, 0xff, ..] => {
                text.push(0);
                *rest = &rest[2..];
            }
            [0, ..] | [] => return Err("a text in it has no end".to_owned()),
            [byte, ..] => {
                text.push(byte);
                *rest = &rest[1..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = Name> {
        "[a-z]{1,9}".prop_map(|text| Name::parse(&text, "name").expect("a name"))
    }

    proptest! {
        #[test]
        fn every_key_comes_back(
            a in name(), b in name(), c in name(), text: String,
            id: u128, number: u64, more: u64, step: u32,
        ) {
            let uuid = Uuid::from_u128(id);
            let (object, run, signed) = (ObjectId(uuid), RunId(uuid), number.cast_signed());
            let keys = [
                Key::Format, Key::Position, Key::TrimmedChanges,
                Key::Definition(&a), Key::Pipeline(&a), Key::Driver(&a), Key::ResourceHead(&a, &b),
                Key::DriverResult(&a, &b, &c), Key::ResourceRevision(object, signed),
                Key::PipelineRevision(object, signed), Key::Run(run), Key::StepData(run, step),
                Key::LogProgress(run, step), Key::LogTrim(&text), Key::LogChunk(&text, number),
                Key::OpenRun(number), Key::ResourceRun(&a, &b, number), Key::Task(TaskId(uuid)),
                Key::DefinitionPipeline(&a, &b), Key::PipelineResource(&a, &b, &c),
                Key::Request(&text), Key::RequestTime(signed, &text), Key::Change(number),
                Key::DefinitionRun(&a, number), Key::ShownBy(object, signed, more),
                Key::EndedRun(LogState::Kept, &a, signed, more),
                Key::EndedRun(LogState::Gone, &a, signed, more),
                Key::OldRevision(&a, signed, object, more.cast_signed()),
                Key::OldPipeline(object, signed), Key::Deletion(object), Key::OutsideLog(&text),
                Key::OutsideLogTime(signed, &text),
            ];
            for key in keys {
                let (family, bytes) = key.encode();
                let mut parts = Parts::default();
                prop_assert_eq!(decode(family, &bytes, &mut parts), Ok(key));
            }
        }

        #[test]
        fn any_bytes_are_a_key_that_encodes_to_them_or_an_error(bytes: Vec<u8>, at in 0_usize..6) {
            let family = Family::ALL[at];
            let mut parts = Parts::default();
            if let Ok(key) = decode(family, &bytes, &mut parts) {
                prop_assert_eq!(key.encode(), (family, bytes));
            }
        }
    }
}
