//! The process, under the names that every Prometheus client library has, and which build it is.
//!
//! Read from /proc: where there is none, what would come from there is 0.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::page::{Page, bytes, number, plain, seconds};

/// Ticks of the kernel's clock in a second: what Linux shows user programs, on every machine.
const TICKS: f64 = 100.0;

pub(super) fn write(panics: u64, page: &mut Page<'_>) -> std::fmt::Result {
    let stat = Stat::read().unwrap_or_default();
    page.counter(
        seconds("process_cpu", "Processor time used, of user and system."),
        stat.cpu_seconds,
    )?;
    page.gauge(
        bytes("process_resident_memory", "Memory held."),
        stat.resident,
    )?;
    page.gauge(
        bytes("process_virtual_memory", "Memory addressed."),
        stat.virtual_memory,
    )?;
    page.gauge(plain("process_threads", "Threads."), stat.threads)?;
    let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    page.gauge(
        plain("process_open_fds", "Open file descriptors."),
        number(files),
    )?;
    page.gauge(
        plain("process_max_fds", "Most file descriptors that may be open."),
        getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
    )?;
    page.gauge(
        seconds(
            "process_start_time",
            "When the process started, in seconds since 1970.",
        ),
        stat.start,
    )?;
    page.counter(
        plain(
            "conveyor_panics",
            "Panics, each of which is a bug. One in a request costs that request.",
        ),
        panics,
    )?;
    page.gauges(
        plain("conveyor_build_info", "1, with the version as a label."),
        [([("version", env!("CARGO_PKG_VERSION"))], 1)],
    )
}

/// What /proc/self/stat says.
#[derive(Default)]
struct Stat {
    cpu_seconds: f64,
    threads: u64,
    start: f64,
    virtual_memory: u64,
    resident: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the program's name, which may hold anything; numbers begin after it, with the third.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let time = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (time(14)? + time(15)?) / TICKS,
            threads: field(20)?,
            start: boot_time()? + time(22)? / TICKS,
            virtual_memory: field(23)?,
            resident: field(24)? * number(rustix::param::page_size()),
        })
    }
}

/// When the machine started, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}
