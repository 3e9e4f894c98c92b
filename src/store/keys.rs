//! Keys: bytes that sort as what they name does.
//!
//! Texts are written with an escaped end (`00` is `00 FF`, the end `00 01`), numbers big-endian, UUIDs as their 16
//! bytes. Invariants: the encoding of a key orders as its parts do, no key is a prefix of another in its family,
//! and a tag once given is never reused.

pub(super) mod decode;

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
        match self {
            Self::Format => (Family::Meta, vec![1]),
            Self::Position => (Family::Meta, vec![2]),
            Self::Definition(name) => (Family::Objects, tag(1).text(name.as_str()).0),
            Self::Pipeline(name) => (Family::Objects, tag(2).text(name.as_str()).0),
            Self::Driver(name) => (Family::Objects, tag(3).text(name.as_str()).0),
            Self::ResourceHead(kind, name) => (
                Family::Objects,
                tag(4).text(kind.as_str()).text(name.as_str()).0,
            ),
            Self::ResourceRevision(id, revision) => (
                Family::Revisions,
                tag(1).id(id.0).number(revision.cast_unsigned()).0,
            ),
            Self::PipelineRevision(id, revision) => (
                Family::Revisions,
                tag(2).id(id.0).number(revision.cast_unsigned()).0,
            ),
            Self::DriverResult(kind, name, driver) => (
                Family::Objects,
                tag(5)
                    .text(kind.as_str())
                    .text(name.as_str())
                    .text(driver.as_str())
                    .0,
            ),
            Self::Run(run) => (Family::Runs, tag(1).id(run.0).0),
            Self::StepData(run, step) => {
                (Family::Runs, tag(2).id(run.0).number(u64::from(*step)).0)
            }
            Self::LogChunk(run, seq) => (Family::Logs, tag(1).text(run).number(*seq).0),
            Self::LogProgress(run, step) => {
                (Family::Runs, tag(3).id(run.0).number(u64::from(*step)).0)
            }
            Self::OpenRun(order) => (Family::Indexes, tag(1).number(*order).0),
            Self::ResourceRun(kind, name, order) => (
                Family::Indexes,
                tag(2)
                    .text(kind.as_str())
                    .text(name.as_str())
                    .number(*order)
                    .0,
            ),
            Self::DefinitionRun(kind, order) => {
                (Family::Indexes, tag(9).text(kind.as_str()).number(*order).0)
            }
            Self::Task(task) => (Family::Indexes, tag(3).id(task.0).0),
            Self::DefinitionPipeline(kind, name) => (
                Family::Indexes,
                tag(4).text(kind.as_str()).text(name.as_str()).0,
            ),
            Self::PipelineResource(pipeline, kind, name) => (
                Family::Indexes,
                tag(5)
                    .text(pipeline.as_str())
                    .text(kind.as_str())
                    .text(name.as_str())
                    .0,
            ),
            Self::Request(id) => (Family::Indexes, tag(6).text(id).0),
            Self::RequestTime(time, id) => (
                Family::Indexes,
                tag(7).number(time.cast_unsigned()).text(id).0,
            ),
            Self::Change(position) => (Family::Indexes, tag(8).number(*position).0),
            Self::TrimmedChanges => (Family::Meta, vec![3]),
            Self::LogTrim(run) => (Family::Runs, tag(4).text(run).0),
            Self::ShownBy(id, revision, order) => (
                Family::Indexes,
                tag(10)
                    .id(id.0)
                    .number(revision.cast_unsigned())
                    .number(*order)
                    .0,
            ),
            Self::EndedRun(log, kind, time, order) => (
                Family::Indexes,
                tag(log.tag())
                    .text(kind.as_str())
                    .number(time.cast_unsigned())
                    .number(*order)
                    .0,
            ),
            Self::OldRevision(kind, time, id, revision) => (
                Family::Indexes,
                tag(13)
                    .text(kind.as_str())
                    .number(time.cast_unsigned())
                    .id(id.0)
                    .number(revision.cast_unsigned())
                    .0,
            ),
            Self::OldPipeline(id, revision) => (
                Family::Indexes,
                tag(14).id(id.0).number(revision.cast_unsigned()).0,
            ),
            Self::Deletion(id) => (Family::Indexes, tag(15).id(id.0).0),
            Self::OutsideLog(run) => (Family::Indexes, tag(16).text(run).0),
            Self::OutsideLogTime(time, run) => (
                Family::Indexes,
                tag(17).number(time.cast_unsigned()).text(run).0,
            ),
        }
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

