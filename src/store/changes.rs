//! The log of changes that watches resume from, trimmed from its front.
//!
//! Invariant: where a change is missing, its position is not after [`Store::trimmed_changes`].

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::batch::{Batch, Position};
use super::keys::{Family, Key, Prefix, last_number};
use super::read::{Order, PageBuilder, damaged, walk};
use super::{Result, Store, codec, records};
use crate::model::name::ObjectId;
use crate::model::resource::Resource;

/// Most changes that one page looks at.
const LOOK_AT: usize = 10_000;

/// A change of a resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// The batch that made it.
    pub position: Position,
    /// The resource as the change left it, or as it last was.
    pub resource: Resource,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// A change by itself, without what it shows.
#[derive(Clone, Copy, Debug)]
pub struct BareChange {
    /// The batch that made it.
    pub position: Position,
    /// The resource.
    pub id: ObjectId,
    /// The revision that it left.
    pub revision: i64,
    /// Whether the resource was deleted.
    pub deleted: bool,
    /// When.
    pub time: Timestamp,
}

impl Batch {
    /// Forgets a change, which is the oldest one.
    pub fn delete_change(&mut self, change: &BareChange) {
        let position = change.position.0;
        self.delete(&Key::Change(position));
        self.put(&Key::TrimmedChanges, &records::TrimmedChanges { position });
    }
}

impl Store {
    /// Changes of resources after a position, in order, up to a page of them, and the position of the last one looked
    /// at. One whose revision is no longer kept is passed over: a later one of the same resource follows it.
    pub async fn changes(
        &self,
        after: Position,
        most: usize,
    ) -> Result<(Vec<Change>, Option<Position>)> {
        self.blocking(move |store| {
            let mut page = PageBuilder::new(most);
            let (mut last, mut seen) = (None, 0);
            store.each_change(after, |key, change| {
                seen += 1;
                if !page.has_room() || seen > LOOK_AT {
                    return Ok(ControlFlow::Break(()));
                }
                last = Some(change.position);
                let revision = Key::ResourceRevision(change.id, change.revision);
                if let Some((resource, _)) = store.read::<Resource>(&revision)? {
                    let bytes = resource.spec.as_str().len();
                    let (position, deleted) = (change.position, change.deleted);
                    let change = Change {
                        position,
                        resource,
                        deleted,
                    };
                    page.add(key, bytes, change);
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok((page.finish().items, last))
        })
        .await
    }

    /// Walks the changes after a position.
    pub(super) fn each_change(
        &self,
        after: Position,
        mut see: impl FnMut(&[u8], BareChange) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let (family, mut from) = Prefix::Changes.encode();
        from.extend(after.0.to_be_bytes());
        walk(
            &self.db,
            &Prefix::Changes,
            Some(&from),
            Order::Up,
            |key, stored| {
                let change = bare(family, key, &stored.record_at(family, key)?)?;
                see(key, change)
            },
        )
    }

    /// Up to where changes are no longer kept.
    pub fn trimmed_changes(&self) -> Result<Position> {
        let record = self.record::<records::TrimmedChanges>(&Key::TrimmedChanges)?;
        Ok(record.map_or(Position(0), |(it, _)| Position(it.position)))
    }
}

pub(super) fn bare(family: Family, key: &[u8], record: &records::Change) -> Result<BareChange> {
    let wrong = |what: &str| damaged(family, key, what);
    Ok(BareChange {
        position: Position(last_number(key).ok_or_else(|| wrong("no position"))?),
        id: ObjectId(codec::uuid(&record.id).map_err(|what| wrong(&what))?),
        revision: record.revision,
        deleted: record.deleted,
        time: codec::time(record.time).map_err(|what| wrong(&what))?,
    })
}
