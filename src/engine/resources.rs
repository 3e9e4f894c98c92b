//! What can be done with definitions and resources.
//!
//! Invariant: a write of a resource and the run that carries it out are one batch.

use std::collections::HashMap;

use futures_util::Stream;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::change::{Change, RunSeed};
use super::{Engine, Inner, Listed, PageRequest, page_size, page_start};
use crate::error::{Error, Result, Violation};
use crate::model::name::{Name, Noun, ObjectId, RunId};
use crate::model::pipeline::{MAX_STEPS, Pipeline};
use crate::model::resource::{Definition, DefinitionInput, DriverResult, Resource, ResourceInput};
use crate::model::run::{Cause, PipelineRef, ResourceRef, StepRun, StepState, fan_out};
use crate::store::keys::Key;
use crate::store::{Batch, Position, Request};

/// What a write of a resource did.
#[derive(Clone, Debug)]
pub struct Written {
    /// The resource as it now stands; after a delete, as it last was.
    pub resource: Shown,
    /// The run that carries it out; none where nothing changed.
    pub run: Option<RunId>,
}

/// A resource with what drivers last said about it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The resource.
    pub resource: Resource,
    /// The newest result of each driver. Empty for old revisions.
    pub results: Vec<DriverResult>,
}

/// One thing seen by a watch of resources.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A resource as it stands.
    Resource(Resource),
    /// A resource that was deleted, as it last was.
    Deleted(Resource),
    /// Nothing changed up to here.
    Bookmark,
}

