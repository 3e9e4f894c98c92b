//! Batches: writes that take effect together or not at all, and what must hold for them.

use prost::Message;

use super::keys::{Family, Key, Prefix};

/// The store's own counter: each committed batch has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// What must hold for a batch to be written.
#[derive(Debug)]
pub(super) enum Expect {
    Absent(Family, Vec<u8>),
    At(Family, Vec<u8>, Position),
    Empty(Family, Vec<u8>),
}

#[derive(Debug)]
pub(super) enum Write {
    Put(Family, Vec<u8>, Vec<u8>),
    Delete(Family, Vec<u8>),
    /// A put whose key ends with the batch's own position.
    Append(Family, Vec<u8>, Vec<u8>),
}

/// Writes that take effect together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) expects: Vec<Expect>,
    pub(super) writes: Vec<Write>,
    pub(super) bytes: usize,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The batch holds only where nothing stands under the key.
    pub fn expect_absent(&mut self, key: &Key<'_>) {
        let (family, key) = key.encode();
        self.expects.push(Expect::Absent(family, key));
    }

    /// The batch holds only where the key was last written at this position.
    pub fn expect_at(&mut self, key: &Key<'_>, position: Position) {
        let (family, key) = key.encode();
        self.expects.push(Expect::At(family, key, position));
    }

    /// The batch holds only where no key of the prefix stands.
    pub fn expect_empty(&mut self, prefix: &Prefix<'_>) {
        let (family, prefix) = prefix.encode();
        self.expects.push(Expect::Empty(family, prefix));
    }

    /// Whether it changes resources, so that those who watch them have something to read.
    pub fn changes_resources(&self) -> bool {
        self.writes
            .iter()
            .any(|write| matches!(write, Write::Append(..)))
    }

    /// Bytes of its writes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn put(&mut self, key: &Key<'_>, record: &impl Message) {
        self.put_bytes(key, record.encode_to_vec());
    }

    pub(super) fn put_bytes(&mut self, key: &Key<'_>, value: Vec<u8>) {
        let (family, key) = key.encode();
        self.bytes += key.len() + value.len();
        self.writes.push(Write::Put(family, key, value));
    }

    /// Puts under `prefix` and the position that the batch will have.
    pub(super) fn append(&mut self, prefix: &Prefix<'_>, record: &impl Message) {
        let (family, prefix) = prefix.encode();
        let value = record.encode_to_vec();
        self.bytes += prefix.len() + 8 + value.len();
        self.writes.push(Write::Append(family, prefix, value));
    }

    pub(super) fn delete(&mut self, key: &Key<'_>) {
        let (family, key) = key.encode();
        self.bytes += key.len();
        self.writes.push(Write::Delete(family, key));
    }
}
