//! The witness: a file beside the database that says up to which position all was on disk.
//!
//! Writes at the end of the log of writes can be lost without a trace, where a disk forgets what it had confirmed and cuts
//! between two records. The store then opens, and ends earlier than it did; who was answered OK would never hear of it. The
//! witness is written from time to time and at a stop, so that all but the last seconds have one. It only ever says less
//! than the database does; where it says more, writes are lost, and the store does not open.
//!
//! The database needs no witness: a restored backup has none, and one that cannot be read is written anew.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::batch::Position;
use super::{Error, Result, Store};

/// The name of the file.
const NAME: &str = "ANSWERED";
/// The name of one that is being written.
const NEXT: &str = "ANSWERED.next";

/// What the witness says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Nothing: there is none.
    Nothing,
    /// All up to here was on disk.
    UpTo(Position),
    /// It cannot be read, and this is why.
    Garbled(String),
}

/// Where the witness of a data directory is.
pub(super) fn file(path: &Path) -> PathBuf {
    path.join(NAME)
}

/// Hears the witness.
pub(super) fn hear(path: &Path) -> Says {
    match fs::read(file(path)) {
        Ok(bytes) => read(&bytes).map_or_else(
            || Says::Garbled("it is not what was written".to_owned()),
            Says::UpTo,
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Says::Nothing,
        Err(error) => Says::Garbled(error.to_string()),
    }
}

/// Whether a store that ends at this position has all that the witness saw.
pub(super) fn hold_against(path: &Path, position: Position) -> Result<()> {
    match hear(path) {
        Says::UpTo(answered) if answered > position => Err(Error::Lost {
            path: path.to_owned(),
            position: position.0,
            answered: answered.0,
            witness: file(path),
        }),
        Says::Nothing | Says::UpTo(_) => Ok(()),
        Says::Garbled(what) => {
            tracing::warn!(
                file = %file(path).display(), what,
                "the file that would tell of lost writes cannot be read: it is written anew"
            );
            Ok(())
        }
    }
}

/// Replaces what the witness says.
fn write(path: &Path, position: Position) -> io::Result<()> {
    let next = path.join(NEXT);
    let mut new = File::create(&next)?;
    new.write_all(text(position).as_bytes())?;
    new.sync_all()?;
    fs::rename(next, file(path))
}

/// A position and its checksum, for people to read.
fn text(Position(position): Position) -> String {
    format!(
        "{position} {:08x}\n",
        crc32c::crc32c(&position.to_be_bytes())
    )
}

fn read(bytes: &[u8]) -> Option<Position> {
    let words = std::str::from_utf8(bytes).ok()?;
    let position = Position(words.split(' ').next()?.parse().ok()?);
    (text(position).as_bytes() == bytes).then_some(position)
}

impl Store {
    /// Writes down how far all is on disk.
    pub async fn bear_witness(&self) -> Result<()> {
        let position = *self.committer.position().borrow();
        if !self.has_witness {
            return Ok(());
        }
        self.blocking(move |store| {
            write(&store.path, position).map_err(|source| Error::Directory {
                path: file(&store.path),
                source,
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_says_what_it_was_told_or_that_it_cannot_be_read() {
        let place = tempfile::tempdir().expect("a place");
        assert_eq!(hear(place.path()), Says::Nothing);
        for position in [0, 9, 17_000, u64::MAX].map(Position) {
            write(place.path(), position).expect("it is written");
            assert_eq!(hear(place.path()), Says::UpTo(position));
        }
        let whole = fs::read(file(place.path())).expect("it is there");
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&bytes), None, "bit {bit}");
        }
        for short in 0..whole.len() {
            assert_eq!(read(&whole[..short]), None, "{short} bytes");
        }
    }

    #[test]
    fn a_store_that_ends_before_its_witness_does_not_open() {
        let place = tempfile::tempdir().expect("a place");
        hold_against(place.path(), Position(0)).expect("no witness, no contradiction");
        write(place.path(), Position(7)).expect("it is written");
        hold_against(place.path(), Position(7)).expect("it ends where it did");
        hold_against(place.path(), Position(8)).expect("it went on");
        let lost = hold_against(place.path(), Position(6)).expect_err("writes are lost");
        assert!(lost.to_string().contains(NAME), "{lost}");
    }
}
