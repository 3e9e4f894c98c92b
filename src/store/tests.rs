//! Any history with removals in any order: after each batch nothing dangles, and what must stay is there. And any
//! history as an older format has it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::doctor::{Finding, Report};
use super::keys::{Family, Key, LogState, Prefix};
use super::read::{Order, handle, walk};
use super::*;
use crate::model::json::Json;
use crate::model::log::{Chunk, Line};
use crate::model::name::{Name, ObjectId, RunId};
use crate::model::pipeline::Pipeline;
use crate::model::resource::{Definition, Resource};
use crate::model::run::{Cause, PipelineRef, ResourceRef, Run, RunState};
use crate::model::schema::Dialect;

/// One thing that happens. Numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write { name: usize },
    Delete { name: usize },
    ReplacePipeline,
    End { nth: usize },
    RemoveRun { nth: usize },
    RemoveLog { nth: usize },
    RemoveRevisions { most: usize },
    RemovePipelines,
    RemoveChanges { most: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize).prop_map(|name| Step::Write { name }),
        1 => (0..3_usize).prop_map(|name| Step::Delete { name }),
        1 => Just(Step::ReplacePipeline),
        4 => (0..9_usize).prop_map(|nth| Step::End { nth }),
        3 => (0..9_usize).prop_map(|nth| Step::RemoveRun { nth }),
        1 => (0..9_usize).prop_map(|nth| Step::RemoveLog { nth }),
        1 => (0..5_usize).prop_map(|most| Step::RemoveRevisions { most }),
        1 => Just(Step::RemovePipelines),
        1 => (0..5_usize).prop_map(|most| Step::RemoveChanges { most }),
    ]
}

/// A store and what is known of it.
struct World {
    store: Store,
    current: BTreeMap<usize, Resource>,
    pipeline: Pipeline,
    open: Vec<Run>,
    ended: Vec<RunId>,
    orders: u64,
    now: Timestamp,
    place: tempfile::TempDir,
}

