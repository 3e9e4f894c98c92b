//! Decoders as functions of bytes: each target once, for the programs of `fuzz/` and for the property tests below.
//!
//! What a target does with hostile bytes may be an error, never a panic, and takes no longer than [`LIMIT`].

mod seeds;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crate::api;
use crate::cli;
use crate::config;
use crate::model::json::Json;
use crate::model::name::{Name, RunId};
use crate::model::retention::Limit;
use crate::model::schema::Schema;
use crate::offline;
use crate::proto;
use crate::server;
use crate::store;
use crate::trace::TraceContext;

/// How long one input may take: no more than the longest that a request may.
pub const LIMIT: Duration = Duration::from_secs(10);

/// One decoder, or a few that belong together.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Makes ready what it decodes on.
    ready: fn(),
    decode: fn(&[u8]),
    /// The same for many at once, where most of the time nothing is done but to wait.
    decode_all: Option<fn(&[Vec<u8>])>,
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
#[rustfmt::skip]
pub const TARGETS: [Target; 24] = [
    target("names", |input| text(input, names), || all(seeds::NAMES)),
    target("times", |input| text(input, times), || all(seeds::TIMES)),
    target("trace-context", |input| text(input, trace), || all(seeds::TRACES)),
    target("keys", store::fuzz::key, store::fuzz::keys),
    target("values", store::fuzz::value, store::fuzz::values),
    target("rows", store::fuzz::rows, store::fuzz::stores),
    target("files", store::fuzz::file, store::fuzz::stored),
    target("bodies", bodies, || all(seeds::BODIES)),
    target("json", |input| text(input, json), || all(seeds::BODIES)),
    target("schemas", |input| text(input, schema), seeds::schemas),
    target("yaml", |input| text(input, cli::fuzz::yaml), || all(seeds::YAML)),
    target("documents", |input| text(input, cli::fuzz::documents), || all(seeds::DOCUMENTS)),
    target("templates", |input| text(input, cli::fuzz::template), || all(seeds::TEMPLATES)),
    target("contexts", |input| text(input, cli::fuzz::contexts), || all(seeds::CONTEXTS)),
    target("answers", cli::fuzz::answer, cli::fuzz::answers),
    target("config", |input| text(input, config::fuzz::file), || all(seeds::CONFIG)),
    target("archives", offline::fuzz::archive, offline::fuzz::archives),
    served("rest", server::fuzz::rest, || all(seeds::REQUESTS)),
    served("routes", server::fuzz::routes, api::fuzz::requests_of_each),
    served("grpc", server::fuzz::grpc, api::fuzz::encoded_calls),
    served("calls", server::fuzz::calls, api::fuzz::calls_of_each),
    served("driver-stream", server::fuzz::driver_stream, api::fuzz::scripts),
    said("http", server::fuzz::http, server::fuzz::https_at_once, server::fuzz::https),
    said("websocket", server::fuzz::websocket, server::fuzz::websockets_at_once, server::fuzz::websockets),
];

const fn target(name: &'static str, decode: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target {
        name,
        ready: || (),
        decode,
        decode_all: None,
        seeds,
    }
}

/// A target that goes through the whole server.
const fn served(name: &'static str, decode: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target {
        ready: server::fuzz::ready,
        ..target(name, decode, seeds)
    }
}

/// A target whose inputs are said to the listener, many at once.
const fn said(
    name: &'static str,
    decode: fn(&[u8]),
    decode_all: fn(&[Vec<u8>]),
    seeds: fn() -> Vec<Vec<u8>>,
) -> Target {
    Target {
        decode_all: Some(decode_all),
        ..served(name, decode, seeds)
    }
}

impl Target {
    /// The target of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        const ALL: &[Target] = &TARGETS;
        ALL.iter().find(|target| target.name == name)
    }

    /// How many inputs go best together.
    pub fn together(&self) -> usize {
        if self.decode_all.is_some() { 16 } else { 1 }
    }

    /// Decodes inputs, all at once where that is quicker. Answers how long the slowest took.
    ///
    /// # Panics
    /// Where something is wrong with the decoder.
    pub fn run_all(&self, inputs: &[Vec<u8>]) -> Duration {
        match self.decode_all {
            Some(decode_all) => self.timed(|| decode_all(inputs)),
            None => {
                let took = inputs.iter().map(|input| self.run(input));
                took.max().unwrap_or_default()
            }
        }
    }

    /// Decodes an input. Answers how long that took.
    ///
    /// # Panics
    /// Where something is wrong with the decoder.
    pub fn run(&self, input: &[u8]) -> Duration {
        self.timed(|| (self.decode)(input))
    }

    fn timed(&self, decode: impl FnOnce()) -> Duration {
        (self.ready)();
        let began = Instant::now();
        decode();
        let took = began.elapsed();
        assert!(took < LIMIT, "{} took {took:?}", self.name);
        took
    }

    /// Valid inputs to begin with, and some that mean harm.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (self.seeds)()
    }
}

fn all(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn text(input: &[u8], decode: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(input) {
        decode(text);
    }
}

fn names(text: &str) {
    drop(Name::parse(text, "name"));
    drop(RunId::parse(text, "id"));
    cli::fuzz::words(text);
}

/// A time of a line, a duration of a step, and limits of what is kept, which are written as what reads as the same.
fn times(text: &str) {
    if let Ok(age) = text.parse::<Limit<Duration>>() {
        assert_eq!(age.to_string().parse(), Ok(age));
    }
    if let Ok(count) = text.parse::<Limit<u64>>() {
        assert_eq!(count.to_string().parse(), Ok(count));
    }
    let text = serde_json::Value::from(text);
    let line = format!("{{\"time\":{text}}}");
    drop(proto::json::from_slice::<proto::LogEntry>(line.as_bytes()));
    let step = format!("{{\"timeout\":{text}}}");
    drop(proto::json::from_slice::<proto::Step>(step.as_bytes()));
}

/// What was read is written as what reads as the same.
fn trace(text: &str) {
    let (parent, state) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(place) = TraceContext::parse(parent, state) {
        let again = TraceContext::parse(&place.traceparent(), place.tracestate());
        assert_eq!(again, Some(place));
    }
}

fn bodies(input: &[u8]) {
    drop(proto::json::from_slice::<proto::ResourceDefinition>(input));
    drop(proto::json::from_slice::<proto::Resource>(input));
    drop(proto::json::from_slice::<proto::Pipeline>(input));
    drop(proto::json::from_slice::<proto::LogEntry>(input));
}

/// What was kept of a text is kept of itself, and says the same.
fn json(text: &str) {
    if let Ok((kept, value)) = Json::parse(text, "spec") {
        let (again, same) = Json::parse(kept.as_str(), "spec").expect("it was JSON before");
        assert_eq!(again.as_str(), kept.as_str());
        assert_eq!(same, value);
    }
}

/// A schema and a spec, with a zero byte between.
fn schema(text: &str) {
    let (schema, spec) = text.split_once('\0').unwrap_or((text, "{}"));
    let (Ok((_, schema)), Ok((_, spec))) =
        (Json::parse(schema, "schema"), Json::parse(spec, "spec"))
    else {
        return;
    };
    if let Ok(schema) = Schema::compile(&schema) {
        drop(schema.check(&spec));
    }
}
