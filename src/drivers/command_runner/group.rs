//! A process group: a command and all it has started, as long as they do not leave it. Owns the
//! signals to it, and the question whether anything of it still works.

use std::fs;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::Child;

/// The group that a child leads. It is killed when this is dropped.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group of a child that was started as its leader and not yet waited for.
    pub(super) fn led_by(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Sends a signal to every member.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // The only error that can come says that nobody is left.
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Whether a member still works. Those that have ended and wait for `init` to notice do not count,
    /// since not every `init` looks soon.
    pub(super) fn lives(&self) -> bool {
        self.0
            .is_some_and(|pid| test_kill_process_group(pid).is_ok() && has_living_member(pid))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its leader may have been waited for, but only just: the system does not give out its number
        // again so soon.
        self.signal(Signal::KILL);
    }
}

fn has_living_member(group: Pid) -> bool {
    // Without /proc there is no telling a dead member from a living one.
    let Ok(processes) = fs::read_dir("/proc") else {
        return true;
    };
    processes
        .flatten()
        .filter_map(|process| fs::read_to_string(process.path().join("stat")).ok())
        .any(|stat| lives_in(&stat, group.as_raw_pid()))
}

/// Reads a line of `/proc/PID/stat`: number, name in parentheses, state, parent, group, and more.
fn lives_in(stat: &str, group: i32) -> bool {
    // The name is the process's own choice and may hold spaces and parentheses.
    let Some((_, fields)) = stat.rsplit_once(") ") else {
        return false;
    };
    let mut fields = fields.split(' ');
    let state = fields.next();
    let of_group = fields.nth(1).and_then(|id| id.parse().ok()) == Some(group);
    of_group && state != Some("Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_has_ended_does_not_count() {
        assert!(lives_in("12 (sh) S 1 7 7 0", 7));
        assert!(lives_in("12 (a) Z 1 7) S 1 7 7 0", 7));
        assert!(!lives_in("12 (sh) Z 1 7 7 0", 7));
        assert!(!lives_in("12 (sh) S 7 1 7 0", 7));
    }
}