fn definition(now: Timestamp) -> Definition {
    let record = records::Definition {
        id: Uuid::new_v4().into(),
        name: "kind".to_owned(),
        schema: "{}".to_owned(),
        dialect: Dialect::Draft202012.to_string(),
        revision: 1,
        created: codec::nanos(now),
        updated: codec::nanos(now),
        ..Default::default()
    };
    record.try_into().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

impl World {
    async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let pipeline = Pipeline {
            id: ObjectId(Uuid::new_v4()),
            name: name("line"),
            description: String::new(),
            version: String::new(),
            kind: name("kind"),
            steps: Vec::new(),
            metadata: BTreeMap::new(),
            revision: 1,
            created: now,
            updated: now,
        };
        let store = Store::open(place.path(), 64).unwrap();
        let mut batch = Batch::new();
        batch.put_definition(&definition(now));
        batch.put_pipeline(&pipeline, None);
        store.committer().commit(batch).await.unwrap();
        Self {
            store,
            current: BTreeMap::new(),
            pipeline,
            open: Vec::new(),
            ended: Vec::new(),
            orders: 0,
            now,
            place,
        }
    }

    async fn take(&mut self, step: Step) {
        self.now = self
            .now
            .saturating_add(SignedDuration::from_secs(1))
            .unwrap();
        let mut batch = Batch::new();
        let mut removal = Removal::of(&self.store);
        match step {
            Step::Write { name } => self.write(name, &mut batch),
            Step::Delete { name } => self.delete(name, &mut batch),
            Step::ReplacePipeline => {
                let before = self.pipeline.clone();
                self.pipeline.revision += 1;
                batch.put_pipeline(&self.pipeline, Some(&before));
            }
            Step::End { nth } if nth < self.open.len() => {
                let mut run = self.open.remove(nth);
                (run.state, run.ended) = (RunState::Succeeded, Some(self.now));
                batch.put_run(&run);
                self.ended.push(run.id);
            }
            Step::RemoveRun { nth } if nth < self.ended.len() => {
                assert!(removal.run(self.ended.remove(nth)).unwrap());
            }
            Step::RemoveLog { nth } if nth < self.ended.len() => {
                removal.log(self.ended[nth]).unwrap();
            }
            Step::RemoveRevisions { most } => {
                let kind = name("kind");
                let old = self.store.replaced_before(&kind, self.now, most).unwrap();
                for old in old {
                    removal.revision(&old).unwrap();
                }
            }
            Step::RemovePipelines => {
                for (id, revision) in self.store.old_pipelines(9).unwrap() {
                    removal.pipeline_revision(id, revision).unwrap();
                }
            }
            Step::RemoveChanges { most } => {
                for change in self.store.oldest_changes(Position(0), most).unwrap() {
                    removal.change(&change, 1000).unwrap();
                }
            }
            Step::End { .. } | Step::RemoveRun { .. } | Step::RemoveLog { .. } => {}
        }
        for batch in [batch, removal.batch] {
            self.store.committer().commit(batch).await.unwrap();
        }
    }

    fn write(&mut self, nth: usize, batch: &mut Batch) {
        let before = self.current.get(&nth).cloned();
        let resource = Resource {
            id: before
                .as_ref()
                .map_or_else(|| ObjectId(Uuid::new_v4()), |it| it.id),
            kind: name("kind"),
            name: name(&format!("r{nth}")),
            pipeline: (nth == 0).then(|| name("line")),
            metadata: BTreeMap::new(),
            spec: Json::from_stored("{}".to_owned()),
            revision: before.as_ref().map_or(1, |it| it.revision + 1),
            created: self.now,
            updated: self.now,
        };
        batch.put_resource(&resource, before.as_ref());
        self.begin(&resource, Cause::Update, batch);
        self.current.insert(nth, resource);
    }

    fn delete(&mut self, nth: usize, batch: &mut Batch) {
        if let Some(resource) = self.current.remove(&nth) {
            batch.delete_resource(&resource, &[], self.now);
            self.begin(&resource, Cause::Delete, batch);
        }
    }

    fn begin(&mut self, resource: &Resource, cause: Cause, batch: &mut Batch) {
        self.orders += 1;
        let run = Run {
            id: RunId(Uuid::now_v7()),
            order: self.orders,
            cause,
            resource: ResourceRef {
                id: resource.id,
                kind: resource.kind.clone(),
                name: resource.name.clone(),
                revision: resource.revision,
            },
            pipeline: resource.pipeline.as_ref().map(|name| PipelineRef {
                id: self.pipeline.id,
                name: name.clone(),
                revision: self.pipeline.revision,
            }),
            state: RunState::Pending,
            reason: String::new(),
            waits_for: None,
            cut_short: false,
            steps: Vec::new(),
            created: self.now,
            started: None,
            ended: None,
            trace: None,
        };
        batch.index_run(&run);
        batch.put_run(&run);
        let line = Line {
            time: self.now,
            stream: String::new(),
            labels: BTreeMap::new(),
            message: "one".to_owned(),
        };
        let chunk = Chunk {
            step: String::new(),
            attempt: 1,
            driver: String::new(),
            pipeline: String::new(),
            lines: vec![line],
        };
        batch.put_chunk(&run.id.to_string(), 1, EncodedChunk::new(chunk));
        self.open.push(run);
    }

    fn faults(&self) -> Vec<Finding> {
        let report = doctor::look_through(&self.store.db, Report::default(), &mut |_| ()).unwrap();
        report.findings
    }

    /// Removes all that may go.
    async fn remove_all(&mut self) {
        for _ in 0..2 {
            for most in [100, 100] {
                self.take(Step::RemoveRevisions { most }).await;
                self.take(Step::RemoveChanges { most }).await;
            }
            while !self.ended.is_empty() {
                self.take(Step::RemoveRun { nth: 0 }).await;
            }
            self.take(Step::RemovePipelines).await;
        }
    }

    /// The rows that format 1 did not have.
    fn new_rows(&self) -> Vec<Vec<u8>> {
        let mut rows = Vec::new();
        for prefix in [
            Prefix::AllShownBy,
            Prefix::EndedRuns(LogState::Kept, None),
            Prefix::OldRevisions(None),
            Prefix::OldPipelines,
            Prefix::Deletions,
        ] {
            walk(&self.store.db, &prefix, None, Order::Up, |key, _| {
                rows.push(key.to_vec());
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        }
        rows
    }

    /// Makes the store one of format 1, and opens it again.
    async fn open_as_format_1(&mut self) {
        let db = &self.store.db;
        for row in self.new_rows() {
            db.delete_cf(&handle(db, Family::Indexes), row).unwrap();
        }
        let (family, key) = Key::Format.encode();
        let format = records::Format { version: 1 };
        let value = [&[0; 8], prost::Message::encode_to_vec(&format).as_slice()].concat();
        db.put_cf(&handle(db, family), key, value).unwrap();
        assert!(self.new_rows().is_empty());
        self.store.close().await;
        // The lock of the directory goes with the last handle.
        let elsewhere = tempfile::tempdir().unwrap();
        self.store = Store::open(elsewhere.path(), 64).unwrap();
        self.store.close().await;
        self.store = Store::open(self.place.path(), 64).unwrap();
    }

    fn count(&self, prefix: &Prefix<'_>) -> usize {
        let mut count = 0;
        walk(&self.store.db, prefix, None, Order::Up, |_, _| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        count
    }
}

fn under_tokio(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_dangles_after_any_removal(steps in prop::collection::vec(step(), 1..60)) {
        under_tokio(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
                assert_eq!(world.faults(), [], "after {step:?}");
                for run in &world.open {
                    let text = run.id.to_string();
                    assert_eq!(world.store.next_seq(&text).unwrap(), 2, "a run in progress");
                    assert_eq!(world.store.log_start(&text).unwrap(), 1, "keeps its lines");
                }
            }
            world.store.close().await;
        });
    }

    #[test]
    fn when_all_is_due_only_what_stands_is_left(steps in prop::collection::vec(step(), 1..60)) {
        under_tokio(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            while !world.open.is_empty() {
                world.take(Step::End { nth: 0 }).await;
            }
            world.remove_all().await;
            assert_eq!(world.faults(), []);
            assert_eq!(world.count(&Prefix::Revisions), world.current.len());
            assert_eq!(world.count(&Prefix::PipelineRevisions), 1);
            for prefix in [
                Prefix::Runs,
                Prefix::AllResourceRuns,
                Prefix::AllDefinitionRuns,
                Prefix::AllShownBy,
                Prefix::EndedRuns(LogState::Kept, None),
                Prefix::EndedRuns(LogState::Gone, None),
                Prefix::OldRevisions(None),
                Prefix::OldPipelines,
                Prefix::Changes,
                Prefix::Deletions,
            ] {
                assert_eq!(world.count(&prefix), 0, "{prefix:?}");
            }
            world.store.close().await;
        });
    }

    #[test]
    fn store_of_format_1_gets_what_it_lacks(
        steps in prop::collection::vec(step().prop_filter("no removal", happens), 1..60),
    ) {
        under_tokio(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            let rows = world.new_rows();
            world.open_as_format_1().await;
            assert_eq!(world.new_rows(), rows);
            assert_eq!(world.faults(), []);
            world.remove_all().await;
            assert_eq!(world.faults(), []);
            world.store.close().await;
        });
    }
}