/// All keys that begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prefix<'a> {
    /// All definitions.
    Definitions,
    /// All pipelines.
    Pipelines,
    /// All drivers.
    Drivers,
    /// The resources of one definition, or of all.
    Resources(Option<&'a Name>),
    /// The revisions of a resource.
    ResourceRevisions(ObjectId),
    /// What drivers said about a resource.
    DriverResults(&'a Name, &'a Name),
    /// All runs, in order of age.
    Runs,
    /// The log of a run.
    Log(&'a str),
    /// All unfinished runs.
    OpenRuns,
    /// The runs of a resource.
    ResourceRuns(&'a Name, &'a Name),
    /// The runs of all resources of a definition.
    DefinitionRuns(&'a Name),
    /// The pipelines of a definition.
    DefinitionPipelines(&'a Name),
    /// The resources that name a pipeline.
    PipelineResources(&'a Name),
    /// Requests by their time.
    RequestTimes,
    /// Changes of resources.
    Changes,
    /// The runs of each resource.
    AllResourceRuns,
    /// The runs of each definition.
    AllDefinitionRuns,
    /// The runs that show a revision of anything.
    AllShownBy,
    /// Accepted tasks.
    Tasks,
    /// Result data of all steps.
    AllStepData,
    /// How far the log of each step has come.
    AllLogProgress,
    /// Resources that were deleted, while the log of changes tells of them.
    Deletions,
    /// All revisions of resources.
    Revisions,
    /// All revisions of pipelines.
    PipelineRevisions,
    /// The runs of all resources of a definition, by the name of the resource.
    RunsByName(&'a Name),
    /// The runs that show a revision.
    ShownBy(ObjectId, i64),
    /// Finished runs by their age: of one definition, or of all.
    EndedRuns(LogState, Option<&'a Name>),
    /// Old revisions by their age: of one definition, or of all.
    OldRevisions(Option<&'a Name>),
    /// Old revisions of pipelines.
    OldPipelines,
    /// Logs that have lines from outside, by time.
    OutsideLogTimes,
}

impl Prefix<'_> {
    /// The family and the bytes that all these keys begin with.
    pub fn encode(&self) -> (Family, Vec<u8>) {
        match self {
            Self::Definitions => (Family::Objects, tag(1).0),
            Self::Pipelines => (Family::Objects, tag(2).0),
            Self::Drivers => (Family::Objects, tag(3).0),
            Self::Resources(None) => (Family::Objects, tag(4).0),
            Self::Resources(Some(kind)) => (Family::Objects, tag(4).text(kind.as_str()).0),
            Self::ResourceRevisions(id) => (Family::Revisions, tag(1).id(id.0).0),
            Self::DriverResults(kind, name) => (
                Family::Objects,
                tag(5).text(kind.as_str()).text(name.as_str()).0,
            ),
            Self::Runs => (Family::Runs, tag(1).0),
            Self::Log(run) => (Family::Logs, tag(1).text(run).0),
            Self::OpenRuns => (Family::Indexes, tag(1).0),
            Self::ResourceRuns(kind, name) => (
                Family::Indexes,
                tag(2).text(kind.as_str()).text(name.as_str()).0,
            ),
            Self::DefinitionRuns(kind) => (Family::Indexes, tag(9).text(kind.as_str()).0),
            Self::DefinitionPipelines(kind) => (Family::Indexes, tag(4).text(kind.as_str()).0),
            Self::PipelineResources(pipeline) => {
                (Family::Indexes, tag(5).text(pipeline.as_str()).0)
            }
            Self::RequestTimes => (Family::Indexes, tag(7).0),
            Self::Changes => (Family::Indexes, tag(8).0),
            Self::AllResourceRuns => (Family::Indexes, tag(2).0),
            Self::AllDefinitionRuns => (Family::Indexes, tag(9).0),
            Self::AllShownBy => (Family::Indexes, tag(10).0),
            Self::Tasks => (Family::Indexes, tag(3).0),
            Self::AllStepData => (Family::Runs, tag(2).0),
            Self::AllLogProgress => (Family::Runs, tag(3).0),
            Self::Deletions => (Family::Indexes, tag(15).0),
            Self::Revisions => (Family::Revisions, tag(1).0),
            Self::PipelineRevisions => (Family::Revisions, tag(2).0),
            Self::RunsByName(kind) => (Family::Indexes, tag(2).text(kind.as_str()).0),
            Self::ShownBy(id, revision) => (
                Family::Indexes,
                tag(10).id(id.0).number(revision.cast_unsigned()).0,
            ),
            Self::EndedRuns(log, kind) => (Family::Indexes, tag(log.tag()).some(*kind).0),
            Self::OldRevisions(kind) => (Family::Indexes, tag(13).some(*kind).0),
            Self::OldPipelines => (Family::Indexes, tag(14).0),
            Self::OutsideLogTimes => (Family::Indexes, tag(17).0),
        }
    }
}

struct Writer(Vec<u8>);

fn tag(tag: u8) -> Writer {
    Writer(vec![tag])
}

impl Writer {
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
            Some(name) => self.text(name.as_str()),
            None => self,
        }
    }

    fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
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
