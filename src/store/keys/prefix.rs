//! What keys have in common at their beginning: where a scan begins and ends.

use super::{Family, LogState, tag};
use crate::model::name::{Name, ObjectId};

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
        let (family, key) = match self {
            Self::Definitions => (Family::Objects, tag(1)),
            Self::Pipelines => (Family::Objects, tag(2)),
            Self::Drivers => (Family::Objects, tag(3)),
            Self::Resources(None) => (Family::Objects, tag(4)),
            Self::Resources(Some(kind)) => (Family::Objects, tag(4).name(kind)),
            Self::ResourceRevisions(id) => (Family::Revisions, tag(1).id(id.0)),
            Self::DriverResults(kind, name) => (Family::Objects, tag(5).name(kind).name(name)),
            Self::Runs => (Family::Runs, tag(1)),
            Self::Log(run) => (Family::Logs, tag(1).text(run)),
            Self::OpenRuns => (Family::Indexes, tag(1)),
            Self::ResourceRuns(kind, name) => (Family::Indexes, tag(2).name(kind).name(name)),
            Self::DefinitionRuns(kind) => (Family::Indexes, tag(9).name(kind)),
            Self::DefinitionPipelines(kind) => (Family::Indexes, tag(4).name(kind)),
            Self::PipelineResources(pipeline) => (Family::Indexes, tag(5).name(pipeline)),
            Self::RequestTimes => (Family::Indexes, tag(7)),
            Self::Changes => (Family::Indexes, tag(8)),
            Self::AllResourceRuns => (Family::Indexes, tag(2)),
            Self::AllDefinitionRuns => (Family::Indexes, tag(9)),
            Self::AllShownBy => (Family::Indexes, tag(10)),
            Self::Tasks => (Family::Indexes, tag(3)),
            Self::AllStepData => (Family::Runs, tag(2)),
            Self::AllLogProgress => (Family::Runs, tag(3)),
            Self::Deletions => (Family::Indexes, tag(15)),
            Self::Revisions => (Family::Revisions, tag(1)),
            Self::PipelineRevisions => (Family::Revisions, tag(2)),
            Self::RunsByName(kind) => (Family::Indexes, tag(2).name(kind)),
            Self::ShownBy(id, revision) => (Family::Indexes, tag(10).id(id.0).signed(*revision)),
            Self::EndedRuns(log, kind) => (Family::Indexes, tag(log.tag()).some(*kind)),
            Self::OldRevisions(kind) => (Family::Indexes, tag(13).some(*kind)),
            Self::OldPipelines => (Family::Indexes, tag(14)),
            Self::OutsideLogTimes => (Family::Indexes, tag(17)),
        };
        (family, key.0)
    }
}
