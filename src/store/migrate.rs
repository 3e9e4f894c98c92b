//! Brings a store of an older format to the one of this program.
//!
//! Invariant: every step may be done twice, so that one that was broken off is done again at the next start.

use std::ops::ControlFlow;

use rocksdb::{DB, WriteBatch};

use super::batch::{Batch, Position, Write};
use super::changes;
use super::keys::{Key, LogState, Prefix};
use super::read::{self, Kept, Order, damaged, walk};
use super::{Result, codec, records};
use crate::model::pipeline::Pipeline;
use crate::model::resource::Resource;
use crate::model::run::Run;

/// How many rows are written at once.
const ROWS: usize = 10_000;

/// From format 1: the queues of retention, which say what is due, and what shows what.
pub(super) fn to_2(db: &DB) -> Result<()> {
    each(db, &Prefix::Runs, |run: Run, batch| {
        for (id, revision) in run.shows() {
            let run_id = run.id.0.into_bytes().to_vec();
            batch.put_bytes(&Key::ShownBy(id, revision, run.order), run_id);
        }
        if let Some(ended) = run.ended {
            let (kind, ended) = (&run.resource.kind, codec::nanos(ended));
            let key = Key::EndedRun(LogState::Kept, kind, ended, run.order);
            batch.put_bytes(&key, run.id.0.into_bytes().to_vec());
        }
        Ok(())
    })?;
    let mut before: Option<Resource> = None;
    each(db, &Prefix::Revisions, |resource: Resource, batch| {
        if let Some(old) = before.replace(resource.clone())
            && old.id == resource.id
        {
            let replaced = codec::nanos(resource.updated);
            let key = Key::OldRevision(&old.kind, replaced, old.id, old.revision);
            batch.put_bytes(&key, Vec::new());
        }
        Ok(())
    })?;
    each(
        db,
        &Prefix::PipelineRevisions,
        |pipeline: Pipeline, batch| {
            let current: Option<Pipeline> = get(db, &Key::Pipeline(&pipeline.name))?;
            if current.is_none_or(|it| it.id != pipeline.id || it.revision != pipeline.revision) {
                let key = Key::OldPipeline(pipeline.id, pipeline.revision);
                batch.put_bytes(&key, Vec::new());
            }
            Ok(())
        },
    )?;
    changes(db)
}

/// Gives each change the time of its revision, and notes the deletions among them.
fn changes(db: &DB) -> Result<()> {
    let family = Prefix::Changes.encode().0;
    let mut batch = Batch::new();
    walk(db, &Prefix::Changes, None, Order::Up, |key, stored| {
        let mut record: records::Change = stored.record_at(family, key)?;
        let change = changes::bare(family, key, &record)?;
        let (id, revision) = (change.id, change.revision);
        let resource: Option<Resource> = get(db, &Key::ResourceRevision(id, revision))?;
        record.time = resource.map_or(record.time, |it| codec::nanos(it.updated));
        batch.put(&Key::Change(change.position.0), &record);
        if change.deleted {
            batch.put(&Key::Deletion(id), &records::Deletion { revision });
        }
        write_full(db, &mut batch, ROWS)?;
        Ok(ControlFlow::Continue(()))
    })?;
    write_full(db, &mut batch, 0)
}

fn get<T: Kept>(db: &DB, key: &Key<'_>) -> Result<Option<T>> {
    let (family, bytes) = key.encode();
    let Some(stored) = read::get(db, family, &bytes)? else {
        return Ok(None);
    };
    let record: T::Record = stored.record_at(family, &bytes)?;
    let it = T::try_from(record).map_err(|what| damaged(family, &bytes, &what))?;
    Ok(Some(it))
}

/// Looks at each thing of a prefix and writes what follows from it.
fn each<T: Kept>(
    db: &DB,
    prefix: &Prefix<'_>,
    mut see: impl FnMut(T, &mut Batch) -> Result<()>,
) -> Result<()> {
    let family = prefix.encode().0;
    let mut batch = Batch::new();
    walk(db, prefix, None, Order::Up, |key, stored| {
        let record: T::Record = stored.record_at(family, key)?;
        let it = T::try_from(record).map_err(|what| damaged(family, key, &what))?;
        see(it, &mut batch)?;
        write_full(db, &mut batch, ROWS)?;
        Ok(ControlFlow::Continue(()))
    })?;
    write_full(db, &mut batch, 0)
}

/// Writes the batch where it has more than so many rows. The format, which is written after it, is synced.
fn write_full(db: &DB, batch: &mut Batch, most: usize) -> Result<()> {
    if batch.rows() <= most {
        return Ok(());
    }
    let mut rows = WriteBatch::default();
    for write in std::mem::take(batch).writes {
        match write {
            Write::Put(family, key, value) => {
                rows.put_cf(&read::handle(db, family), key, value.at(Position(0)));
            }
            Write::Append(..) | Write::Delete(..) | Write::DeleteRange(..) => {
                unreachable!("a migration only puts")
            }
        }
    }
    Ok(db.write(rows)?)
}
