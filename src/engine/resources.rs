//! What can be done with resources.
//!
//! Invariant: a write of a resource and the run that carries it out are one batch.

use super::requests::digest;
pub use super::shown::Shown;
use super::start::cancel_untaken;
use super::{Engine, Inner, Listed, PageRequest, page_size, page_start};
use crate::aside::{aside, joined};
use crate::error::{Error, Result};
use crate::model::name::{Name, Noun, ObjectId, RunId};
use crate::model::pipeline::Pipeline;
use crate::model::resource::{Resource, ResourceInput};
use crate::model::run::Cause;
use crate::store::keys::Key;
use crate::store::{Position, Request, Slot};

/// What a write of a resource did.
#[derive(Clone, Debug)]
pub struct Written {
    /// The resource as it now stands; after a delete, as it last was.
    pub resource: Shown,
    /// The run that carries it out; none where nothing changed.
    pub run: Option<RunId>,
}

impl Engine {
    /// Creates a resource, and the run of its create event.
    pub async fn create_resource(&self, input: ResourceInput, request_id: &str) -> Result<Written> {
        let _part = self.0.tracer.enter("create_resource");
        let slot = self.admit(input.spec.as_str().len())?;
        self.create_admitted(slot, input, request_id).await
    }

    async fn create_admitted(
        &self,
        slot: Slot,
        input: ResourceInput,
        request_id: &str,
    ) -> Result<Written> {
        let digest = digest_of(&input);
        let _request = self.request_lock(request_id).await;
        if let Some(known) = self.answered(request_id, &digest).await? {
            return self.created_before(&input, &known).await;
        }
        let _catalog = self.0.catalog.read().await;
        let _resource = Inner::lock_of(&self.0.resources, &(&input.kind, &input.name))
            .lock()
            .await;
        if self
            .0
            .store
            .resource(&input.kind, &input.name)
            .await?
            .is_some()
        {
            return Err(Error::AlreadyExists(
                Noun::Resource,
                format!("{}/{}", input.kind, input.name),
            ));
        }
        let pipeline = self.check_resource(&input).await?;
        let resource = self.revised(input, None);
        let request = (!request_id.is_empty()).then(|| (request_id.to_owned(), digest));
        self.write_resource(slot, resource, None, pipeline, Cause::Create, request)
            .await
    }

    /// Reads a resource as it stands.
    pub async fn resource(&self, kind: &Name, name: &Name) -> Result<Shown> {
        #[cfg(test)]
        crate::sabotage::panic_about(name.as_str());
        let (resource, _) = self.stored_resource(kind, name).await?;
        self.shown(resource).await
    }

    /// Reads one revision of a resource.
    pub async fn resource_revision(
        &self,
        kind: &Name,
        name: &Name,
        revision: i64,
    ) -> Result<Shown> {
        let (current, _) = self.stored_resource(kind, name).await?;
        if current.revision == revision {
            return self.shown(current).await;
        }
        let missing = || {
            let revision_of = format!("{kind}/{name}/{revision}");
            // Revisions are counted up from 1.
            if (1..current.revision).contains(&revision) {
                Error::NotKept(Noun::Revision, revision_of)
            } else {
                Error::NotFound(Noun::Revision, revision_of)
            }
        };
        let resource = self
            .0
            .store
            .revision(current.id, revision)
            .await?
            .ok_or_else(missing)?;
        Ok(Shown {
            resource,
            results: Vec::new(),
        })
    }

    /// Lists resources in order of type and name.
    pub async fn resources(&self, kind: Option<Name>, page: PageRequest) -> Result<Listed<Shown>> {
        if let Some(kind) = &kind {
            self.stored_definition(kind).await?;
        }
        let listed = self
            .0
            .store
            .resources(kind, page_start(&page.token)?, page_size(page.size)?)
            .await?;
        let listed = Listed::from(listed);
        let resources = listed.items.into_iter().map(|(resource, _)| resource);
        let items = self.shown_page(resources.collect()).await?;
        Ok(Listed {
            items,
            tokens: listed.tokens,
            next: listed.next,
        })
    }

