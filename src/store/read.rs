//! Reads: one value by its key, or a page of values in key order.
//!
//! Invariant: bytes that cannot be read are an error that names the key, never a panic.

use std::ops::ControlFlow;
use std::sync::Arc;

use prost::Message;
use rocksdb::{DB, DBPinnableSlice, DBRawIteratorWithThreadMode, ReadOptions};

use super::batch::Position;
use super::keys::{Family, Key, Prefix};
use super::{Error, Result, Store};
use crate::aside::{aside, joined};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// What RocksDB answers to one of many keys.
type ReadValue<'a> = std::result::Result<Option<DBPinnableSlice<'a>>, rocksdb::Error>;

/// Most bytes of one page.
const PAGE_BYTES: usize = 3 << 20;

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The items in order.
    pub items: Vec<T>,
    /// The key of each item: a page that is cut short goes on after the last one taken.
    pub keys: Vec<Vec<u8>>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Vec<u8>>,
}

/// Gathers a page: full at a number of items or at [`PAGE_BYTES`].
pub(super) struct PageBuilder<T> {
    page: Page<T>,
    most: usize,
    bytes: usize,
}

impl<T> PageBuilder<T> {
    pub(super) fn new(most: usize) -> Self {
        let page = Page {
            items: Vec::new(),
            keys: Vec::new(),
            next: None,
        };
        Self {
            page,
            most,
            bytes: 0,
        }
    }

    /// Whether there is room for one more item, which there is. Where not, the page ends after the last one.
    pub(super) fn has_room(&mut self) -> bool {
        let room = self.page.items.len() < self.most && self.bytes < PAGE_BYTES;
        if !room {
            self.page.next = self.page.keys.last().cloned();
        }
        room
    }

    pub(super) fn add(&mut self, key: &[u8], bytes: usize, item: T) {
        self.bytes += bytes;
        self.page.items.push(item);
        self.page.keys.push(key.to_vec());
    }

    /// Ends the page after a key, though no item may stand there.
    pub(super) fn end_after(&mut self, key: &[u8]) {
        self.page.next = Some(key.to_vec());
    }

    pub(super) fn finish(self) -> Page<T> {
        #[cfg(test)]
        if planted(Sabotage::SkipsAtPageEnds) && self.page.next.is_some() {
            let mut page = self.page;
            page.items.pop();
            page.keys.pop();
            return page;
        }
        self.page
    }
}

/// A thing of the model that is kept as one record.
pub(super) trait Kept: TryFrom<Self::Record, Error = String> + Send + 'static {
    /// Its record.
    type Record: Message + Default;
}

/// A value as it is stored.
pub(super) struct Stored {
    /// The batch that wrote it.
    pub(super) position: Position,
    bytes: Vec<u8>,
}

impl Stored {
    pub(super) fn new(family: Family, key: &[u8], value: &[u8]) -> Result<Self> {
        let (position, bytes) = split(family, key, value)?;
        Ok(Self {
            position,
            bytes: bytes.to_vec(),
        })
    }

    /// Reads the record; `key` is for the error.
    pub(super) fn record<R: Message + Default>(&self, key: &Key<'_>) -> Result<R> {
        let (family, key) = key.encode();
        self.record_at(family, &key)
    }

