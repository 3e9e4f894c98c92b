//! Cuts a child's output into lines, and lines into pieces that the server takes.

/// One line, or a part of one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Whether the next one is the rest of it.
    pub(crate) goes_on: bool,
}

/// Turns bytes into lines as they come. Holds at most one read and one line.
pub(crate) struct Splitter {
    bytes: Vec<u8>,
    limit: usize,
    ended: bool,
}

impl Splitter {
    /// A splitter for lines of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
            ended: false,
        }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// No more bytes come: what is left is the last line.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// The next line that is whole, or too long to wait for its end.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        let reach = self.bytes.len().min(self.limit + 1);
        if let Some(end) = self.bytes[..reach].iter().position(|byte| *byte == b'\n') {
            return Some(self.take(end, 1, false));
        }
        if self.bytes.len() > self.limit {
            let end = whole_chars(&self.bytes[..self.limit]);
            return Some(self.take(end, 0, true));
        }
        (self.ended && !self.bytes.is_empty()).then(|| self.take(self.bytes.len(), 0, false))
    }

    /// Takes `end` bytes as text and drops `skip` more.
    fn take(&mut self, end: usize, skip: usize, goes_on: bool) -> Line {
        let bytes: Vec<u8> = self.bytes.drain(..end + skip).collect();
        let bytes = &bytes[..end];
        let bytes = if goes_on {
            bytes
        } else {
            bytes.strip_suffix(b"\r").unwrap_or(bytes)
        };
        Line {
            text: String::from_utf8_lossy(bytes).into_owned(),
            goes_on,
        }
    }
}

/// The pieces of `text` of at most `limit` bytes each, cut between characters. An empty line is one
/// empty piece.
pub(crate) fn pieces(text: &str, limit: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (piece, left) = text.split_at(cut(text, limit));
        rest = (!left.is_empty()).then_some(left);
        Some(piece)
    })
}

/// The most bytes of `text`, up to `limit`, that end between two characters; at least one character.
pub(crate) fn cut(text: &str, limit: usize) -> usize {
    // A character has up to four bytes: with a smaller limit no progress would be made.
    text.floor_char_boundary(limit.max(4))
}

/// How many of `bytes` there are without a character that has only begun at their end.
fn whole_chars(bytes: &[u8]) -> usize {
    let start = bytes.len().saturating_sub(3);
    let begun = bytes[start..].iter().rposition(|byte| *byte >= 0xC0);
    let Some(lead) = begun.map(|at| start + at) else {
        return bytes.len();
    };
    let length = match bytes[lead] {
        0xF0.. => 4,
        0xE0.. => 3,
        _ => 2,
    };
    if lead > 0 && lead + length > bytes.len() {
        lead
    } else {
        bytes.len()
    }
}
