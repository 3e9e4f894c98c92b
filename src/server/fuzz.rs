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

/// How long a connection may outlive its peer: where more was sent than was read, the next heartbeat finds out.
const GONE: Duration = Duration::from_secs(30);

/// Inputs after which what they may have removed is put back.
const TENDED: u32 = 32;

/// Inputs that one server sees.
const INPUTS: u32 = 160 * TENDED;

/// How long a driver may take to carry out a run.
const WORK: Duration = Duration::from_secs(60);

static SITE: Mutex<Option<Site>> = Mutex::new(None);

/// Sends a request by REST.
pub(crate) fn rest(input: &[u8]) {
    with(|site| site.runtime.block_on(api::rest(&site.doors, input)));
}

/// Sends a request by REST that is nearly right.
pub(crate) fn routes(input: &[u8]) {
    with(|site| {
        let asked = api::routes(&site.doors, &site.known, input);
        site.runtime.block_on(asked)
    });
}

/// Sends a call by gRPC.
pub(crate) fn grpc(input: &[u8]) {
    with(|site| site.runtime.block_on(api::grpc(&site.doors, input)));
}

/// Sends a call by gRPC whose messages are well formed.
pub(crate) fn calls(input: &[u8]) {
    with(|site| {
        let asked = api::calls(&site.doors, &site.known, input, api::PAUSE);
        site.runtime.block_on(asked)
    });
}

/// Sends bytes to the listener.
pub(crate) fn http(input: &[u8]) {
    say(&[wire::http(input)]);
}

/// Does so by many connections at once.
pub(crate) fn https_at_once(inputs: &[Vec<u8>]) {
    say(&inputs.iter().map(|it| wire::http(it)).collect::<Vec<_>>());
}

/// Opens a websocket and sends frames.
pub(crate) fn websocket(input: &[u8]) {
    say(&[wire::websocket(input)]);
}

/// Does so by many connections at once.
pub(crate) fn websockets_at_once(inputs: &[Vec<u8>]) {
    say(&inputs
        .iter()
        .map(|it| wire::websocket(it))
        .collect::<Vec<_>>());
}

fn say(all: &[Vec<u8>]) {
    with(|site| {
        let said = all.iter().map(|bytes| wire::say(site.address, bytes));
        site.runtime.block_on(futures_util::future::join_all(said));
    });
}

/// Plays a driver.
pub(crate) fn driver_stream(input: &[u8]) {
    with(|site| site.play(input));
}

/// Makes a server ready for the next input. What that takes is not the input's.
pub(crate) fn ready() {
    let mut place = SITE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(site) = place.take_if(|site| site.left == 0) {
        site.end();
    }
    let site = place.get_or_insert_with(Site::start);
    if site.left.is_multiple_of(TENDED) {
        site.tend();
    }
    site.left -= 1;
}

/// Looks through what the server stored so far, and ends it.
#[cfg(test)]
pub(crate) fn end() {
    let site = SITE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(site) = site {
        site.end();
    }
}

/// What requests can be about.
const THINGS: [&[u8]; 6] = [
    b"POST /resource-definitions/apply\n\n{\"name\":\"app\",\"schema\":{\"type\":\"object\"}}",
    b"POST /resources/apply\n\n{\"name\":\"a\",\"resource\":\"app\",\"spec\":{}}",
    b"POST /resource-definitions/apply\n\n{\"name\":\"n0\",\"schema\":true}",
    b"POST /pipelines/apply\n\n{\"name\":\"p\",\"resource\":\"app\",\"steps\":[{\"id\":\"s\",\"driver\":\"builder\"},{\"driver\":\"other\"}]}",
    b"POST /pipelines/apply\n\n{\"name\":\"n0\",\"resource\":\"app\",\"steps\":[{\"driver\":\"other\"}]}",
    b"POST /resources/apply\n\n{\"name\":\"b\",\"resource\":\"app\",\"pipeline\":\"p\",\"spec\":{\"n\":1}}",
];
/// Gives a driver something to do.
const RUN: &[u8] = b"POST /resources/app/a/runs\n\n{}";

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
    known: api::Known,
    left: u32,
}

fn with<T>(work: impl FnOnce(&Site) -> T) -> T {
    let place = SITE.lock().unwrap_or_else(PoisonError::into_inner);
    work(place.as_ref().expect("a server was made ready"))
}

impl Site {
    pub(super) fn start() -> Self {
        Self::with(&[])
    }

    /// One with settings of its own.
    pub(super) fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("there is a place for a store");
        let site = Self::open(folder, settings);
        // A definition and a resource of it.
        site.put(&THINGS[..2]);
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
            known: api::Known::default(),
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