    /// Reads the record; the encoded key is for the error.
    pub(super) fn record_at<R: Message + Default>(&self, family: Family, key: &[u8]) -> Result<R> {
        R::decode(&*self.bytes).map_err(|error| damaged(family, key, &error.to_string()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Which way a scan goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Up,
    Down,
}

pub(super) fn damaged(family: Family, key: &[u8], what: &str) -> Error {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    Error::Damaged {
        key: format!("{}/{hex}", family.name()),
        what: what.to_owned(),
    }
}

pub(super) fn handle(db: &DB, family: Family) -> Arc<rocksdb::BoundColumnFamily<'_>> {
    db.cf_handle(family.name())
        .expect("every family is made when the database is opened")
}

pub(super) fn get(db: &DB, family: Family, key: &[u8]) -> Result<Option<Stored>> {
    match db.get_pinned_cf(&handle(db, family), key)? {
        Some(value) => Stored::new(family, key, &value).map(Some),
        None => Ok(None),
    }
}

/// The position of the batch that wrote a key, without the rest of the value.
pub(super) fn position_at(db: &DB, family: Family, key: &[u8]) -> Result<Option<Position>> {
    let Some(value) = db.get_pinned_cf(&handle(db, family), key)? else {
        return Ok(None);
    };
    let (position, _) = split(family, key, &value)?;
    Ok(Some(position))
}

/// A value's position and its record.
fn split<'a>(family: Family, key: &[u8], value: &'a [u8]) -> Result<(Position, &'a [u8])> {
    match value.split_first_chunk::<8>() {
        Some((position, record)) => Ok((Position(u64::from_be_bytes(*position)), record)),
        None => Err(damaged(family, key, "it is shorter than a position")),
    }
}

/// Walks the keys of a prefix: after `from` (exclusive) or from the first one on.
pub(super) fn walk(
    db: &DB,
    prefix: &Prefix<'_>,
    from: Option<&[u8]>,
    order: Order,
    mut see: impl FnMut(&[u8], Stored) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let (family, first) = prefix.encode();
    if from.is_some_and(|from| !from.starts_with(&first)) {
        return Err(Error::Elsewhere);
    }
    let mut options = within(&first, &first);
    // Upwards, files whose filters do not have the prefix are passed over; RocksDB has no such way downwards.
    options.set_total_order_seek(order == Order::Down);
    let mut keys = db.raw_iterator_cf_opt(&handle(db, family), options);
    match (order, from) {
        (Order::Up, from) => keys.seek(from.unwrap_or(&first)),
        (Order::Down, Some(from)) => keys.seek_for_prev(from),
        (Order::Down, None) => keys.seek_to_last(),
    }
    scan(keys, family, order, |key, stored| {
        if from == Some(key) {
            return Ok(ControlFlow::Continue(()));
        }
        see(key, stored)
    })
}

/// Walks the keys from the first of one prefix to the last of another, upwards.
pub(super) fn walk_between(
    db: &DB,
    first: &Prefix<'_>,
    last: &Prefix<'_>,
    see: impl FnMut(&[u8], Stored) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let (family, first) = first.encode();
    let mut options = within(&first, &last.encode().1);
    options.set_total_order_seek(true);
    let mut keys = db.raw_iterator_cf_opt(&handle(db, family), options);
    keys.seek_to_first();
    scan(keys, family, Order::Up, see)
}

/// Walks the keys of a prefix upwards from the last one that is not after `from`; where there is none, from the
/// first one on.
pub(super) fn walk_around(
    db: &DB,
    prefix: &Prefix<'_>,
    from: &[u8],
    see: impl FnMut(&[u8], Stored) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let (family, first) = prefix.encode();
    let mut keys = db.raw_iterator_cf_opt(&handle(db, family), within(&first, &first));
    keys.seek_for_prev(from);
    if !keys.valid() {
        keys.status()?;
        keys.seek_to_first();
    }
    scan(keys, family, Order::Up, see)
}

/// Goes on from where the iterator stands.
fn scan(
    mut keys: DBRawIteratorWithThreadMode<'_, DB>,
    family: Family,
    order: Order,
    mut see: impl FnMut(&[u8], Stored) -> Result<ControlFlow<()>>,
) -> Result<()> {
    while let Some((key, value)) = keys.item() {
        if see(key, Stored::new(family, key, value)?)?.is_break() {
            return Ok(());
        }
        match order {
            Order::Up => keys.next(),
            Order::Down => keys.prev(),
        }
    }
    Ok(keys.status()?)
}

/// Keeps a scan between the first key of one prefix and the last of another.
fn within(first: &[u8], last: &[u8]) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(first);
    options.set_iterate_upper_bound(upper_bound(last));
    options
}

