//! What can be done with pipelines.

use super::requests::{digest, same_object};
use super::resources::check_revision;
use super::{Engine, Listed, PageRequest, page_size, page_start};
use crate::error::{Error, Result};
use crate::model::name::{Name, Noun, ObjectId};
use crate::model::pipeline::{Pipeline, PipelineInput};
use crate::store::keys::Key;
use crate::store::{Batch, Position, Slot};

impl Engine {
    /// Creates a pipeline.
    pub async fn create_pipeline(
        &self,
        input: PipelineInput,
        request_id: &str,
    ) -> Result<Pipeline> {
        let _part = self.0.tracer.enter("create_pipeline");
        let slot = self.admit(input.params_bytes())?;
        self.create_pipeline_admitted(slot, input, request_id).await
    }

    async fn create_pipeline_admitted(
        &self,
        slot: Slot,
        input: PipelineInput,
        request_id: &str,
    ) -> Result<Pipeline> {
        let digest = digest(&["pipeline", &format!("{input:?}")]);
        let _request = self.request_lock(request_id).await;
        if let Some(known) = self.answered(request_id, &digest).await? {
            let (pipeline, _) = self.stored_pipeline(&input.name).await?;
            return same_object(pipeline.id, known.object, Noun::Pipeline, &input.name)
                .map(|()| pipeline);
        }
        let _catalog = self.0.catalog.write().await;
        self.stored_definition(&input.kind).await?;
        if self.0.store.pipeline(&input.name).await?.is_some() {
            return Err(Error::AlreadyExists(Noun::Pipeline, input.name.to_string()));
        }
        let pipeline = self.next_pipeline(input, None);
        let mut batch = Batch::new();
        batch.trace(self.0.tracer.here());
        batch.expect_absent(&Key::Pipeline(&pipeline.name));
        batch.put_pipeline(&pipeline, None);
        self.remember(&mut batch, request_id, digest, pipeline.id, None);
        slot.write(batch).await?;
        Ok(pipeline)
    }

    /// Reads a pipeline.
    pub async fn pipeline(&self, name: &Name) -> Result<Pipeline> {
        Ok(self.stored_pipeline(name).await?.0)
    }

    /// Lists pipelines in name order.
    pub async fn pipelines(&self, page: PageRequest) -> Result<Listed<Pipeline>> {
        Ok(self
            .0
            .store
            .pipelines(page_start(&page.token)?, page_size(page.size)?)
            .await?
            .into())
    }

    /// Replaces a pipeline. `expected` is the revision it must have, 0 for any.
    pub async fn update_pipeline(&self, input: PipelineInput, expected: i64) -> Result<Pipeline> {
        let _part = self.0.tracer.enter("update_pipeline");
        let slot = self.admit(input.params_bytes())?;
        let _catalog = self.0.catalog.write().await;
        let before = self.stored_pipeline(&input.name).await?;
        check_revision(expected, before.0.revision)?;
        self.replace_pipeline(slot, before, input).await
    }

    /// Creates a pipeline or replaces it. Writes nothing where nothing differs.
    pub async fn apply_pipeline(&self, input: PipelineInput) -> Result<Pipeline> {
        let _part = self.0.tracer.enter("apply_pipeline");
        let standing = self.0.store.pipeline(&input.name).await?;
        if let Some((same, _)) = standing.filter(|(standing, _)| standing.same_as(&input)) {
            // That needs no room, and is not refused.
            return Ok(same);
        }
        let slot = self.admit(input.params_bytes())?;
        {
            let _catalog = self.0.catalog.write().await;
            match self.0.store.pipeline(&input.name).await? {
                Some((before, _)) if before.same_as(&input) => return Ok(before),
                Some(before) => return self.replace_pipeline(slot, before, input).await,
                None => {}
            }
        }
        self.create_pipeline_admitted(slot, input, "").await
    }

    /// Deletes a pipeline that no resource names.
    pub async fn delete_pipeline(&self, name: &Name, expected: i64) -> Result<()> {
        let _part = self.0.tracer.enter("delete_pipeline");
        let slot = self.room_in_line().await?;
        let _catalog = self.0.catalog.write().await;
        let (pipeline, position) = self.stored_pipeline(name).await?;
        check_revision(expected, pipeline.revision)?;
        if self.0.store.pipeline_used(name).await? {
            let by = "a resource names it".to_owned();
            return Err(Error::InUse {
                noun: Noun::Pipeline,
                name: name.to_string(),
                by,
            });
        }
        let mut batch = Batch::new();
        batch.trace(self.0.tracer.here());
        batch.expect_at(&Key::Pipeline(name), position);
        batch.delete_pipeline(&pipeline);
        slot.write(batch).await?;
        Ok(())
    }

    pub(super) async fn stored_pipeline(&self, name: &Name) -> Result<(Pipeline, Position)> {
        let missing = || Error::NotFound(Noun::Pipeline, name.to_string());
        self.0.store.pipeline(name).await?.ok_or_else(missing)
    }

    async fn replace_pipeline(
        &self,
        slot: Slot,
        before: (Pipeline, Position),
        input: PipelineInput,
    ) -> Result<Pipeline> {
        self.stored_definition(&input.kind).await?;
        if input.kind != before.0.kind && self.0.store.pipeline_used(&input.name).await? {
            let text = format!(
                "resources of {} name it, so it cannot go over to {}",
                before.0.kind, input.kind
            );
            return Err(Error::invalid("resource", text));
        }
        let pipeline = self.next_pipeline(input, Some(&before.0));
        let mut batch = Batch::new();
        batch.trace(self.0.tracer.here());
        batch.expect_at(&Key::Pipeline(&pipeline.name), before.1);
        batch.put_pipeline(&pipeline, Some(&before.0));
        slot.write(batch).await?;
        Ok(pipeline)
    }

    fn next_pipeline(&self, input: PipelineInput, before: Option<&Pipeline>) -> Pipeline {
        let now = self.0.world.now();
        Pipeline {
            id: before.map_or_else(|| ObjectId(self.0.world.random_id()), |before| before.id),
            name: input.name,
            description: input.description,
            version: input.version,
            kind: input.kind,
            steps: input.steps,
            metadata: input.metadata,
            revision: before.map_or(1, |before| before.revision + 1),
            created: before.map_or(now, |before| before.created),
            updated: now,
        }
    }
}
