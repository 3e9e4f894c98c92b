//! What fuzzing calls in this room: a server in the process, behind its doors and behind its listener. A new one takes
//! its place after a number of inputs, so that the disk does not fill; the doctor then looks through what the last one
//! stored, and nothing may be left of its connections.

mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub(crate) use self::wire::{https, websockets};
use super::{Doors, Parts};
use crate::api::figures::Figures;
use crate::api::fuzz as api;
use crate::api::listen::{ListenOptions, serve};
use crate::config::{self, Flags, Settings};
use crate::store::doctor;

/// Inputs that one server sees.
const INPUTS: u32 = 5_000;

/// How long a connection may outlive its peer: where more was sent than was read, the next heartbeat finds out.
const GONE: Duration = Duration::from_secs(30);

static SITE: Mutex<Option<Site>> = Mutex::new(None);

/// Sends a request by REST.
pub(crate) fn rest(input: &[u8]) {
    let _ = with(|site| site.runtime.block_on(api::rest(&site.doors, input)));
}

/// Sends a call by gRPC.
pub(crate) fn grpc(input: &[u8]) {
    let _ = with(|site| site.runtime.block_on(api::grpc(&site.doors, input)));
}

/// Sends a call by gRPC whose messages are well formed.
pub(crate) fn calls(input: &[u8]) {
    with(|site| site.runtime.block_on(api::calls(&site.doors, input)));
}

/// Sends bytes to the listener.
pub(crate) fn http(input: &[u8]) {
    with(|site| {
        let bytes = wire::http(input);
        site.runtime.block_on(wire::say(site.address, &bytes));
    });
}

/// Opens a websocket and sends frames.
pub(crate) fn websocket(input: &[u8]) {
    with(|site| {
        let bytes = wire::websocket(input);
        site.runtime.block_on(wire::say(site.address, &bytes));
    });
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

/// Ends a server that has seen enough inputs.
pub(crate) fn turn_over() {
    let mut place = SITE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(site) = place.take_if(|site| site.left == 0) {
        site.end();
    }
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

/// A server, and where it is reached.
pub(super) struct Site {
    pub(super) runtime: Runtime,
    parts: Parts,
    doors: Doors,
    /// Where the listener is reached.
    pub(super) address: SocketAddr,
    figures: Arc<Figures>,
    accepting: CancellationToken,
    folder: TempDir,
    left: u32,
}

fn with<T>(work: impl FnOnce(&Site) -> T) -> T {
    let mut place = SITE.lock().unwrap_or_else(PoisonError::into_inner);
    let site = place.get_or_insert_with(Site::start);
    site.left = site.left.saturating_sub(1);
    work(site)
}

impl Site {
    pub(super) fn start() -> Self {
        Self::with(&[])
    }

    /// One with settings of its own.
    pub(super) fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("there is a place for a store");
        let site = Self::open(folder, settings);
        site.runtime.block_on(api::rest(&site.doors, DEFINITION));
        site.runtime.block_on(api::rest(&site.doors, RESOURCE));
        site
    }

    fn open(folder: TempDir, settings: &[(&str, &str)]) -> Self {
        let flags = Flags {
            data: Some(folder.path().display().to_string()),
            ..Flags::default()
        };
        let given = |variable: &str| {
            let mut given = settings.iter();
            let value = given.find(|(key, _)| config::variable(key) == variable);
            value.map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::load(&flags, given).expect("these are settings");
        let runtime = Runtime::new().expect("a runtime starts");
        let parts = runtime.block_on(Parts::start(&settings, 1024, None, Arc::default()));
        let parts = parts.expect("the store opens");
        let doors = parts.doors(&settings, settings.listen);
        let figures = Arc::clone(doors.figures());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let accepting = CancellationToken::new();
        let (served, stop, tracker) = (doors.clone(), accepting.clone(), parts.tracker.clone());
        runtime.spawn(async move {
            serve(listener, served, ListenOptions::default(), stop, &tracker).await;
        });
        Self {
            runtime,
            parts,
            doors,
            address,
            figures,
            accepting,
            folder,
            left: INPUTS,
        }
    }

    /// Why it stopped writing.
    #[cfg(test)]
    pub(super) fn failed(&self) -> tokio::sync::watch::Receiver<Option<String>> {
        self.parts.engine.failed()
    }

    /// Ends a server that failed, and starts another one where it was.
    #[cfg(test)]
    pub(super) fn again(self) -> Self {
        let Self {
            runtime,
            parts,
            doors,
            accepting,
            folder,
            ..
        } = self;
        accepting.cancel();
        runtime.block_on(parts.end_at_once());
        drop((doors, parts, runtime));
        Self::open(folder, &[])
    }

    /// Whatever was sent, no connection outlives its peer, and what is stored is whole.
    pub(super) fn end(self) {
        let Self {
            runtime,
            parts,
            doors,
            figures,
            accepting,
            folder,
            ..
        } = self;
        let since = Instant::now();
        while figures.connections.get() + figures.websockets.get() > 0 {
            assert!(since.elapsed() < GONE, "a connection was kept");
            std::thread::sleep(Duration::from_millis(10));
        }
        accepting.cancel();
        drop(doors);
        runtime.block_on(parts.drain(Duration::ZERO));
        drop(parts);
        drop(runtime);
        let report = doctor::examine(folder.path(), |_| {}).expect("the doctor can look");
        assert_eq!(report.found, 0, "{:?}", report.findings);
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::{
        AppendLogsRequest, AppendLogsResponse, ListRunsResponse, LogEntry, RunState,
    };

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

    /// Fuzzing found a second place in the queue of logs for lines that came before the first were on disk.
    #[test]
    fn lines_of_two_writers_put_a_log_into_its_queue_once() {
        let site = Site::start();
        let entry = |driver: &str| LogEntry {
            run_id: "x".into(),
            driver: driver.into(),
            message: "line".into(),
            ..LogEntry::default()
        };
        let request = AppendLogsRequest {
            entries: vec![entry("one"), entry("two")],
        };
        let mut call = b"/conveyor.v1.LogService/AppendLogs\n".to_vec();
        call.extend(request.encode_to_vec());
        let answer = site.runtime.block_on(api::grpc(&site.doors, &call));
        let message = &answer.expect("the call is answered")[5..];
        assert_eq!(AppendLogsResponse::decode(message).unwrap().count, 2);
        site.end();
    }

    /// A peer that has no more to say may be left before its answer, on a slow machine.
    #[test]
    fn seeds_of_the_wire_reach_what_is_behind_the_listener() {
        hears(&wire::http(&wire::https()[0]), b"HTTP/1.1 200");
        let http2: Vec<_> = wire::https().into_iter().filter(|it| it[0] == 1).collect();
        // The text of /health, and the run that a call lists.
        hears(&wire::http(&http2[0]), b"healthy");
        hears(&wire::http(&http2[1]), b"waits for a driver");
        for seed in wire::websockets() {
            hears(&wire::websocket(&seed), b"HTTP/1.1 101");
        }
    }

    fn hears(bytes: &[u8], wanted: &[u8]) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = with(|site| site.runtime.block_on(wire::say(site.address, bytes)));
            if answer.windows(wanted.len()).any(|it| it == wanted) {
                return;
            }
            assert!(Instant::now() < deadline, "{}", answer.escape_ascii());
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
