//! What is logged, to stderr: for people, or as JSON for machines.
//!
//! What comes from users may hold anything. In both forms a line stays one line, and nothing in it can begin a terminal's
//! escape sequence: control characters are escaped, all of them in text, and those that JSON escapes in JSON.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::config::LogFormat;

/// Sends what is logged from here on to stderr. The filter was checked before; one that is wrong logs nothing.
pub fn to_stderr(filter: &str, format: LogFormat) {
    let is_terminal = io::stderr().is_terminal();
    if tracing::subscriber::set_global_default(lines(filter, format, io::stderr, is_terminal))
        .is_err()
    {
        tracing::debug!("what is logged goes elsewhere already");
    }
}

fn lines<W>(
    filter: &str,
    format: LogFormat,
    writer: W,
    colour: bool,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(writer)
        .with_ansi(colour);
    match format {
        LogFormat::Json => Box::new(lines.json().flatten_event(true).finish()),
        LogFormat::Text => {
            let fields = debug_fn(|writer, field, value| {
                let mut escaped = Escaped(writer);
                match field.name() {
                    "message" => write!(escaped, "{value:?}"),
                    name => write!(escaped, "{name}={value:?}"),
                }
            });
            Box::new(lines.fmt_fields(fields.delimited(" ")).finish())
        }
    }
}

/// Writes control characters as escapes.
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(char::is_control) {
            let plain = part.trim_end_matches(char::is_control);
            self.0.write_str(plain)?;
            for control in part[plain.len()..].chars() {
                write!(self.0, "{}", control.escape_default())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of a line that holds what a hostile user sent.
    fn written(format: LogFormat) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let hostile = "a\nb\u{1b}[2J\u{9b}31m\rc \"d\" é";
        let lines = lines("info", format, move || writer.clone(), false);
        tracing::subscriber::with_default(lines, || {
            tracing::info!(run = %hostile, step = hostile, error = ?hostile, "said {hostile}");
        });
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_stays_one_line_and_commands_no_terminal() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = written(format);
            assert_eq!(text.matches('\n').count(), 1, "{text:?}");
            assert!(text.ends_with('\n'), "{text:?}");
            assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
        }
        assert!(
            !written(LogFormat::Text)
                .trim_end()
                .contains(char::is_control)
        );
        assert!(written(LogFormat::Text).contains(r#"said a\nb\u{1b}[2J\u{9b}31m\rc "d" é"#));
    }

    #[test]
    fn json_holds_each_field_as_it_was() {
        let line: serde_json::Value = serde_json::from_str(&written(LogFormat::Json)).unwrap();
        assert_eq!(line["step"], "a\nb\u{1b}[2J\u{9b}31m\rc \"d\" é");
        assert_eq!(line["level"], "INFO");
    }
}
