//! Batches: writes that take effect together or not at all, and what must hold for them.

use prost::Message;

use super::keys::{Family, Key, Prefix};
use crate::trace::Below;

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

impl Expect {
    pub(super) fn family(&self) -> Family {
        match self {
            Self::Absent(family, _) | Self::At(family, ..) | Self::Empty(family, _) => *family,
        }
    }
}

#[derive(Debug)]
pub(super) enum Write {
    Put(Family, Vec<u8>, Value),
    Delete(Family, Vec<u8>),
    /// Deletes the keys from the first up to, but not with, the second. Not for families that preconditions look at.
    DeleteRange(Family, Vec<u8>, Vec<u8>),
    /// A put whose key ends with the batch's own position.
    Append(Family, Vec<u8>, Value),
}

/// A value as it will stand on disk, with room for the position in front, so that it is never copied to get one.
#[derive(Debug)]
pub(super) struct Value(Vec<u8>);

impl Value {
    /// Encodes a record.
    pub(super) fn of(record: &impl Message) -> Self {
        let mut bytes = Vec::with_capacity(8 + record.encoded_len());
        bytes.extend([0; 8]);
        record
            .encode(&mut bytes)
            .expect("a vector takes any number of bytes");
        Self(bytes)
    }

    fn of_bytes(value: &[u8]) -> Self {
        Self([&[0; 8], value].concat())
    }

    /// Bytes on disk.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value as a batch at this position writes it.
    pub(super) fn at(mut self, position: Position) -> Vec<u8> {
        self.0[..8].copy_from_slice(&position.0.to_be_bytes());
        self.0
    }
}

/// Writes that take effect together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) expects: Vec<Expect>,
    pub(super) writes: Vec<Write>,
    pub(super) bytes: usize,
    /// It goes to the disk though it changes nothing.
    pub(super) probes: bool,
    /// Where its way to the disk is recorded, if it is.
    pub(super) trace: Option<Below>,
}

impl Batch {
    /// A batch that changes nothing and goes to the disk all the same, to see whether it is taken there.
    pub(super) fn probe() -> Self {
        Self {
            probes: true,
            ..Self::default()
        }
    }

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

    /// How many rows it writes or deletes.
    pub fn rows(&self) -> usize {
        self.writes.len()
    }

    /// Has its way to the disk recorded. The first who asks for it gets it.
    pub fn trace(&mut self, below: Option<Below>) {
        if self.trace.is_none() {
            self.trace = below;
        }
    }

    /// Bytes of its writes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn put(&mut self, key: &Key<'_>, record: &impl Message) {
        self.put_value(key, Value::of(record));
    }

    pub(super) fn put_bytes(&mut self, key: &Key<'_>, value: Vec<u8>) {
        self.put_value(key, Value::of_bytes(&value));
    }

    pub(super) fn put_value(&mut self, key: &Key<'_>, value: Value) {
        let (family, key) = key.encode();
        self.bytes += key.len() + value.len();
        self.writes.push(Write::Put(family, key, value));
    }

    /// Puts under `prefix` and the position that the batch will have.
    pub(super) fn append(&mut self, prefix: &Prefix<'_>, record: &impl Message) {
        let (family, prefix) = prefix.encode();
        let value = Value::of(record);
        self.bytes += prefix.len() + 8 + value.len();
        self.writes.push(Write::Append(family, prefix, value));
    }

    pub(super) fn delete(&mut self, key: &Key<'_>) {
        let (family, key) = key.encode();
        self.bytes += key.len();
        self.writes.push(Write::Delete(family, key));
    }

    /// Deletes a run of keys at the price of one row. Readers pay for each such row in the files that they pass, so
    /// that it is worth while for many keys only.
    pub(super) fn delete_range(&mut self, from: &Key<'_>, to: &Key<'_>) {
        let ((family, from), (_, to)) = (from.encode(), to.encode());
        self.bytes += from.len() + to.len();
        self.writes.push(Write::DeleteRange(family, from, to));
    }
}
