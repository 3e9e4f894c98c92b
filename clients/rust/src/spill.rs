//! The lines of one task that memory has no room for: a ring in a file without a name.
//!
//! The file is made for the first line and lives as long as its process, however that ends. What it
//! cannot give back is replaced by a line that says so, since the numbers of the others must stay.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use prost::Message;
use tempfile::tempfile;

use crate::proto::LogLine;

/// Before each line stands its length.
const HEAD_BYTES: u64 = 4;
/// Room that only the runtime's own last words on a task may use.
const LAST_WORDS: u64 = 1 << 20;

/// A queue of lines on disk.
pub(crate) struct Spill {
    file: Option<File>,
    /// How many bytes the lines may take.
    room: u64,
    /// Where the first line begins and the last one ends, counted from the first ever written.
    head: u64,
    tail: u64,
    lines: u64,
}

impl Spill {
    /// An empty queue for `room` bytes of lines; nothing touches the disk yet.
    pub(crate) fn new(room: u64) -> Self {
        Self {
            file: None,
            room,
            head: 0,
            tail: 0,
            lines: 0,
        }
    }

    /// How many lines it has.
    pub(crate) fn len(&self) -> u64 {
        self.lines
    }

    /// Adds a line. False: there is no room, or the disk takes none.
    pub(crate) fn push(&mut self, line: &LogLine) -> bool {
        self.put(line, self.room)
    }

    /// Adds the runtime's own last words, for which there is always some room.
    pub(crate) fn push_last(&mut self, line: &LogLine) -> bool {
        self.put(line, self.room + LAST_WORDS)
    }

    /// Takes the first line out.
    pub(crate) fn pop(&mut self) -> Option<LogLine> {
        if self.lines == 0 {
            return None;
        }
        self.lines -= 1;
        let line = self.get().unwrap_or_else(|error| {
            // The lengths are lost as well, and so is all that is left.
            self.head = self.tail;
            LogLine {
                message: format!("[the driver's file for waiting lines lost this one: {error}]"),
                ..LogLine::default()
            }
        });
        Some(line)
    }

    /// Forgets all lines, and gives the disk back what they took.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.room);
    }

    fn put(&mut self, line: &LogLine, room: u64) -> bool {
        let body = line.encode_to_vec();
        let Ok(length) = u32::try_from(body.len()) else {
            return false;
        };
        let bytes = [&length.to_le_bytes()[..], &body].concat();
        let end = self.tail + bytes.len() as u64;
        // A disk that is full is no reason to lose lines: who writes them waits.
        if end - self.head > room || self.write(&bytes).is_err() {
            return false;
        }
        self.tail = end;
        self.lines += 1;
        true
    }

    fn get(&mut self) -> io::Result<LogLine> {
        if self.head == self.tail {
            return Err(io::Error::other("a line before it could not be read"));
        }
        let mut length = [0; HEAD_BYTES as usize];
        self.read(self.head, &mut length)?;
        let mut body = vec![0; u32::from_le_bytes(length) as usize];
        self.read(self.head + HEAD_BYTES, &mut body)?;
        self.head += HEAD_BYTES + body.len() as u64;
        LogLine::decode(&body[..]).map_err(io::Error::other)
    }

    /// The size of the ring.
    fn size(&self) -> u64 {
        self.room + LAST_WORDS
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let at = self.tail % self.size();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile()?),
        };
        let (one, two) = bytes.split_at(before_end(bytes.len(), at, self.room + LAST_WORDS));
        file.seek(SeekFrom::Start(at))?;
        file.write_all(one)?;
        if !two.is_empty() {
            file.rewind()?;
            file.write_all(two)?;
        }
        Ok(())
    }

    fn read(&mut self, from: u64, bytes: &mut [u8]) -> io::Result<()> {
        let (at, size) = (from % self.size(), self.size());
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let (one, two) = bytes.split_at_mut(before_end(bytes.len(), at, size));
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(one)?;
        if !two.is_empty() {
            file.rewind()?;
            file.read_exact(two)?;
        }
        Ok(())
    }
}

/// How many of `count` bytes at `at` come before the end of the ring.
fn before_end(count: usize, at: u64, size: u64) -> usize {
    usize::try_from(size - at).map_or(count, |left| left.min(count))
}

#[cfg(test)]
mod tests {
    use super::{LAST_WORDS, Spill};
    use crate::proto::LogLine;

    fn line(number: usize) -> LogLine {
        let message = format!("{number} ").repeat(number % 50);
        LogLine {
            message,
            ..LogLine::default()
        }
    }

    #[test]
    fn lines_come_back_in_their_order_however_often_the_ring_turns() {
        let mut spill = Spill::new(4 << 10);
        let (mut written, mut read) = (0, 0);
        // More than the ring with its reserve has room for, in turns of different length.
        while read < 20_000 {
            while written < read + 10 + read % 17 && spill.push(&line(written)) {
                written += 1;
            }
            assert_eq!(spill.len(), (written - read) as u64);
            assert_eq!(spill.pop(), Some(line(read)));
            read += 1;
        }
        assert!(spill.tail > 2 * (LAST_WORDS + (4 << 10)));
    }

    #[test]
    fn a_full_file_takes_no_more_but_the_last_words() {
        let mut spill = Spill::new(1000);
        let long = LogLine {
            message: "x".repeat(300),
            ..LogLine::default()
        };
        assert_eq!((0..9).filter(|_| spill.push(&long)).count(), 3);
        assert!(spill.push_last(&long));
        assert!(!spill.push(&long));
        spill.clear();
        assert_eq!((spill.len(), spill.pop()), (0, None));
        assert!(spill.push(&long));
    }

    #[test]
    fn lines_that_cannot_be_read_back_keep_their_numbers() {
        let mut spill = Spill::new(1000);
        assert!(spill.push(&line(3)) && spill.push(&line(4)));
        spill.file.as_mut().unwrap().set_len(0).unwrap();
        for _ in 0..2 {
            assert!(spill.pop().unwrap().message.contains("lost this one"));
        }
        assert_eq!(spill.pop(), None);
    }
}