    /// Lists the revisions of a resource, the newest first.
    pub async fn revisions(
        &self,
        kind: &Name,
        name: &Name,
        page: PageRequest,
    ) -> Result<Listed<Resource>> {
        let (resource, _) = self.stored_resource(kind, name).await?;
        Ok(self
            .0
            .store
            .revisions(resource.id, page_start(&page.token)?, page_size(page.size)?)
            .await?
            .into())
    }

    /// Replaces a resource: always a new revision and the run of its update event.
    pub async fn update_resource(&self, input: ResourceInput, expected: i64) -> Result<Written> {
        let _part = self.0.tracer.enter("update_resource");
        let slot = self.admit(input.spec.as_str().len())?;
        let _catalog = self.0.catalog.read().await;
        let _resource = Inner::lock_of(&self.0.resources, &(&input.kind, &input.name))
            .lock()
            .await;
        let before = self.stored_resource(&input.kind, &input.name).await?;
        check_revision(expected, before.0.revision)?;
        self.replace_resource(slot, before, input).await
    }

    /// Creates a resource or replaces it. Where nothing differs there is no revision, no event and no run.
    pub async fn apply_resource(&self, input: ResourceInput) -> Result<Written> {
        let _part = self.0.tracer.enter("apply_resource");
        let standing = self.0.store.resource(&input.kind, &input.name).await?;
        if let Some((same, _)) = standing.filter(|(standing, _)| standing.same_as(&input)) {
            // That needs no room, and is not refused.
            return self.unchanged(same).await;
        }
        let slot = self.admit(input.spec.as_str().len())?;
        {
            let _catalog = self.0.catalog.read().await;
            let _resource = Inner::lock_of(&self.0.resources, &(&input.kind, &input.name))
                .lock()
                .await;
            match self.0.store.resource(&input.kind, &input.name).await? {
                Some((before, _)) if before.same_as(&input) => return self.unchanged(before).await,
                Some(before) => return self.replace_resource(slot, before, input).await,
                None => {}
            }
        }
        self.create_admitted(slot, input, "").await
    }

    async fn unchanged(&self, resource: Resource) -> Result<Written> {
        Ok(Written {
            resource: self.shown(resource).await?,
            run: None,
        })
    }

    /// Deletes a resource, cancels runs of it that no driver has taken, and starts the run of its delete event.
    pub async fn delete_resource(
        &self,
        kind: &Name,
        name: &Name,
        expected: i64,
    ) -> Result<Written> {
        let _part = self.0.tracer.enter("delete_resource");
        let slot = self.room_in_line().await?;
        let _catalog = self.0.catalog.read().await;
        let _resource = Inner::lock_of(&self.0.resources, &(kind, name))
            .lock()
            .await;
        let (resource, position) = self.stored_resource(kind, name).await?;
        check_revision(expected, resource.revision)?;
        let pipeline = match &resource.pipeline {
            Some(pipeline) => Some(self.stored_pipeline(pipeline).await?.0),
            None => None,
        };
        let results = self.0.store.driver_results(&[&resource])?;
        let results = results.concat();
        let run = self
            .with_run(
                slot,
                &resource,
                pipeline.as_ref(),
                Cause::Delete,
                |change| {
                    change
                        .batch
                        .expect_at(&Key::ResourceHead(kind, name), position);
                    let now = change.now;
                    change.batch.delete_resource(&resource, &results, now);
                    cancel_untaken(change, kind, name);
                },
            )
            .await?;
        Ok(Written {
            resource: Shown::new(resource, results),
            run: Some(run),
        })
    }

    /// Checks a resource against its definition and its pipeline, and answers the pipeline.
    async fn check_resource(&self, input: &ResourceInput) -> Result<Option<Pipeline>> {
        #[cfg(test)]
        crate::sabotage::panic_about(input.name.as_str());
        let missing = || Error::NotFound(Noun::Definition, input.kind.to_string());
        let schema = self.schema(&input.kind).await?.ok_or_else(missing)?;
        let pipeline = match &input.pipeline {
            Some(name) => Some(self.stored_pipeline(name).await?.0),
            None => None,
        };
        if let Some(pipeline) = &pipeline
            && pipeline.kind != input.kind
        {
            let text = format!(
                "{} is a pipeline of {}, not of {}",
                pipeline.name, pipeline.kind, input.kind
            );
            return Err(Error::invalid("pipeline", text));
        }
        let spec = input.spec.clone();
        // A check that may take long must not hold up others.
        let quick = schema.is_plain() && input.spec.as_str().len() < 64 << 10;
        let check = move || schema.check(&spec.value());
        if quick {
            check()?;
        } else {
            joined(aside(check)).await.ok_or(Error::Stopping)??;
        }
        Ok(pipeline)
    }

