//! What is told of a panic, in any thread: a line of the log, and a count. It is always a bug.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::thread;

use crate::meter::Counter;

/// From here on panics are logged as all else is, and counted.
pub fn watch() -> Arc<Counter> {
    let panics = Arc::<Counter>::default();
    let counted = Arc::clone(&panics);
    panic::set_hook(Box::new(move |info| {
        counted.one();
        tell(info);
    }));
    panics
}

fn tell(info: &PanicHookInfo<'_>) {
    let what = info.payload_as_str().unwrap_or("no text says why");
    let place = info.location().map(ToString::to_string);
    let thread = thread::current();
    // Only where RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    let taken = backtrace.status() == BacktraceStatus::Captured;
    tracing::error!(
        place = place.unwrap_or_default(),
        thread = thread.name().unwrap_or_default(),
        backtrace = taken.then(|| tracing::field::display(&backtrace)),
        "a bug: panicked: {what}"
    );
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;

    use super::*;
    use crate::config::LogFormat;
    use crate::observe::logs::to_stderr;

    const CHILD: &str = "CONVEYOR_TEST_PANICS";

    /// In a process of its own, since a process has one hook and one log.
    #[test]
    fn a_panic_is_one_line_of_the_log_and_is_counted() {
        if env::var_os(CHILD).is_some() {
            let panics = watch();
            to_stderr("info", LogFormat::Json);
            let thread = thread::Builder::new().name("planted".to_owned());
            let thread = thread.spawn(|| panic!("by\nplan")).unwrap();
            assert!(thread.join().is_err());
            assert_eq!(panics.get(), 1);
            return;
        }
        let this = thread::current();
        let child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                this.name().unwrap(),
                "--nocapture",
                "--test-threads=1",
            ])
            .env(CHILD, "1")
            .env_remove("RUST_BACKTRACE")
            .output()
            .unwrap();
        let said = String::from_utf8(child.stderr).unwrap();
        assert!(child.status.success(), "{said}");
        let line: serde_json::Value = serde_json::from_str(said.trim()).expect("one line of JSON");
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["message"], "a bug: panicked: by\nplan");
        assert_eq!(line["thread"], "planted");
        assert!(line["place"].as_str().unwrap().contains("panics.rs:"));
    }
}
