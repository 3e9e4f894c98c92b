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
    /// How many of the bytes are taken already.
    taken: usize,
    limit: usize,
    ended: bool,
}

impl Splitter {
    /// A splitter for lines of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            taken: 0,
            limit,
            ended: false,
        }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// No more bytes come: what is left is the last line.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// The next line that is whole, or too long to wait for its end.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        let left = &self.bytes[self.taken..];
        let reach = left.len().min(self.limit + 2);
        if let Some(end) = left[..reach].iter().position(|byte| *byte == b'\n') {
            let line = left[..end].strip_suffix(b"\r").unwrap_or(&left[..end]);
            return Some(self.take(line.len(), end + 1, false));
        }
        // One byte more than the limit may still be the first of the end of the line.
        if left.len() > self.limit + 1 {
            let end = whole_chars(&left[..self.limit]);
            return Some(self.take(end, end, true));
        }
        let count = left.len();
        (self.ended && count > 0).then(|| self.take(count, count, false))
    }

    /// Takes `count` bytes, of which the first `text` are the line.
    fn take(&mut self, text: usize, count: usize, goes_on: bool) -> Line {
        let line = &self.bytes[self.taken..][..text];
        let text = String::from_utf8_lossy(line).into_owned();
        self.taken += count;
        Line { text, goes_on }
    }
}

/// The lines of `text`, without their ends. No text is one empty line.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
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

#[cfg(test)]
mod tests {
    use super::{Splitter, lines, pieces};

    #[test]
    fn text_is_cut_at_its_line_ends() {
        assert_eq!(lines("").collect::<Vec<_>>(), [""]);
        assert_eq!(lines("a\r\n\nb\n").collect::<Vec<_>>(), ["a", "", "b"]);
    }

    /// What becomes of `parts`: each line ended by `$`, or by `+` where it goes on.
    fn split(parts: &[&[u8]], limit: usize) -> String {
        let mut splitter = Splitter::new(limit);
        let mut all = String::new();
        let mut take = |splitter: &mut Splitter| {
            while let Some(line) = splitter.next_line() {
                all += &line.text;
                all += if line.goes_on { "+" } else { "$" };
            }
        };
        for part in parts {
            splitter.feed(part);
            take(&mut splitter);
        }
        splitter.end();
        take(&mut splitter);
        all
    }

    #[test]
    fn lines_do_not_depend_on_how_the_bytes_come() {
        let text = "one\r\ntwo\n\n\u{e4}\u{e4}\u{20ac}\u{1f980}\nmuch too long\r\nabcdefgh\r\nend"
            .as_bytes();
        let whole = split(&[text], 8);
        assert_eq!(
            whole,
            "one$two$$\u{e4}\u{e4}\u{20ac}+\u{1f980}$much too+ long$abcdefgh$end$"
        );
        for size in 1..text.len() {
            let parts: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(split(&parts, 8), whole, "in parts of {size}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_make_progress() {
        let text = split(&[&[0xFF; 9]], 4);
        assert_eq!(text.matches('\u{fffd}').count(), 9, "{text}");
        assert_eq!(split(&[b""], 4), "");
    }

    #[test]
    fn pieces_are_cut_between_characters() {
        let all: Vec<_> = pieces("a\u{20ac}\u{20ac}b", 5).collect();
        assert_eq!(all, ["a\u{20ac}", "\u{20ac}b"]);
        assert_eq!(pieces("", 5).collect::<Vec<_>>(), [""]);
    }
}