    async fn replace_resource(
        &self,
        slot: Slot,
        before: (Resource, Position),
        input: ResourceInput,
    ) -> Result<Written> {
        let pipeline = self.check_resource(&input).await?;
        let resource = self.revised(input, Some(&before.0));
        self.write_resource(slot, resource, Some(before), pipeline, Cause::Update, None)
            .await
    }

    /// The next revision of a resource.
    fn revised(&self, input: ResourceInput, before: Option<&Resource>) -> Resource {
        let now = self.0.world.now();
        Resource {
            id: before.map_or_else(|| ObjectId(self.0.world.random_id()), |before| before.id),
            kind: input.kind,
            name: input.name,
            pipeline: input.pipeline,
            metadata: input.metadata,
            spec: input.spec,
            revision: before.map_or(1, |before| before.revision + 1),
            created: before.map_or(now, |before| before.created),
            updated: now,
        }
    }

    async fn write_resource(
        &self,
        slot: Slot,
        resource: Resource,
        before: Option<(Resource, Position)>,
        pipeline: Option<Pipeline>,
        cause: Cause,
        request: Option<(String, Vec<u8>)>,
    ) -> Result<Written> {
        let now = self.0.world.now();
        let head = Key::ResourceHead(&resource.kind, &resource.name);
        let run = self
            .with_run_id(slot, &resource, pipeline.as_ref(), cause, |change, run| {
                match &before {
                    Some((_, position)) => change.batch.expect_at(&head, *position),
                    None => change.batch.expect_absent(&head),
                }
                change
                    .batch
                    .put_resource(&resource, before.as_ref().map(|(before, _)| before));
                if let Some((id, digest)) = request {
                    let request = Request {
                        digest,
                        time: now,
                        object: resource.id,
                        run: Some(run),
                    };
                    change.batch.put_request(&id, &request);
                }
            })
            .await?;
        let resource = match before {
            Some(_) => {
                self.0.retention.touch(&resource.kind, &resource.name);
                self.shown(resource).await?
            }
            // No driver has said anything about what is new.
            None => Shown {
                resource,
                results: Vec::new(),
            },
        };
        Ok(Written {
            resource,
            run: Some(run),
        })
    }

    pub(super) async fn stored_resource(
        &self,
        kind: &Name,
        name: &Name,
    ) -> Result<(Resource, Position)> {
        let missing = || Error::NotFound(Noun::Resource, format!("{kind}/{name}"));
        self.0.store.resource(kind, name).await?.ok_or_else(missing)
    }

    async fn created_before(&self, input: &ResourceInput, known: &Request) -> Result<Written> {
        let missing = || Error::NotFound(Noun::Resource, format!("{}/{}", input.kind, input.name));
        let resource = match self.0.store.revision(known.object, 1).await? {
            Some(first) => first,
            // Retention may have removed it: the current one is the nearest to what was answered.
            None => {
                let current = self.0.store.resource(&input.kind, &input.name).await?;
                let current = current.map(|(current, _)| current);
                current
                    .filter(|current| current.id == known.object)
                    .ok_or_else(missing)?
            }
        };
        Ok(Written {
            resource: Shown {
                resource,
                results: Vec::new(),
            },
            run: known.run,
        })
    }
}

fn digest_of(input: &ResourceInput) -> Vec<u8> {
    let pipeline = input.pipeline.as_ref().map_or("", Name::as_str);
    let mut parts = vec![
        "resource",
        input.kind.as_str(),
        input.name.as_str(),
        pipeline,
        input.spec.as_str(),
    ];
    parts.extend(
        input
            .metadata
            .iter()
            .flat_map(|(key, value)| [key.as_str(), value.as_str()]),
    );
    digest(&parts)
}

pub(super) fn check_revision(expected: i64, actual: i64) -> Result<()> {
    if expected == 0 || expected == actual {
        Ok(())
    } else {
        Err(Error::Stale { expected, actual })
    }
}
