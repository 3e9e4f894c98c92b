//! What can be done with definitions.

use super::requests::{digest, same_object};
use super::resources::check_revision;
use super::{Engine, Listed, PageRequest, page_size, page_start};
use crate::error::{Error, Result};
use crate::model::name::{Name, Noun, ObjectId};
use crate::model::resource::{Definition, DefinitionInput};
use crate::store::keys::Key;
use crate::store::{Batch, Position, Slot};

impl Engine {
    /// Defines a type of resources.
    pub async fn create_definition(
        &self,
        input: DefinitionInput,
        request_id: &str,
    ) -> Result<Definition> {
        let _part = self.0.tracer.enter("create_definition");
        let slot = self.admit(input.schema.as_str().len())?;
        self.define_admitted(slot, input, request_id).await
    }

    async fn define_admitted(
        &self,
        slot: Slot,
        input: DefinitionInput,
        request_id: &str,
    ) -> Result<Definition> {
        let retention = if input.retention.is_empty() {
            String::new()
        } else {
            format!("{:?}", input.retention)
        };
        let digest = digest(&[
            "definition",
            input.name.as_str(),
            &input.description,
            &input.version,
            input.schema.as_str(),
            &retention,
        ]);
        let _request = self.request_lock(request_id).await;
        if let Some(known) = self.answered(request_id, &digest).await? {
            let (definition, _) = self.stored_definition(&input.name).await?;
            return same_object(definition.id, known.object, Noun::Definition, &input.name)
                .map(|()| definition);
        }
        let now = self.0.world.now();
        let definition = Definition {
            id: ObjectId(self.0.world.random_id()),
            name: input.name,
            description: input.description,
            version: input.version,
            schema: input.schema,
            dialect: input.dialect,
            retention: input.retention,
            revision: 1,
            created: now,
            updated: now,
        };
        let mut batch = Batch::new();
        batch.trace(self.0.tracer.here());
        batch.expect_absent(&Key::Definition(&definition.name));
        batch.put_definition(&definition);
        self.remember(&mut batch, request_id, digest, definition.id, None);
        let _catalog = self.0.catalog.write().await;
        if self.0.store.definition(&definition.name).await?.is_some() {
            return Err(Error::AlreadyExists(
                Noun::Definition,
                definition.name.to_string(),
            ));
        }
        slot.write(batch).await?;
        if !definition.retention.is_empty() {
            self.0.retention.policy_changed(&definition.name);
        }
        Ok(definition)
    }

    /// Reads a definition.
    pub async fn definition(&self, name: &Name) -> Result<Definition> {
        Ok(self.stored_definition(name).await?.0)
    }

    /// Lists definitions in name order.
    pub async fn definitions(&self, page: PageRequest) -> Result<Listed<Definition>> {
        Ok(self
            .0
            .store
            .definitions(page_start(&page.token)?, page_size(page.size)?)
            .await?
            .into())
    }

    /// Replaces a definition. `expected` is the revision it must have, 0 for any.
    pub async fn update_definition(
        &self,
        input: DefinitionInput,
        expected: i64,
    ) -> Result<Definition> {
        let _part = self.0.tracer.enter("update_definition");
        let slot = self.admit(input.schema.as_str().len())?;
        let _catalog = self.0.catalog.write().await;
        let (before, position) = self.stored_definition(&input.name).await?;
        check_revision(expected, before.revision)?;
        self.replace_definition(slot, before, position, input).await
    }

    /// Creates a definition or replaces it. Writes nothing where nothing differs.
    pub async fn apply_definition(&self, input: DefinitionInput) -> Result<Definition> {
        let _part = self.0.tracer.enter("apply_definition");
        let standing = self.0.store.definition(&input.name).await?;
        if let Some((same, _)) = standing.filter(|(standing, _)| standing.same_as(&input)) {
            // That needs no room, and is not refused.
            return Ok(same);
        }
        let slot = self.admit(input.schema.as_str().len())?;
        {
            let _catalog = self.0.catalog.write().await;
            match self.0.store.definition(&input.name).await? {
                Some((before, _)) if before.same_as(&input) => return Ok(before),
                Some((before, position)) => {
                    return self.replace_definition(slot, before, position, input).await;
                }
                None => {}
            }
        }
        self.define_admitted(slot, input, "").await
    }

    /// Deletes a definition that neither a resource nor a pipeline names.
    pub async fn delete_definition(&self, name: &Name, expected: i64) -> Result<()> {
        let _part = self.0.tracer.enter("delete_definition");
        let slot = self.room_in_line().await?;
        let _catalog = self.0.catalog.write().await;
        let (definition, position) = self.stored_definition(name).await?;
        check_revision(expected, definition.revision)?;
        let in_use = |by: &str| Error::InUse {
            noun: Noun::Definition,
            name: name.to_string(),
            by: by.to_owned(),
        };
        match self.0.store.definition_users(name).await? {
            (true, _) => return Err(in_use("there are resources of it")),
            (_, true) => return Err(in_use("a pipeline names it")),
            (false, false) => {}
        }
        let mut batch = Batch::new();
        batch.trace(self.0.tracer.here());
        batch.expect_at(&Key::Definition(name), position);
        batch.delete_definition(name);
        slot.write(batch).await?;
        Ok(())
    }

    async fn replace_definition(
        &self,
        slot: Slot,
        before: Definition,
        position: Position,
        input: DefinitionInput,
    ) -> Result<Definition> {
        let definition = Definition {
            description: input.description,
            version: input.version,
            schema: input.schema,
            dialect: input.dialect,
            retention: input.retention,
            revision: before.revision + 1,
            updated: self.0.world.now(),
            ..before.clone()
        };
        let mut batch = Batch::new();
        batch.trace(self.0.tracer.here());
        batch.expect_at(&Key::Definition(&definition.name), position);
        batch.put_definition(&definition);
        slot.write(batch).await?;
        if definition.retention != before.retention {
            self.0.retention.policy_changed(&definition.name);
        }
        Ok(definition)
    }

    pub(super) async fn stored_definition(&self, name: &Name) -> Result<(Definition, Position)> {
        let missing = || Error::NotFound(Noun::Definition, name.to_string());
        self.0.store.definition(name).await?.ok_or_else(missing)
    }
}