fn upper_bound(prefix: &[u8]) -> Vec<u8> {
    let mut bound = prefix.to_vec();
    while let Some(last) = bound.pop() {
        if last < 0xff {
            bound.push(last + 1);
            break;
        }
    }
    bound
}

impl Store {
    /// Reads one record and the position of the batch that wrote it.
    pub(super) fn record<R: Message + Default>(
        &self,
        key: &Key<'_>,
    ) -> Result<Option<(R, Position)>> {
        let (family, bytes) = key.encode();
        match get(&self.db, family, &bytes)? {
            Some(stored) => Ok(Some((stored.record_at(family, &bytes)?, stored.position))),
            None => Ok(None),
        }
    }

    /// The position of the batch that wrote a key.
    pub(super) fn position_of(&self, key: &Key<'_>) -> Result<Option<Position>> {
        let (family, bytes) = key.encode();
        position_at(&self.db, family, &bytes)
    }

    /// Reads one record as a thing of the model.
    pub(super) fn read<T: Kept>(&self, key: &Key<'_>) -> Result<Option<(T, Position)>> {
        match self.record::<T::Record>(key)? {
            Some((record, position)) => {
                let (family, bytes) = key.encode();
                let it = T::try_from(record).map_err(|what| damaged(family, &bytes, &what))?;
                Ok(Some((it, position)))
            }
            None => Ok(None),
        }
    }

    /// Reads things of the model that must be there, all of one family, in the order of their keys as given.
    pub(super) fn read_all<T: Kept>(&self, keys: &[Key<'_>]) -> Result<Vec<T>> {
        let keys: Vec<_> = keys.iter().map(Key::encode).collect();
        let Some((family, _)) = keys.first() else {
            return Ok(Vec::new());
        };
        let handle = handle(&self.db, *family);
        let values = self
            .db
            .batched_multi_get_cf(&handle, keys.iter().map(|(_, key)| key), false);
        let read = |((family, key), value): (&(Family, Vec<u8>), ReadValue<'_>)| {
            let value = value?.ok_or_else(|| damaged(*family, key, "it is not there"))?;
            let record: T::Record = Stored::new(*family, key, &value)?.record_at(*family, key)?;
            T::try_from(record).map_err(|what| damaged(*family, key, &what))
        };
        keys.iter().zip(values).map(read).collect()
    }

    /// Walks things of the model in key order.
    pub(super) fn each<T: Kept>(
        &self,
        prefix: &Prefix<'_>,
        from: Option<&[u8]>,
        order: Order,
        mut see: impl FnMut(&[u8], T) -> ControlFlow<()>,
    ) -> Result<()> {
        let family = prefix.encode().0;
        walk(&self.db, prefix, from, order, |key, stored| {
            let record: T::Record = stored.record_at(family, key)?;
            let it = T::try_from(record).map_err(|what| damaged(family, key, &what))?;
            Ok(see(key, it))
        })
    }

    /// Reads a page of things of the model.
    pub(super) fn page<T: Kept>(
        &self,
        prefix: &Prefix<'_>,
        after: Option<Vec<u8>>,
        order: Order,
        most: usize,
    ) -> Result<Page<T>> {
        let family = prefix.encode().0;
        let mut page = PageBuilder::new(most);
        walk(&self.db, prefix, after.as_deref(), order, |key, stored| {
            if !page.has_room() {
                return Ok(ControlFlow::Break(()));
            }
            let record: T::Record = stored.record_at(family, key)?;
            let it = T::try_from(record).map_err(|what| damaged(family, key, &what))?;
            page.add(key, stored.bytes().len(), it);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(page.finish())
    }

    /// Whether any key of a prefix is there.
    pub(super) fn any(&self, prefix: &Prefix<'_>) -> Result<bool> {
        let mut found = false;
        walk(&self.db, prefix, None, Order::Up, |_, _| {
            found = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Runs a read that may take long where it holds up nobody.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        joined(aside(move || read(&store)))
            .await
            .ok_or(Error::Closed)?
    }
}