fn happens(step: &Step) -> bool {
    matches!(
        step,
        Step::Write { .. } | Step::Delete { .. } | Step::ReplacePipeline | Step::End { .. }
    )
}

#[test]
fn more_revisions_than_one_batch_takes_go_in_several() {
    under_tokio(async {
        let mut world = World::new().await;
        for _ in 0..12 {
            world.take(Step::Write { name: 1 }).await;
            world.take(Step::End { nth: 0 }).await;
            world.take(Step::RemoveRun { nth: 0 }).await;
        }
        let id = world.current[&1].id;
        let mut batches = 0;
        loop {
            let mut removal = Removal::of(&world.store);
            removal.revisions_up_to(id, 10, 5).unwrap();
            if removal.batch.rows() == 0 {
                break;
            }
            world.store.committer().commit(removal.batch).await.unwrap();
            batches += 1;
        }
        assert!(batches > 1);
        assert_eq!(world.count(&Prefix::ResourceRevisions(id)), 2);
        assert_eq!(world.count(&Prefix::OldRevisions(None)), 1);
        assert_eq!(world.faults(), []);
    });
}

#[tokio::test]
async fn a_panic_of_the_thread_that_writes_is_a_failed_write() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path(), 64).unwrap();
    let committer = store.committer();
    let slot = committer.reserve(0).await.unwrap();
    slot.commit(Batch::new(), |_| panic!("planted"));
    let mut failed = committer.failed();
    let failed = failed.wait_for(Option::is_some);
    let failed = tokio::time::timeout(std::time::Duration::from_secs(20), failed).await;
    assert!(
        failed
            .unwrap()
            .unwrap()
            .as_deref()
            .unwrap()
            .contains("panicked")
    );
    assert!(committer.commit(Batch::new()).await.is_err());
}
