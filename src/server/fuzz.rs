//! What fuzzing calls in this room: a server in the process, without a socket. A new one takes its place after a
//! number of inputs, so that the disk does not fill; the doctor then looks through what the last one stored.

use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Doors, Parts};
use crate::api::fuzz as api;
use crate::config::{Flags, Settings};
use crate::store::doctor;

/// Inputs that one server sees.
const INPUTS: u32 = 5_000;

static SITE: Mutex<Option<Site>> = Mutex::new(None);

/// Sends a request by REST.
pub(crate) fn rest(input: &[u8]) {
    let _ = with(|site| site.runtime.block_on(api::rest(&site.doors, input)));
}

/// Sends a call by gRPC.
pub(crate) fn grpc(input: &[u8]) {
    let _ = with(|site| site.runtime.block_on(api::grpc(&site.doors, input)));
}

/// Plays a driver.
pub(crate) fn driver_stream(input: &[u8]) {
    with(|site| {
        // There is always something to do.
        site.runtime.block_on(api::rest(&site.doors, RESOURCE));
        site.runtime
            .block_on(api::driver_stream(&site.doors, input));
    });
}

/// Looks through what the server stored so far, and ends it.
#[cfg(test)]
pub(crate) fn end() {
    let site = SITE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(site) = site {
        site.end();
    }
}

const DEFINITION: &[u8] = b"POST /resource-definitions\ncontent-type: application/json\n\n{\"name\":\"app\",\"schema\":{\"type\":\"object\"}}";
const RESOURCE: &[u8] = b"POST /resources/\ncontent-type: application/json\n\n{\"name\":\"a\",\"resource\":\"app\",\"spec\":{}}";

struct Site {
    runtime: Runtime,
    parts: Parts,
    doors: Doors,
    folder: TempDir,
    left: u32,
}

fn with<T>(work: impl FnOnce(&Site) -> T) -> T {
    let mut place = SITE.lock().unwrap_or_else(PoisonError::into_inner);
    if place.as_ref().is_some_and(|site| site.left == 0)
        && let Some(site) = place.take()
    {
        site.end();
    }
    let site = place.get_or_insert_with(Site::start);
    site.left -= 1;
    work(site)
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is a place for a store");
        let flags = Flags {
            data: Some(folder.path().display().to_string()),
            ..Flags::default()
        };
        let settings = Settings::load(&flags, |_| None).expect("the defaults are settings");
        let runtime = Runtime::new().expect("a runtime starts");
        let parts = runtime.block_on(Parts::start(&settings, 1024, None));
        let parts = parts.expect("a new store opens");
        let doors = parts.doors(&settings, settings.listen);
        runtime.block_on(api::rest(&doors, DEFINITION));
        runtime.block_on(api::rest(&doors, RESOURCE));
        Self {
            runtime,
            parts,
            doors,
            folder,
            left: INPUTS,
        }
    }

    /// Whatever was sent, what is stored is whole.
    fn end(self) {
        let Self {
            runtime,
            parts,
            doors,
            folder,
            ..
        } = self;
        drop(doors);
        runtime.block_on(parts.drain(std::time::Duration::ZERO));
        drop(parts);
        drop(runtime);
        let report = doctor::examine(folder.path(), |_| {}).expect("the doctor can look");
        assert_eq!(report.found, 0, "{:?}", report.findings);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use prost::Message;

    use super::*;
    use crate::proto::{ListRunsResponse, RunState};

    /// Hostile input that gets nowhere would prove nothing. A slow machine may take more than one try, since a script
    /// does not wait long for its task.
    #[test]
    fn seeds_reach_the_work_itself() {
        let script = api::scripts().swap_remove(0);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !a_run_succeeded() {
            assert!(Instant::now() < deadline, "no script came to its end");
            driver_stream(&script);
        }
    }

    fn a_run_succeeded() -> bool {
        let call = b"/conveyor.v1.RunService/ListRuns\n";
        let answer = with(|site| site.runtime.block_on(api::grpc(&site.doors, call)));
        let answer = answer.unwrap();
        let message = answer.get(5..).expect("the call is answered");
        let runs = ListRunsResponse::decode(message).unwrap().runs;
        runs.iter().any(|run| run.state() == RunState::Succeeded)
    }
}
