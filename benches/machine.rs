//! The head of the table: what machine this is, how busy it is, and which filesystem holds the stores.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Result;

/// What stands above the table.
pub(crate) struct Head {
    commit: Option<String>,
    cores: usize,
    processor: String,
    filesystem: String,
    load_at_start: String,
}

impl Head {
    /// Looks at the machine. Fails where stores would be kept in memory: an fsync there proves nothing.
    pub(crate) fn look(place: &Path) -> Result<Self> {
        let filesystem = filesystem_of(place)?;
        if filesystem == "tmpfs" || filesystem == "ramfs" {
            return Err(format!(
                "{} is on {filesystem}, where an fsync costs nothing: set CARGO_TARGET_DIR to a folder on a disk",
                place.display()
            )
            .into());
        }
        Ok(Self {
            // Now, since somebody may check out another one while this runs.
            commit: commit(),
            cores: std::thread::available_parallelism()?.get(),
            processor: processor()?,
            filesystem,
            load_at_start: load()?,
        })
    }

    /// The head as text. The load is one-minute averages, as others and the harness itself made it.
    pub(crate) fn with_load_at_end(&self) -> Result<String> {
        Ok(format!(
            "{}{} cores ({}), load {} before and {} after, stores on {}, {} rounds\n",
            self.commit
                .as_ref()
                .map(|commit| format!("{commit}, "))
                .unwrap_or_default(),
            self.cores,
            self.processor,
            self.load_at_start,
            load()?,
            self.filesystem,
            super::ROUNDS,
        ))
    }
}

/// The commit that is checked out, and whether files differ from it; nothing where git does not answer.
fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let name = text.trim();
    (!name.is_empty()).then(|| format!("commit {name}"))
}

fn load() -> Result<String> {
    let averages = std::fs::read_to_string("/proc/loadavg")?;
    let first = averages.split_whitespace().next();
    Ok(first.unwrap_or("unknown").to_owned())
}

fn processor() -> Result<String> {
    let about = std::fs::read_to_string("/proc/cpuinfo")?;
    let name = about.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    Ok(name.unwrap_or_else(|| std::env::consts::ARCH.to_owned()))
}

/// The filesystem's type: that of the longest mount point above the folder.
fn filesystem_of(place: &Path) -> Result<String> {
    let place = place.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let found = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        })
        .filter(|(point, _)| place.starts_with(point))
        .max_by_key(|(point, _)| point.len());
    let (_, kind) = found.ok_or("no mount holds the folder")?;
    Ok(kind.to_owned())
}

/// Raises the soft limit of open files to the hard one, for this process and those that it starts.
pub(crate) fn allow_many_connections() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
