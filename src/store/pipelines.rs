//! Pipelines and their revisions.

use super::batch::{Batch, Position};
use super::keys::{Key, Prefix};
use super::read::{Order, Page};
use super::{Result, Store, records};
use crate::model::name::{Name, ObjectId};
use crate::model::pipeline::Pipeline;

impl Batch {
    /// Writes a pipeline: as it stands, and as a revision that runs keep. `before` is what it replaces.
    pub fn put_pipeline(&mut self, pipeline: &Pipeline, before: Option<&Pipeline>) {
        let record = records::Pipeline::from(pipeline);
        self.put(&Key::Pipeline(&pipeline.name), &record);
        self.put(
            &Key::PipelineRevision(pipeline.id, pipeline.revision),
            &record,
        );
        if let Some(before) = before {
            self.put_bytes(&Key::OldPipeline(before.id, before.revision), Vec::new());
        }
        if let Some(before) = before
            && before.kind != pipeline.kind
        {
            self.delete(&Key::DefinitionPipeline(&before.kind, &before.name));
        }
        self.put_bytes(
            &Key::DefinitionPipeline(&pipeline.kind, &pipeline.name),
            Vec::new(),
        );
    }

    /// Deletes a pipeline, where no resource names it. Its revisions stay for the runs that follow them.
    pub fn delete_pipeline(&mut self, pipeline: &Pipeline) {
        self.expect_empty(&Prefix::PipelineResources(&pipeline.name));
        self.delete(&Key::Pipeline(&pipeline.name));
        self.put_bytes(
            &Key::OldPipeline(pipeline.id, pipeline.revision),
            Vec::new(),
        );
        self.delete(&Key::DefinitionPipeline(&pipeline.kind, &pipeline.name));
    }
}

impl Store {
    /// Reads a pipeline as it stands, and where it was last written.
    pub async fn pipeline(&self, name: &Name) -> Result<Option<(Pipeline, Position)>> {
        self.read(&Key::Pipeline(name))
    }

    /// Reads one revision of a pipeline.
    pub async fn pipeline_revision(&self, id: ObjectId, revision: i64) -> Result<Option<Pipeline>> {
        Ok(self
            .read(&Key::PipelineRevision(id, revision))?
            .map(|(pipeline, _)| pipeline))
    }

    /// Lists pipelines in name order.
    pub async fn pipelines(&self, after: Option<Vec<u8>>, most: usize) -> Result<Page<Pipeline>> {
        self.blocking(move |store| store.page(&Prefix::Pipelines, after, Order::Up, most))
            .await
    }

    /// Whether a resource names a pipeline.
    pub async fn pipeline_used(&self, name: &Name) -> Result<bool> {
        self.any(&Prefix::PipelineResources(name))
    }
}
