//! A place in a trace, as W3C's Trace Context writes it.

use std::sync::Arc;

/// Most bytes of a `tracestate` that are passed on: what the standard asks for.
const STATE_BYTES: usize = 512;

/// A place in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; not 0.
    pub trace: u128,
    /// The span; not 0.
    pub span: u64,
    /// Whether the trace is recorded.
    pub recorded: bool,
    /// What other systems pass on with it: the text of `tracestate`.
    pub state: Option<Arc<str>>,
}

impl TraceContext {
    /// Reads `traceparent` and `tracestate`. What is not valid counts as not given, as the standard says.
    pub fn parse(traceparent: &str, tracestate: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace = hex(parts.next()?, 32)?;
        let span = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        // Later versions may have more parts; this one has not, and 255 is no version.
        let known = version != 255 && (version != 0 || parts.next().is_none());
        let state = tracestate.trim();
        let sound = !state.is_empty()
            && state.len() <= STATE_BYTES
            && state.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        (known && trace != 0 && span != 0).then(|| Self {
            trace,
            span,
            recorded: flags & 1 == 1,
            state: sound.then(|| state.into()),
        })
    }

    /// The text of `traceparent`.
    pub fn traceparent(&self) -> String {
        let flags = u8::from(self.recorded);
        format!("00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }

    /// The trace's id, as people search for it.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The text of `tracestate`; empty for none.
    pub fn tracestate(&self) -> &str {
        self.state.as_deref().unwrap_or_default()
    }

    /// Another span of the same trace.
    #[must_use]
    pub fn with_span(&self, span: u64) -> Self {
        Self {
            span,
            ..self.clone()
        }
    }
}

/// Lower-case hex of this length.
fn hex(text: &str, length: usize) -> Option<u128> {
    let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let sound = text.len() == length && text.bytes().all(digits);
    sound.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_valid_place_is_written_as_it_was_read() {
        let text = format!("00-{TRACE}-{SPAN}-01");
        let place = TraceContext::parse(&text, "vendor=a, other=b").unwrap();
        assert!(place.recorded);
        assert_eq!(place.traceparent(), text);
        assert_eq!(place.tracestate(), "vendor=a, other=b");
        let later = TraceContext::parse(&format!("cc-{TRACE}-{SPAN}-00-more"), "").unwrap();
        assert_eq!(later.traceparent(), format!("00-{TRACE}-{SPAN}-00"));
    }

    #[test]
    fn what_is_not_valid_counts_as_not_given() {
        let none = "0".repeat(32);
        let wrong = [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{none}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}x-{SPAN}-01"),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
        ];
        for text in wrong {
            assert_eq!(TraceContext::parse(&text, ""), None, "{text}");
        }
        let place = format!("00-{TRACE}-{SPAN}-01");
        for state in ["a=\u{1b}[31m".to_owned(), "x".repeat(513)] {
            assert_eq!(TraceContext::parse(&place, &state).unwrap().state, None);
        }
    }
}
