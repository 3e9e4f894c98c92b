//! One command as a process group of its own. Owns its birth and its end: when `run` returns, or is
//! dropped, nothing of the group is left, and the process itself has been waited for.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use conveyor_client::{CancelSignal, Cancellation, Logger};
use rustix::process::Signal;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::group::Group;
use super::output::Output;

/// What is kept of the grace, after a cancelled command is killed, for the last lines and the result.
const REPORT_TIME: Duration = Duration::from_secs(2);
/// How often a group that was asked to end is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How a command came to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ended {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that did not come from here.
    Signalled(i32),
    /// It was stopped because its task was cancelled.
    Cancelled,
}

/// Runs a command to its end and writes what it prints to `log`. A cancel sends SIGTERM to the whole
/// group, and SIGKILL to what is left when the grace is nearly over.
pub(super) async fn run(
    mut command: Command,
    log: &Logger,
    cancel: &CancelSignal,
) -> io::Result<Ended> {
    if cancel.is_cancelled() {
        return Ok(Ended::Cancelled);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let group = Group::led_by(&child);
    let over = CancellationToken::new();
    let stdout = Output::new(child.stdout.take().expect("stdout was piped"), &over);
    let stderr = Output::new(child.stderr.take().expect("stderr was piped"), &over);

    let living = async {
        let ended = tokio::select! {
            status = child.wait() => status.map(ended),
            why = cancel.cancelled() => stop(&group, &mut child, why).await,
        };
        // What the command left running in the background ends with it, as it would in a container.
        drop(group);
        over.cancel();
        ended
    };
    let (ended, out, err) = tokio::join!(
        living,
        log.pipe("stdout", stdout),
        log.pipe("stderr", stderr),
    );
    out.and(err).and(ended)
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(code),
        (None, signal) => Ended::Signalled(signal.unwrap_or_default()),
    }
}

/// Asks a group to end, and waits for the last of it.
async fn stop(group: &Group, child: &mut Child, why: Cancellation) -> io::Result<Ended> {
    group.signal(Signal::TERM);
    let gone = async {
        child.wait().await?;
        while group.lives() {
            sleep(LOOK_AGAIN).await;
        }
        io::Result::Ok(())
    };
    match timeout_at(kill_at(why).into(), gone).await {
        Ok(gone) => gone?,
        Err(_) => {
            group.signal(Signal::KILL);
            child.wait().await?;
        }
    }
    Ok(Ended::Cancelled)
}

fn kill_at(why: Cancellation) -> Instant {
    let kept = REPORT_TIME.min(why.grace / 2);
    why.stop_by.checked_sub(kept).unwrap_or(why.stop_by)
}