    /// Puts back what requests can be about: with little on the server most would be refused at once.
    fn tend(&mut self) {
        self.put(&THINGS);
        let since = Instant::now();
        self.known = loop {
            if let Some(known) = self.runtime.block_on(api::known(&self.doors)) {
                break known;
            }
            assert!(since.elapsed() < WORK, "no driver carries out a run");
            self.play(&api::AS_IT_SHOULD);
        };
        self.play(&api::OF_AN_IDLE_ONE);
    }

    fn put(&self, things: &[&[u8]]) {
        for thing in things {
            self.runtime.block_on(api::rest(&self.doors, thing));
        }
    }

    /// Gives a driver something to do, and plays it.
    fn play(&self, script: &[u8]) {
        self.runtime.block_on(api::rest(&self.doors, RUN));
        self.runtime
            .block_on(api::driver_stream(&self.doors, script));
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
    use crate::proto::{AppendLogsRequest, AppendLogsResponse, LogEntry};

    /// Hostile input that gets nowhere would prove nothing: each method of each service says OK to some input.
    #[test]
    fn each_method_is_reached() {
        let mut site = Site::start();
        site.tend();
        for (nth, path) in api::tests::methods().enumerate() {
            reach(&mut site, nth, &path, |site, input| {
                let asked = api::calls(&site.doors, &site.known, input, PATIENCE);
                let answered = site.runtime.block_on(asked);
                // A stream that goes on has said something.
                let goes_on = answered.code.is_none() && !answered.body.is_empty();
                let is_ok = goes_on || answered.code.as_deref() == Some("0");
                (is_ok, answered.code.unwrap_or_default())
            });
        }
        site.end();
    }

    /// The same for each route of REST.
    #[test]
    fn each_route_is_reached() {
        let mut site = Site::start();
        site.tend();
        for (nth, route) in api::tests::routes().enumerate() {
            reach(&mut site, nth, &route, |site, input| {
                let asked = api::routes(&site.doors, &site.known, input);
                let Some(answered) = site.runtime.block_on(asked) else {
                    return (false, "no request".to_owned());
                };
                let status = answered.status;
                let is_ok = status.is_success() || status.is_redirection();
                (is_ok, status.to_string())
            });
        }
        site.end();
    }

    /// Tries inputs that pick one thing until the server does what is asked: whether it did, and what it said.
    fn reach(
        site: &mut Site,
        nth: usize,
        what: &str,
        ask: impl Fn(&Site, &[u8]) -> (bool, String),
    ) {
        let mut random = fastrand::Rng::with_seed(nth as u64);
        let mut said = std::collections::BTreeMap::<String, u32>::new();
        for tries in 0..TRIES {
            if tries % 32 == 0 {
                site.tend();
            }
            let mut input = vec![u8::try_from(nth).unwrap()];
            input.extend(std::iter::repeat_with(|| random.u8(..)).take(48));
            let (is_done, word) = ask(site, &input);
            if is_done {
                return;
            }
            *said.entry(word).or_default() += 1;
        }
        panic!("{what} is not reached: {said:?}");
    }

    /// How long a stream may take to say something: a machine may be busy with much else.
    const PATIENCE: Duration = Duration::from_millis(500);
    /// What is picked at random is done before so many tries, unless it is not done at all.
    const TRIES: usize = 2000;

    /// A slow machine may take more than one try, since a script does not wait long for its task.
    #[test]
    fn scripts_come_to_their_end() {
        let mut site = Site::start();
        site.tend();
        assert_ne!(site.known.ended, "");
        site.end();
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
        let message = &answer.expect("it is a call").body[5..];
        assert_eq!(AppendLogsResponse::decode(message).unwrap().count, 2);
        site.end();
    }

    #[test]
    fn seeds_of_the_wire_reach_what_is_behind_the_listener() {
        // Its own: that of the other inputs may be ended by them at any time.
        let mut site = Site::start();
        site.tend();
        hears(&site, &wire::http(&wire::https()[0]), b"HTTP/1.1 200");
        let http2: Vec<_> = wire::https().into_iter().filter(|it| it[0] == 1).collect();
        // The text of /health, and the driver of a run that a call lists.
        hears(&site, &wire::http(&http2[0]), b"healthy");
        hears(&site, &wire::http(&http2[1]), b"builder");
        for seed in wire::websockets() {
            hears(&site, &wire::websocket(&seed), b"HTTP/1.1 101");
        }
        site.end();
    }

    /// A peer that has no more to say may be left before its answer, on a slow machine: then it says it again.
    fn hears(site: &Site, bytes: &[u8], wanted: &[u8]) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = site.runtime.block_on(wire::say(site.address, bytes));
            if answer.windows(wanted.len()).any(|it| it == wanted) {
                return;
            }
            assert!(Instant::now() < deadline, "{}", answer.escape_ascii());
        }
    }
}
