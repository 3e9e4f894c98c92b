//! Definitions, resources and their revisions. Each write of a resource is noted in the log of changes (`changes`).

use std::collections::HashMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use prost::Message;

use super::batch::{Batch, Position};
use super::keys::{Family, Key, Prefix};
use super::read::{Order, Page, PageBuilder, damaged, walk, walk_between};
use super::{Result, Store, codec, records};
use crate::model::name::{Name, ObjectId};
use crate::model::resource::{Definition, DriverResult, Resource};
use crate::model::run::ResourceRef;
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// Most bytes of a resource that stands whole beside its name too. A page of lists has about 100 of them.
const IN_HEAD_BYTES: usize = 8 << 10;

impl Batch {
    /// Writes a definition.
    pub fn put_definition(&mut self, definition: &Definition) {
        self.put(
            &Key::Definition(&definition.name),
            &records::Definition::from(definition),
        );
    }

    /// Deletes a definition, where neither a resource nor a pipeline names it.
    pub fn delete_definition(&mut self, name: &Name) {
        #[cfg(test)]
        if planted(Sabotage::DeletesWhatIsNamed) {
            return self.delete(&Key::Definition(name));
        }
        self.expect_empty(&Prefix::Resources(Some(name)));
        self.expect_empty(&Prefix::DefinitionPipelines(name));
        self.delete(&Key::Definition(name));
    }

    /// Writes a revision of a resource and makes it the current one. `before` is the revision it replaces.
    pub fn put_resource(&mut self, resource: &Resource, before: Option<&Resource>) {
        let record = records::Resource::from(resource);
        self.put(
            &Key::ResourceRevision(resource.id, resource.revision),
            &record,
        );
        let head = records::ResourceHead {
            id: resource.id.0.into(),
            revision: resource.revision,
            resource: (record.encoded_len() <= IN_HEAD_BYTES).then_some(record),
        };
        self.put(&Key::ResourceHead(&resource.kind, &resource.name), &head);
        if let Some(before) = before {
            let replaced = codec::nanos(resource.updated);
            self.put_bytes(
                &Key::OldRevision(&before.kind, replaced, before.id, before.revision),
                Vec::new(),
            );
        }
        let old = before.and_then(|before| before.pipeline.as_ref());
        if old != resource.pipeline.as_ref() {
            self.unlink_pipeline(before);
            if let Some(pipeline) = &resource.pipeline {
                self.put_bytes(
                    &Key::PipelineResource(pipeline, &resource.kind, &resource.name),
                    Vec::new(),
                );
            }
        }
        self.change(resource, resource.updated, false);
    }

    /// Deletes a resource, and what drivers said about it. Its revisions stay for the runs that carry them out, and
    /// as long as the log of changes tells of it.
    pub fn delete_resource(
        &mut self,
        resource: &Resource,
        results: &[DriverResult],
        now: Timestamp,
    ) {
        let (kind, name) = (&resource.kind, &resource.name);
        self.delete(&Key::ResourceHead(kind, name));
        for result in results {
            self.delete(&Key::DriverResult(kind, name, &result.driver));
        }
        self.unlink_pipeline(Some(resource));
        let revision = resource.revision;
        self.put(&Key::Deletion(resource.id), &records::Deletion { revision });
        self.change(resource, now, true);
    }

    /// Writes what a driver said about a resource, in place of what it said before.
    pub fn put_driver_result(&mut self, resource: &ResourceRef, result: &DriverResult) {
        self.put(
            &Key::DriverResult(&resource.kind, &resource.name, &result.driver),
            &codec::driver_result(resource.id, result),
        );
    }

    fn unlink_pipeline(&mut self, resource: Option<&Resource>) {
        if let Some(resource) = resource
            && let Some(pipeline) = &resource.pipeline
        {
            self.delete(&Key::PipelineResource(
                pipeline,
                &resource.kind,
                &resource.name,
            ));
        }
    }

    fn change(&mut self, resource: &Resource, time: Timestamp, deleted: bool) {
        let change = records::Change {
            id: resource.id.0.into(),
            revision: resource.revision,
            deleted,
            time: codec::nanos(time),
        };
        self.append(&Prefix::Changes, &change);
    }
}

impl Store {
    /// Reads a definition and where it was last written.
    pub async fn definition(&self, name: &Name) -> Result<Option<(Definition, Position)>> {
        self.read(&Key::Definition(name))
    }

    /// Where a definition was last written.
    pub fn definition_position(&self, name: &Name) -> Result<Option<Position>> {
        self.position_of(&Key::Definition(name))
    }

    /// Reads a resource as it stands, and where it was last written.
    pub async fn resource(&self, kind: &Name, name: &Name) -> Result<Option<(Resource, Position)>> {
        self.current(&Key::ResourceHead(kind, name))
    }