impl Engine {
    /// Defines a type of resources.
    pub async fn create_definition(
        &self,
        input: DefinitionInput,
        request_id: &str,
    ) -> Result<Definition> {
        self.0.space.check()?;
        let digest = digest(&[
            "definition",
            input.name.as_str(),
            &input.description,
            &input.version,
            input.schema.as_str(),
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
            revision: 1,
            created: now,
            updated: now,
        };
        let mut batch = Batch::new();
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
        self.0.store.committer().commit(batch).await?;
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
        self.0.space.check()?;
        let _catalog = self.0.catalog.write().await;
        let (before, position) = self.stored_definition(&input.name).await?;
        check_revision(expected, before.revision)?;
        self.replace_definition(before, position, input).await
    }

    /// Creates a definition or replaces it. Writes nothing where nothing differs.
    pub async fn apply_definition(&self, input: DefinitionInput) -> Result<Definition> {
        let known = {
            let _catalog = self.0.catalog.write().await;
            match self.0.store.definition(&input.name).await? {
                Some((before, _)) if before.same_as(&input) => return Ok(before),
                Some((before, position)) => {
                    self.0.space.check()?;
                    return self.replace_definition(before, position, input).await;
                }
                None => input,
            }
        };
        self.create_definition(known, "").await
    }

    /// Deletes a definition that neither a resource nor a pipeline names.
    pub async fn delete_definition(&self, name: &Name, expected: i64) -> Result<()> {
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
        batch.expect_at(&Key::Definition(name), position);
        batch.delete_definition(name);
        self.0.store.committer().commit(batch).await?;
        Ok(())
    }

    /// Creates a resource, and the run of its create event.
    pub async fn create_resource(&self, input: ResourceInput, request_id: &str) -> Result<Written> {
        self.0.space.check()?;
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
        self.write_resource(resource, None, pipeline, Cause::Create, request)
            .await
    }

    /// Reads a resource as it stands.
    pub async fn resource(&self, kind: &Name, name: &Name) -> Result<Shown> {
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
        let missing = || Error::NotFound(Noun::Revision, format!("{kind}/{name}/{revision}"));
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
        let mut items = Vec::with_capacity(listed.items.len());
        for (resource, _) in listed.items {
            items.push(self.shown(resource).await?);
        }
        Ok(Listed {
            items,
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
        self.0.space.check()?;
        let _catalog = self.0.catalog.read().await;
        let _resource = Inner::lock_of(&self.0.resources, &(&input.kind, &input.name))
            .lock()
            .await;
        let before = self.stored_resource(&input.kind, &input.name).await?;
        check_revision(expected, before.0.revision)?;
        self.replace_resource(before, input).await
    }

    /// Creates a resource or replaces it. Where nothing differs there is no revision, no event and no run.
    pub async fn apply_resource(&self, input: ResourceInput) -> Result<Written> {
        {
            let _catalog = self.0.catalog.read().await;
            let _resource = Inner::lock_of(&self.0.resources, &(&input.kind, &input.name))
                .lock()
                .await;
            if let Some(before) = self.0.store.resource(&input.kind, &input.name).await? {
                if before.0.same_as(&input) {
                    return Ok(Written {
                        resource: self.shown(before.0).await?,
                        run: None,
                    });
                }
                self.0.space.check()?;
                return self.replace_resource(before, input).await;
            }
        }
        self.create_resource(input, "").await
    }

    /// Deletes a resource, cancels runs of it that no driver has taken, and starts the run of its delete event.
    pub async fn delete_resource(
        &self,
        kind: &Name,
        name: &Name,
        expected: i64,
    ) -> Result<Written> {
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
        let shown = self.shown(resource.clone()).await?;
        let run = self
            .with_run(&resource, pipeline.as_ref(), Cause::Delete, |change| {
                change
                    .batch
                    .expect_at(&Key::ResourceHead(kind, name), position);
                change.batch.delete_resource(&resource);
                cancel_untaken(change, kind, name);
            })
            .await?;
        Ok(Written {
            resource: shown,
            run: Some(run),
        })
    }

    /// Follows resources: as they stand and then what comes, or what came after a position.
    pub async fn watch_resources(
        &self,
        kind: Option<Name>,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<(Position, Seen)>> + use<>> {
        let now = *self.0.store.committer().position().borrow();
        if after.is_some_and(|after| after > now) {
            return Err(Error::PositionGone { oldest: now.0 });
        }
        Ok(self.seen_resources(kind, after, now))
    }

    /// Checks a resource against its definition and its pipeline, and answers the pipeline.
    async fn check_resource(&self, input: &ResourceInput) -> Result<Option<Pipeline>> {
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
        // A large spec takes long to check: that must not hold up others.
        let check = move || schema.check(&spec.value());
        if input.spec.as_str().len() < 64 << 10 {
            check()?;
        } else {
            tokio::task::spawn_blocking(check)
                .await
                .map_err(|_| Error::Stopping)??;
        }
        Ok(pipeline)
    }

    async fn replace_resource(
        &self,
        before: (Resource, Position),
        input: ResourceInput,
    ) -> Result<Written> {
        let pipeline = self.check_resource(&input).await?;
        let resource = self.revised(input, Some(&before.0));
        self.write_resource(resource, Some(before), pipeline, Cause::Update, None)
            .await
    }

    async fn replace_definition(
        &self,
        before: Definition,
        position: Position,
        input: DefinitionInput,
    ) -> Result<Definition> {
        let definition = Definition {
            description: input.description,
            version: input.version,
            schema: input.schema,
            dialect: input.dialect,
            revision: before.revision + 1,
            updated: self.0.world.now(),
            ..before
        };
        let mut batch = Batch::new();
        batch.expect_at(&Key::Definition(&definition.name), position);
        batch.put_definition(&definition);
        self.0.store.committer().commit(batch).await?;
        Ok(definition)
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
        resource: Resource,
        before: Option<(Resource, Position)>,
        pipeline: Option<Pipeline>,
        cause: Cause,
        request: Option<(String, Vec<u8>)>,
    ) -> Result<Written> {
        let now = self.0.world.now();
        let head = Key::ResourceHead(&resource.kind, &resource.name);
        let run = self
            .with_run_id(&resource, pipeline.as_ref(), cause, |change, run| {
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
        Ok(Written {
            resource: self.shown(resource).await?,
            run: Some(run),
        })
    }

    /// Commits a change that starts a run, with what `write` adds to it.
    async fn with_run(
        &self,
        resource: &Resource,
        pipeline: Option<&Pipeline>,
        cause: Cause,
        write: impl FnOnce(&mut Change<'_>),
    ) -> Result<RunId> {
        self.with_run_id(resource, pipeline, cause, |change, _| write(change))
            .await
    }

    /// Commits a change that starts a run, with what `write` adds to it knowing the run's id.
    pub(super) async fn with_run_id(
        &self,
        resource: &Resource,
        pipeline: Option<&Pipeline>,
        cause: Cause,
        write: impl FnOnce(&mut Change<'_>, RunId),
    ) -> Result<RunId> {
        let bytes = resource.spec.as_str().len() + 1024;
        let slot = self.0.store.committer().reserve(bytes).await?;
        let (done, answer) = oneshot::channel();
        let id = {
            let mut change = Change::begin(&self.0);
            let steps = first_steps(&change, resource, pipeline, cause)?;
            let id = RunId(self.0.world.ordered_id());
            write(&mut change, id);
            let seed = RunSeed {
                cause,
                resource: reference(resource),
                pipeline: pipeline.map(pipeline_ref),
                steps,
            };
            let run = seed.into_run(id, change.now);
            change.add_run(run);
            let inner = std::sync::Arc::clone(&self.0);
            change.commit(slot, move |outcome| {
                if outcome.is_ok() {
                    inner.changes.send_replace(());
                }
                // Where nobody waits any more, nobody needs the answer.
                let _ = done.send(outcome);
            });
            id
        };
        answer.await.map_err(|_| Error::Stopping)??;
        Ok(id)
    }

    pub(super) async fn stored_definition(&self, name: &Name) -> Result<(Definition, Position)> {
        let missing = || Error::NotFound(Noun::Definition, name.to_string());
        self.0.store.definition(name).await?.ok_or_else(missing)
    }

    pub(super) async fn stored_resource(
        &self,
        kind: &Name,
        name: &Name,
    ) -> Result<(Resource, Position)> {
        let missing = || Error::NotFound(Noun::Resource, format!("{kind}/{name}"));
        self.0.store.resource(kind, name).await?.ok_or_else(missing)
    }

    /// A resource with what drivers last said, the newest first, as much as may be shown.
    pub(super) async fn shown(&self, resource: Resource) -> Result<Shown> {
        let mut results = self.0.store.driver_results(resource.id).await?;
        results.sort_by_key(|result| std::cmp::Reverse(result.time));
        let mut bytes = 0;
        results.retain(|result| {
            bytes +=
                result.message.len() + result.data.as_ref().map_or(0, |data| data.as_str().len());
            bytes <= SHOWN_BYTES
        });
        Ok(Shown { resource, results })
    }

    pub(super) async fn request_lock(&self, id: &str) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if id.is_empty() {
            None
        } else {
            Some(Inner::lock_of(&self.0.requests, &id).lock().await)
        }
    }

    /// What a request with this id made before, if there was one.
    pub(super) async fn answered(&self, id: &str, digest: &[u8]) -> Result<Option<Request>> {
        if id.is_empty() {
            return Ok(None);
        }
        if id.len() > 128 {
            return Err(Error::invalid("request_id", "at most 128 bytes"));
        }
        match self.0.store.request(id).await? {
            Some(known) if known.digest == digest => Ok(Some(known)),
            Some(_) => Err(Error::RequestReused(crate::error::cut(id, 40))),
            None => Ok(None),
        }
    }

    /// Remembers what a request with an id makes, in the batch that makes it.
    pub(super) fn remember(
        &self,
        batch: &mut Batch,
        id: &str,
        digest: Vec<u8>,
        object: ObjectId,
        run: Option<RunId>,
    ) {
        if !id.is_empty() {
            batch.put_request(
                id,
                &Request {
                    digest,
                    time: self.0.world.now(),
                    object,
                    run,
                },
            );
        }
    }

    async fn created_before(&self, input: &ResourceInput, known: &Request) -> Result<Written> {
        let missing = || Error::NotFound(Noun::Resource, format!("{}/{}", input.kind, input.name));
        let resource = self
            .0
            .store
            .revision(known.object, 1)
            .await?
            .ok_or_else(missing)?;
        Ok(Written {
            resource: Shown {
                resource,
                results: Vec::new(),
            },
            run: known.run,
        })
    }
}

/// Most bytes of driver results that a resource is shown with.
const SHOWN_BYTES: usize = 1 << 20;

/// Tells one request from another: SHA-256 over its parts.
pub(super) fn digest(parts: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
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

pub(super) fn same_object(stands: ObjectId, made: ObjectId, noun: Noun, name: &Name) -> Result<()> {
    if stands == made {
        Ok(())
    } else {
        Err(Error::NotFound(noun, name.to_string()))
    }
}

pub(super) fn check_revision(expected: i64, actual: i64) -> Result<()> {
    if expected == 0 || expected == actual {
        Ok(())
    } else {
        Err(Error::Stale { expected, actual })
    }
}

fn reference(resource: &Resource) -> ResourceRef {
    ResourceRef {
        id: resource.id,
        kind: resource.kind.clone(),
        name: resource.name.clone(),
        revision: resource.revision,
    }
}

fn pipeline_ref(pipeline: &Pipeline) -> PipelineRef {
    PipelineRef {
        id: pipeline.id,
        name: pipeline.name.clone(),
        revision: pipeline.revision,
    }
}

/// The steps of a new run: the pipeline's, or one for each driver that listens.
fn first_steps(
    change: &Change<'_>,
    resource: &Resource,
    pipeline: Option<&Pipeline>,
    cause: Cause,
) -> Result<Vec<StepRun>> {
    let known: HashMap<&Name, _> = change
        .board
        .drivers
        .iter()
        .filter_map(|(name, entry)| Some((name, entry.known.as_ref()?)))
        .collect();
    if let Some(pipeline) = pipeline {
        let steps = pipeline.steps.iter().map(|step| {
            let mut run = StepRun::new(step.id.clone(), step.name.clone(), step.driver.clone());
            run.timeout = step.timeout;
            run.labels = step.labels.clone();
            if cause == Cause::Delete
                && !known
                    .get(&step.driver)
                    .is_some_and(|driver| driver.takes(cause))
            {
                run.state = StepState::Skipped;
                run.reason = format!("driver {} does not listen to delete", step.driver);
            }
            run
        });
        return Ok(steps.collect());
    }
    let listeners = known
        .values()
        .filter(|driver| driver.listens_to(&resource.kind, cause));
    let steps = fan_out(listeners.map(|driver| driver.name.clone()));
    if steps.len() > MAX_STEPS {
        let text = format!("{} drivers listen to it: {MAX_STEPS} at most", steps.len());
        return Err(Error::Invalid(vec![Violation::new("resource", text)]));
    }
    Ok(steps)
}

/// Cancels the runs of a resource that no driver has taken.
fn cancel_untaken(change: &mut Change<'_>, kind: &Name, name: &Name) {
    let line = change.board.lines.get(&(kind.clone(), name.clone()));
    let runs: Vec<RunId> = line
        .into_iter()
        .flat_map(|line| line.values().rev().copied())
        .collect();
    for run in runs {
        if change.run(run).is_some_and(|run| run.untouched()) {
            let reason = "the resource was deleted".to_owned();
            change.apply(run, crate::model::run::Event::Cancel { reason });
        }
    }
}
