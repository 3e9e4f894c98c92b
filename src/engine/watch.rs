//! Watches of resources: as they stand, and then what changes.
//!
//! A notice carries nothing: what a watch shows comes from the store.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::Engine;
use super::hub::Follower;
use crate::error::{Error, Result};
use crate::model::name::Name;
use crate::model::resource::Resource;
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};
use crate::store::Position;

/// A watch that has nothing to say says so this often.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(30);
/// How many objects a watch reads at a time.
const READ_MOST: usize = 100;

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

/// A watch of resources, between two things that it sees.
struct ResourceWatch {
    engine: Engine,
    kind: Option<Name>,
    /// Where the next page of objects as they stand begins; `None` when all were seen.
    listing: Option<Option<Vec<u8>>>,
    /// All changes up to here were seen.
    position: Position,
    ready: VecDeque<(Position, Seen)>,
    notices: Follower<(), ()>,
    /// Whether it waits for what comes.
    follow: bool,
}

impl Engine {
    /// Follows resources: as they stand and then what comes, or what came after a position. Ends with what stands
    /// where it does not `follow`.
    pub async fn watch_resources(
        &self,
        kind: Option<Name>,
        after: Option<Position>,
        follow: bool,
    ) -> Result<impl Stream<Item = Result<(Position, Seen)>> + use<>> {
        let now = *self.0.store.committer().position().borrow();
        if after.is_some_and(|after| after > now) {
            return Err(Error::PositionAhead { newest: now.0 });
        }
        if let Some(after) = after {
            self.check_kept(after)?;
        }
        Ok(self.seen_resources(kind, after, now, follow))
    }

    /// The objects as they stood at `now` and the changes after it, or the changes after `after`. Ends with what
    /// stands where it does not `follow`.
    fn seen_resources(
        &self,
        kind: Option<Name>,
        after: Option<Position>,
        now: Position,
        follow: bool,
    ) -> impl Stream<Item = Result<(Position, Seen)>> + use<> {
        let watch = ResourceWatch {
            engine: self.clone(),
            kind,
            listing: after.is_none().then_some(None),
            position: from(after, now),
            ready: VecDeque::new(),
            notices: self.0.changes.follow(()),
            follow,
        };
        try_unfold(watch, |mut watch| async move {
            Ok(watch.next().await?.map(|seen| (seen, watch)))
        })
    }

    /// Refuses a position behind which changes are no longer kept.
    pub(super) fn check_kept(&self, after: Position) -> Result<()> {
        let trimmed = self.0.retention.trimmed();
        #[cfg(test)]
        if planted(Sabotage::TakesLostPositions) {
            return Ok(());
        }
        #[cfg(test)]
        let after = match planted(Sabotage::RefusesKeptPositions) {
            true => Position(after.0.saturating_sub(10)),
            false => after,
        };
        if after < trimmed {
            return Err(Error::PositionGone { trimmed: trimmed.0 });
        }
        Ok(())
    }
}

impl ResourceWatch {
    async fn next(&mut self) -> Result<Option<(Position, Seen)>> {
        loop {
            if let Some(seen) = self.ready.pop_front() {
                return Ok(Some(seen));
            }
            if let Some(from) = self.listing.take() {
                self.list(from).await?;
                continue;
            }
            self.notices.news();
            if self.read().await? {
                continue;
            }
            if !self.follow {
                return Ok(None);
            }
            let stop = self.engine.0.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Error::Stopping),
                () = self.notices.changed() => {}
                () = tokio::time::sleep(BOOKMARK_PERIOD) => {
                    return Ok(Some((self.bookmark(), Seen::Bookmark)));
                }
            }
        }
    }

    /// Takes a page of objects. One written after the watch began is left out: it comes as a change. Only the
    /// bookmark after the last has a position: who resumed after one before it would miss the rest.
    async fn list(&mut self, from: Option<Vec<u8>>) -> Result<()> {
        let page = self
            .engine
            .0
            .store
            .resources(self.kind.clone(), from, READ_MOST)
            .await?;
        let before = page
            .items
            .into_iter()
            .filter(|(_, written)| *written <= self.position);
        self.ready
            .extend(before.map(|(resource, _)| (Position(0), Seen::Resource(resource))));
        self.listing = page.next.map(Some);
        if self.listing.is_none() {
            self.ready.push_back((self.bookmark(), Seen::Bookmark));
        }
        Ok(())
    }

    /// Everything up to here was seen.
    fn bookmark(&self) -> Position {
        #[cfg(test)]
        if planted(Sabotage::BookmarksTooMuch) {
            return Position(self.position.0 + 20);
        }
        self.position
    }

    /// Takes changes after the position. False where there are none.
    async fn read(&mut self) -> Result<bool> {
        let (changes, last) = self
            .engine
            .0
            .store
            .changes(self.position, READ_MOST)
            .await?;
        // After the read: what was removed meanwhile may be missing in it.
        self.engine.check_kept(self.position)?;
        let Some(last) = last else {
            return Ok(false);
        };
        self.position = last;
        #[cfg(test)]
        let changes = sabotage(changes);
        for change in changes {
            if self
                .kind
                .as_ref()
                .is_none_or(|kind| *kind == change.resource.kind)
            {
                let seen = if change.deleted {
                    Seen::Deleted(change.resource)
                } else {
                    Seen::Resource(change.resource)
                };
                self.ready.push_back((change.position, seen));
            }
        }
        Ok(true)
    }
}

/// Where a watch goes on that has seen everything up to `after`, or one that has just come.
fn from(after: Option<Position>, now: Position) -> Position {
    #[cfg(test)]
    if planted(Sabotage::ResumesTooLate) {
        return after.map_or(now, |after| Position(after.0 + 20));
    }
    after.unwrap_or(now)
}

/// Shows changes in another order, twice, not at all or by half.
#[cfg(test)]
fn sabotage(mut changes: Vec<crate::store::Change>) -> Vec<crate::store::Change> {
    let now_and_then = |it: &crate::store::Change| it.position.0.is_multiple_of(3);
    if planted(Sabotage::SwapsChanges) {
        changes.reverse();
    }
    if planted(Sabotage::ShowsAChangeTwice) {
        let twice = |it: crate::store::Change| std::iter::repeat_n(it, 2);
        changes = changes.into_iter().flat_map(twice).collect();
    }
    if planted(Sabotage::LeavesOutChanges) {
        changes.retain(|it| !now_and_then(it));
    }
    if planted(Sabotage::ShowsHalfAChange) {
        let half = changes.iter_mut().filter(|it| now_and_then(it));
        half.for_each(|it| it.resource.revision -= 1);
    }
    changes
}