    /// The id of a resource and the number of its current revision.
    pub fn current_revision(&self, kind: &Name, name: &Name) -> Result<Option<(ObjectId, i64)>> {
        let head = self.record::<records::ResourceHead>(&Key::ResourceHead(kind, name))?;
        head.map(|(head, _)| Ok((head_id(&head)?, head.revision)))
            .transpose()
    }

    /// Reads one revision of a resource.
    pub async fn revision(&self, id: ObjectId, revision: i64) -> Result<Option<Resource>> {
        Ok(self
            .read(&Key::ResourceRevision(id, revision))?
            .map(|(resource, _)| resource))
    }

    /// What drivers last said about each of some resources, which stand in order of type and name. One scan reads it.
    pub fn driver_results(&self, resources: &[&Resource]) -> Result<Vec<Vec<DriverResult>>> {
        let mut results = vec![Vec::new(); resources.len()];
        let (Some(first), Some(last)) = (resources.first(), resources.last()) else {
            return Ok(results);
        };
        let first = Prefix::DriverResults(&first.kind, &first.name);
        let last = Prefix::DriverResults(&last.kind, &last.name);
        let ids = resources.iter().map(|it| it.id);
        let places: HashMap<ObjectId, usize> = ids.zip(0..).collect();
        walk_between(&self.db, &first, &last, |key, stored| {
            let wrong = |what: &str| damaged(Family::Objects, key, what);
            let record: records::DriverResult = stored.record_at(Family::Objects, key)?;
            let id = ObjectId(codec::uuid(&record.resource).map_err(|what| wrong(&what))?);
            // A task may end after its resource was deleted: what it said then is nobody's.
            if let Some(at) = places.get(&id) {
                let result = DriverResult::try_from(record).map_err(|what| wrong(&what))?;
                results[*at].push(result);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(results)
    }

    /// Lists definitions in name order.
    pub async fn definitions(
        &self,
        after: Option<Vec<u8>>,
        most: usize,
    ) -> Result<Page<Definition>> {
        self.blocking(move |store| store.page(&Prefix::Definitions, after, Order::Up, most))
            .await
    }

    /// Lists resources in order of type and name, each with where it was last written.
    pub async fn resources(
        &self,
        kind: Option<Name>,
        after: Option<Vec<u8>>,
        most: usize,
    ) -> Result<Page<(Resource, Position)>> {
        self.blocking(move |store| {
            let prefix = Prefix::Resources(kind.as_ref());
            let mut page = PageBuilder::new(most);
            walk(
                &store.db,
                &prefix,
                after.as_deref(),
                Order::Up,
                |key, stored| {
                    if !page.has_room() {
                        return Ok(ControlFlow::Break(()));
                    }
                    let resource = store.at_head(stored.record_at(prefix.encode().0, key)?)?;
                    page.add(
                        key,
                        resource.spec.as_str().len(),
                        (resource, stored.position),
                    );
                    Ok(ControlFlow::Continue(()))
                },
            )?;
            Ok(page.finish())
        })
        .await
    }

    /// Lists the revisions of a resource, the newest first.
    pub async fn revisions(
        &self,
        id: ObjectId,
        after: Option<Vec<u8>>,
        most: usize,
    ) -> Result<Page<Resource>> {
        self.blocking(move |store| {
            store.page(&Prefix::ResourceRevisions(id), after, Order::Down, most)
        })
        .await
    }

    /// Whether a definition has a resource, and whether it has a pipeline.
    pub async fn definition_users(&self, name: &Name) -> Result<(bool, bool)> {
        #[cfg(test)]
        if planted(Sabotage::DeletesWhatIsNamed) {
            return Ok((false, false));
        }
        Ok((
            self.any(&Prefix::Resources(Some(name)))?,
            self.any(&Prefix::DefinitionPipelines(name))?,
        ))
    }

    fn current(&self, key: &Key<'_>) -> Result<Option<(Resource, Position)>> {
        match self.record::<records::ResourceHead>(key)? {
            Some((head, position)) => Ok(Some((self.at_head(head)?, position))),
            None => Ok(None),
        }
    }

    fn at_head(&self, head: records::ResourceHead) -> Result<Resource> {
        let id = head_id(&head)?;
        let key = Key::ResourceRevision(id, head.revision);
        let (family, bytes) = key.encode();
        if let Some(record) = head.resource {
            return Resource::try_from(record).map_err(|what| damaged(family, &bytes, &what));
        }
        let missing = || damaged(family, &bytes, "the current revision is not there");
        self.read(&key)?
            .map(|(resource, _)| resource)
            .ok_or_else(missing)
    }
}

fn head_id(head: &records::ResourceHead) -> Result<ObjectId> {
    let (family, bytes) = Key::Format.encode();
    let id = codec::uuid(&head.id).map_err(|what| damaged(family, &bytes, &what))?;
    Ok(ObjectId(id))
}
