//! Keys: bytes that sort as what they name does.
//!
//! Texts are written with an escaped end (`00` is `00 FF`, the end `00 01`), numbers big-endian, UUIDs as their 16
//! bytes. Invariants: the encoding of a key orders as its parts do, no key is a prefix of another in its family,
//! and a tag once given is never reused.

pub(super) mod decode;
mod prefix;

pub use self::prefix::Prefix;
use crate::model::name::{Name, ObjectId, RunId, TaskId};

/// A column family: keys that are read and compacted alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Format version and position.
    Meta,
    /// Definitions, pipelines, drivers, and heads of resources.
    Objects,
    /// Revisions of resources and pipelines, and what drivers said of resources.
    Revisions,
    /// Runs and their results.
    Runs,
    /// Log lines.
    Logs,
    /// Look-ups that lead to the others.
    Indexes,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 6] = [
        Self::Meta,
        Self::Objects,
        Self::Revisions,
        Self::Runs,
        Self::Logs,
        Self::Indexes,
    ];

    /// Its name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Objects => "objects",
            Self::Revisions => "revisions",
            Self::Runs => "runs",
            Self::Logs => "logs",
            Self::Indexes => "indexes",
        }
    }
}

/// What is stored under a key. See the table in `store/mod.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// The format version.
    Format,
    /// The position of the newest batch.
    Position,
    /// A definition.
    Definition(&'a Name),
    /// A pipeline as it stands.
    Pipeline(&'a Name),
    /// A driver.
    Driver(&'a Name),
    /// Where a resource's current revision is.
    ResourceHead(&'a Name, &'a Name),
    /// One revision of a resource.
    ResourceRevision(ObjectId, i64),
    /// One revision of a pipeline.
    PipelineRevision(ObjectId, i64),
    /// What a driver last said about a resource.
    DriverResult(&'a Name, &'a Name, &'a Name),
    /// A run.
    Run(RunId),
    /// Result data of a step of a run.
    StepData(RunId, u32),
    /// Lines of a run from a sequence number on.
    LogChunk(&'a str, u64),
    /// How far the log of a step of a run has come.
    LogProgress(RunId, u32),
    /// An unfinished run, by its order.
    OpenRun(u64),
    /// A run of a resource, by its order.
    ResourceRun(&'a Name, &'a Name, u64),
    /// A run of a resource of a definition, by its order.
    DefinitionRun(&'a Name, u64),
    /// The run of an accepted task.
    Task(TaskId),
    /// A pipeline of a definition.
    DefinitionPipeline(&'a Name, &'a Name),
    /// A resource that names a pipeline.
    PipelineResource(&'a Name, &'a Name, &'a Name),
    /// A request that carried an id.
    Request(&'a str),
    /// A request by its time.
    RequestTime(i64, &'a str),
    /// A change of a resource, by its position.
    Change(u64),
    /// Up to where changes were trimmed.
    TrimmedChanges,
    /// What is left of a log whose lines are gone.
    LogTrim(&'a str),
    /// A run that shows a revision of a resource or of a pipeline, by its order.
    ShownBy(ObjectId, i64, u64),
    /// A finished run, by its definition, the time of its end and its order.
    EndedRun(LogState, &'a Name, i64, u64),
    /// A revision of a resource that is not the current one, by its definition and the time it was replaced at.
    OldRevision(&'a Name, i64, ObjectId, i64),
    /// A revision of a pipeline that is no longer the current one.
    OldPipeline(ObjectId, i64),
    /// A resource that was deleted, while the log of changes tells of it.
    Deletion(ObjectId),
    /// A log that has lines from outside.
    OutsideLog(&'a str),
    /// The same by time.
    OutsideLogTime(i64, &'a str),
}

/// Whether the log of a finished run is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogState {
    /// It is.
    Kept,
    /// Its time was over before that of its run.
    Gone,
}

impl Key<'_> {
    /// The family it is in and its bytes there. Long, since it is the list of all tags.
    pub fn encode(&self) -> (Family, Vec<u8>) {
        let (family, key) = match self {
            Self::Format => (Family::Meta, tag(1)),
            Self::Position => (Family::Meta, tag(2)),
            Self::Definition(name) => (Family::Objects, tag(1).name(name)),
            Self::Pipeline(name) => (Family::Objects, tag(2).name(name)),
            Self::Driver(name) => (Family::Objects, tag(3).name(name)),
            Self::ResourceHead(kind, name) => (Family::Objects, tag(4).name(kind).name(name)),
            Self::ResourceRevision(id, revision) => {
                (Family::Revisions, tag(1).id(id.0).signed(*revision))
            }
            Self::PipelineRevision(id, revision) => {
                (Family::Revisions, tag(2).id(id.0).signed(*revision))
            }
            Self::DriverResult(kind, name, driver) => {
                (Family::Objects, tag(5).name(kind).name(name).name(driver))
            }
            Self::Run(run) => (Family::Runs, tag(1).id(run.0)),
            Self::StepData(run, step) => (Family::Runs, tag(2).id(run.0).number(u64::from(*step))),
            Self::LogChunk(run, seq) => (Family::Logs, tag(1).text(run).number(*seq)),
            Self::LogProgress(run, step) => {
                (Family::Runs, tag(3).id(run.0).number(u64::from(*step)))
            }
            Self::OpenRun(order) => (Family::Indexes, tag(1).number(*order)),
            Self::ResourceRun(kind, name, order) => {
                (Family::Indexes, tag(2).name(kind).name(name).number(*order))
            }
            Self::DefinitionRun(kind, order) => (Family::Indexes, tag(9).name(kind).number(*order)),
            Self::Task(task) => (Family::Indexes, tag(3).id(task.0)),
            Self::DefinitionPipeline(kind, name) => (Family::Indexes, tag(4).name(kind).name(name)),
            Self::PipelineResource(pipeline, kind, name) => {
                (Family::Indexes, tag(5).name(pipeline).name(kind).name(name))
            }
            Self::Request(id) => (Family::Indexes, tag(6).text(id)),
            Self::RequestTime(time, id) => (Family::Indexes, tag(7).signed(*time).text(id)),
            Self::Change(position) => (Family::Indexes, tag(8).number(*position)),
            Self::TrimmedChanges => (Family::Meta, tag(3)),
            Self::LogTrim(run) => (Family::Runs, tag(4).text(run)),
            Self::ShownBy(id, revision, order) => (
                Family::Indexes,
                tag(10).id(id.0).signed(*revision).number(*order),
            ),
            Self::EndedRun(log, kind, time, order) => (
                Family::Indexes,
                tag(log.tag()).name(kind).signed(*time).number(*order),
            ),
            Self::OldRevision(kind, time, id, revision) => (
                Family::Indexes,
                tag(13).name(kind).signed(*time).id(id.0).signed(*revision),
            ),
            Self::OldPipeline(id, revision) => {
                (Family::Indexes, tag(14).id(id.0).signed(*revision))
            }
            Self::Deletion(id) => (Family::Indexes, tag(15).id(id.0)),
            Self::OutsideLog(run) => (Family::Indexes, tag(16).text(run)),
            Self::OutsideLogTime(time, run) => (Family::Indexes, tag(17).signed(*time).text(run)),
        };
        (family, key.0)
    }
}

impl LogState {
    fn tag(self) -> u8 {
        match self {
            Self::Kept => 11,
            Self::Gone => 12,
        }
    }
}

struct Writer(Vec<u8>);

fn tag(tag: u8) -> Writer {
    Writer(vec![tag])
}

impl Writer {
    fn name(self, name: &Name) -> Self {
        self.text(name.as_str())
    }

    fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xff);
            }
        }
        self.0.extend([0, 1]);
        self
    }

    fn some(self, name: Option<&Name>) -> Self {
        match name {
            Some(name) => self.name(name),
            None => self,
        }
    }

    fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// Revisions and times, which count from 1 and from 1970 on.
    fn signed(self, number: i64) -> Self {
        self.number(number.cast_unsigned())
    }

    fn id(mut self, id: uuid::Uuid) -> Self {
        self.0.extend(id.into_bytes());
        self
    }
}

/// The name that stands right behind the tag of a key.
pub(super) fn first_name(key: &[u8]) -> Option<Name> {
    let text = key.get(1..)?;
    // A name has no zero byte in it.
    let end = text.iter().position(|byte| *byte == 0)?;
    Name::parse(std::str::from_utf8(&text[..end]).ok()?, "name").ok()
}

/// The number that a key of a numbered family ends with.
pub fn last_number(key: &[u8]) -> Option<u64> {
    let tail = key.len().checked_sub(8)?;
    Some(u64::from_be_bytes(key[tail..].try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(run: &str, seq: u64) -> Vec<u8> {
        Key::LogChunk(run, seq).encode().1
    }

    proptest! {
        #[test]
        fn keys_order_as_their_parts(a: String, b: String, m: u64, n: u64) {
            prop_assert_eq!(log(&a, m).cmp(&log(&b, n)), (a.as_bytes(), m).cmp(&(b.as_bytes(), n)));
        }

        #[test]
        fn a_prefix_holds_its_own_keys_only(a: String, b: String, n: u64) {
            let prefix = Prefix::Log(&a).encode().1;
            prop_assert_eq!(log(&b, n).starts_with(&prefix), a == b);
        }

        #[test]
        fn the_last_number_comes_back(a: String, n: u64) {
            prop_assert_eq!(last_number(&log(&a, n)), Some(n));
        }
    }
}
