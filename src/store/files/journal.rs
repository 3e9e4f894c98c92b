//! RocksDB's journals, its log of writes and its `MANIFEST`: whether one is whole, torn at its end, or damaged.
//!
//! RocksDB reads them too, and takes some damage for the end: a length that leads past the last byte and a type that it
//! gives to logs which are used again both end the log there, and all after it is dropped without a word; one such type
//! makes it read the same record for ever. Here a journal is torn only where the last record is cut off, as a power cut
//! leaves it: bytes at its end are missing, and no other length makes it whole.
//!
//! A journal is blocks of 32 KiB. A record in it is a checksum (4 bytes, of all that follows but the length), the length of
//! its bytes (2), a type (1), and the bytes. None crosses a block: what is longer is a first record, any number of middle
//! ones and a last one. Where less than the head of a record fits in a block there are zeros.

use std::io::{self, Read};

const BLOCK: usize = 32 << 10;
const HEAD: usize = 7;

const MASK: u32 = 0xa282_ead8;
/// Of CRC-32C, the lowest power in the highest bit.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const ZERO: u8 = 0;
const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// How a journal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After a record.
    Whole,
    /// In the middle of the one that begins here.
    Torn {
        /// How many bytes are before it.
        at: u64,
    },
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The disk does not give it.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It is not what was written.
    #[error("at byte {at}: {what}")]
    Damaged {
        /// How many bytes are before the damage.
        at: u64,
        /// How many are before the record that it is a part of.
        begins: u64,
        /// What is wrong there.
        what: &'static str,
    },
}

/// Reads a journal to its end.
pub(super) fn read(mut file: impl Read) -> Result<End, Error> {
    let mut journal = Journal::default();
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        file.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        if let Some(at) = journal.torn {
            if block.iter().any(|byte| *byte != 0) {
                return Err(journal.damaged(at, "records follow one that is not there"));
            }
        } else {
            journal.block(&block)?;
        }
        if block.len() < BLOCK {
            return Ok(journal.end());
        }
        journal.at += BLOCK as u64;
    }
}

/// What is read so far.
#[derive(Default)]
struct Journal {
    /// Where the block begins.
    at: u64,
    /// Where the first part of a record stands whose last part did not come yet.
    open: Option<u64>,
    /// Where a record is torn. Nothing may follow it.
    torn: Option<u64>,
}

impl Journal {
    fn block(&mut self, block: &[u8]) -> Result<(), Error> {
        let mut rest = block;
        while !rest.is_empty() {
            let at = self.at + (block.len() - rest.len()) as u64;
            let Some((head, bytes)) = rest.split_first_chunk::<HEAD>() else {
                // At the end of a whole block these are zeros that nobody reads.
                if block.len() < BLOCK {
                    self.torn = Some(at);
                }
                return Ok(());
            };
            let head = Head::of(head);
            if head.kind == ZERO && head.length == 0 && rest.iter().all(|byte| *byte == 0) {
                // Room that the file system gave, and nothing was written into it.
                self.torn = Some(at);
                return Ok(());
            }
            let Some((bytes, after)) = bytes.split_at_checked(head.length) else {
                if block.len() == BLOCK || head.is_whole_when_shorter(bytes) {
                    return Err(self.damaged(at, "the length of a record is not what it was"));
                }
                self.torn = Some(at);
                return Ok(());
            };
            if head.checksum_of(bytes) != head.checksum {
                return Err(self.damaged(at, "a record does not match its checksum"));
            }
            self.record(head.kind, at)?;
            rest = after;
        }
        Ok(())
    }

    /// A record that matches its checksum.
    fn record(&mut self, kind: u8, at: u64) -> Result<(), Error> {
        match (kind, self.open) {
            (FULL, None) | (MIDDLE, Some(_)) => {}
            (FIRST, None) => self.open = Some(at),
            (LAST, Some(_)) => self.open = None,
            (FULL | FIRST | MIDDLE | LAST, _) => {
                return Err(self.damaged(at, "a part of a record is missing before this one"));
            }
            _ => return Err(self.damaged(at, "a record has a type that is never written")),
        }
        Ok(())
    }

    fn damaged(&self, at: u64, what: &'static str) -> Error {
        let begins = self.open.unwrap_or(at);
        Error::Damaged { at, begins, what }
    }

    fn end(&self) -> End {
        match self.open.or(self.torn) {
            Some(at) => End::Torn { at },
            None => End::Whole,
        }
    }
}

/// What stands before the bytes of a record.
pub(super) struct Head {
    checksum: u32,
    length: usize,
    kind: u8,
}

impl Head {
    fn of(&[c0, c1, c2, c3, l0, l1, kind]: &[u8; HEAD]) -> Self {
        Self {
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            length: u16::from_le_bytes([l0, l1]).into(),
            kind,
        }
    }

    /// What stands here, if a whole record may: its head, and the rest of the block behind that.
    pub(super) fn at(journal: &[u8], at: usize) -> Option<(Self, &[u8])> {
        let block_ends = (at / BLOCK + 1) * BLOCK;
        let block = journal.get(at..block_ends.min(journal.len()))?;
        let (head, rest) = block.split_first_chunk::<HEAD>()?;
        Some((Self::of(head), rest))
    }

    /// Whether this is the beginning of a record that matches its checksum.
    pub(super) fn begins_one(&self, rest: &[u8]) -> bool {
        let bytes = rest.get(..self.length);
        [FULL, FIRST].contains(&self.kind)
            && bytes.is_some_and(|bytes| self.checksum_of(bytes) == self.checksum)
    }

    /// Whether one bit that is not what it was is all that is wrong: of the checksum, the length, the type or the bytes.
    pub(super) fn is_whole_but_for_a_bit(&self, rest: &[u8]) -> bool {
        let fits = |length: usize| {
            let bytes = rest.get(..length);
            bytes.is_some_and(|bytes| self.checksum_of(bytes) == self.checksum)
        };
        if (0..16).any(|bit| fits(self.length ^ 1 << bit)) {
            return true;
        }
        let Some(bytes) = rest.get(..self.length) else {
            return false;
        };
        let found = self.checksum_of(bytes);
        let wrong = unmasked(found) ^ unmasked(self.checksum);
        // What a bit does to the checksum depends on how many come after it.
        let changes = std::iter::successors(Some(POLYNOMIAL), |it| {
            Some(it >> 1 ^ if it & 1 == 1 { POLYNOMIAL } else { 0 })
        });
        let bits = (1 + bytes.len()) * 8;
        (found ^ self.checksum).is_power_of_two() || changes.take(bits).any(|it| it == wrong)
    }

    fn checksum_of(&self, bytes: &[u8]) -> u32 {
        masked(crc32c::crc32c_append(crc32c::crc32c(&[self.kind]), bytes))
    }

    /// Whether some bytes fewer than the length says match the checksum: then it is the length that is wrong.
    fn is_whole_when_shorter(&self, bytes: &[u8]) -> bool {
        let mut checksum = crc32c::crc32c(&[self.kind]);
        masked(checksum) == self.checksum
            || bytes.chunks(1).any(|byte| {
                checksum = crc32c::crc32c_append(checksum, byte);
                masked(checksum) == self.checksum
            })
    }
}

/// A checksum as it is written down: one of bytes that hold a checksum would be a weak one.
fn masked(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(MASK)
}

fn unmasked(checksum: u32) -> u32 {
    checksum.wrapping_sub(MASK).rotate_left(15)
}
