//! How much processor time a process takes.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use super::Result;

/// What the threads of a process had used at some moment.
pub(crate) struct ProcessorTime {
    pid: u32,
    before: HashMap<String, u64>,
}

impl ProcessorTime {
    /// Looks now.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let before = threads(pid)?;
        Ok(Self { pid, before })
    }

    /// What was used since, in nanoseconds of the kernel's own count: its clock ticks of 10 ms are too coarse for a
    /// process at rest. Of a thread that has ended meanwhile nothing is known.
    pub(crate) fn spent(&self) -> Result<Duration> {
        let now = threads(self.pid)?;
        let spent = now
            .iter()
            .map(|(thread, time)| time - self.before.get(thread).copied().unwrap_or(0));
        Ok(Duration::from_nanos(spent.sum()))
    }
}

fn threads(pid: u32) -> Result<HashMap<String, u64>> {
    let mut times = HashMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?;
        // A thread may end between the two reads.
        let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else {
            continue;
        };
        let time = text.split(' ').next().ok_or("the kernel counts it")?;
        times.insert(
            thread.file_name().to_string_lossy().into_owned(),
            time.parse()?,
        );
    }
    Ok(times)
}
