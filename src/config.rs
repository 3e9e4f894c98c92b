//! Every setting once: file key, flag, environment variable, default and reason.
//!
//! A flag wins over the environment, the environment over the config file, the file over the default. Where a
//! text comes from is the business of `sources`; what it means is decided here. A `Settings` that exists is valid.
//!
//! A config file of Conveyor CI is read as it stands: `api.port`, `api.data`, `api.auth_enabled` and `tls` are settings
//! here too, and `inherited` knows the rest of it.

mod closed;
mod error;
mod file;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod inherited;
mod retention;
mod sources;
mod template;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use tracing_subscriber::EnvFilter;

pub use error::{ConfigError, Given};
pub use retention::RetentionSettings;
pub use sources::{Origin, variable};
use sources::{Sources, Winner};
pub use template::config_file;

/// One setting as people meet it.
#[derive(Debug)]
pub struct Setting {
    /// Its key in the config file; dots stand for nesting.
    pub key: &'static str,
    /// The text it has when nobody says anything.
    pub default: &'static str,
    /// What it is for.
    pub why: &'static str,
}

/// The settings. Each is an environment variable (`driver.lease_time` is `CONVEYOR_DRIVER_LEASE_TIME`); the first four,
/// which people change every day, are flags of `conveyor up` too.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    Setting { key: "listen", default: "127.0.0.1:8080", why: "Address and port for everything: gRPC, REST, SSE and websocket. Port 0 picks a free one." },
    Setting { key: "data", default: "./conveyor-data", why: "Directory of the store. One server at a time." },
    Setting { key: "insecure", default: "false", why: "Allows an address beyond loopback although there is no authentication." },
    Setting { key: "log", default: "info", why: "What the server logs on stderr: a level, or a filter such as info,conveyor=debug." },
    Setting { key: "log_format", default: "text", why: "How it is written: text for people, json for machines." },
    Setting { key: "drain_time", default: "5s", why: "How long a stop may take: what arrived is stored and answered, then streams end." },
    Setting { key: "api.port", default: "", why: "The port of listen, as Conveyor CI names it. Where listen is given too, it must be the same one." },
    Setting { key: "api.data", default: "", why: "Another name for data, the one that Conveyor CI has." },
    Setting { key: "api.auth_enabled", default: "false", why: "Whether callers must prove who they are. Not there yet: true stops the start." },
    Setting { key: "api.body_bytes", default: "4 MiB", why: "Largest body of a REST request." },
    Setting { key: "api.connections", default: "16000", why: "Most connections at once." },
    Setting { key: "api.origins", default: "", why: "Web origins, comma-separated, that may call the API from a browser beside our own." },
    Setting { key: "api.hosts", default: "", why: "Host names, comma-separated, that a loopback listener answers to beside the loopback ones." },
    Setting { key: "driver.lease_time", default: "30s", why: "A driver not heard for so long loses its tasks to another." },
    Setting { key: "driver.heartbeat_period", default: "10s", why: "How often drivers say that they live; three fit in a lease." },
    Setting { key: "driver.ack_time", default: "5s", why: "An offer not accepted within it goes to another instance." },
    Setting { key: "driver.hello_time", default: "10s", why: "A driver stream that has not said hello by then ends." },
    Setting { key: "driver.cancel_grace", default: "10s", why: "Time to stop and to report that a cancelled task gets." },
    Setting { key: "driver.refusal_pause", default: "5s", why: "An instance that refused an offer is passed over for that step so long." },
    Setting { key: "retention.period", default: "10s", why: "How often what is due is looked for." },
    Setting { key: "retention.runs.max_age", default: "365d", why: "How long finished runs are kept, from their end. A time such as 90d, or forever. A definition may say otherwise." },
    Setting { key: "retention.runs.max_count", default: "forever", why: "How many finished runs of each resource are kept, the newest ones. A definition may say otherwise." },
    Setting { key: "retention.logs.max_age", default: "90d", why: "How long logs of finished runs are kept, from the end of the run; those of unknown runs, from their last line." },
    Setting { key: "retention.logs.max_count", default: "forever", why: "Of how many finished runs of each resource the log is kept, the newest ones. A definition may say otherwise." },
    Setting { key: "retention.revisions.max_age", default: "forever", why: "How long a revision of a resource is kept that a newer one replaced. The current one, and one that a kept run shows, always are." },
    Setting { key: "retention.revisions.max_count", default: "forever", why: "How many revisions of each resource are kept, the current one counted. A definition may say otherwise." },
    Setting { key: "retention.changes.max_age", default: "7d", why: "How long a watch of resources can resume from a change, and what a deleted resource leaves is kept." },
    Setting { key: "retention.changes.max_count", default: "1000000", why: "From how many changes of resources a watch can resume, the newest ones." },
    Setting { key: "trace.otlp", default: "", why: "Address of an OpenTelemetry collector (OTLP over gRPC) that gets traces, such as http://127.0.0.1:4317." },
    Setting { key: "trace.sample_ratio", default: "1", why: "The share of traces that begin here and are recorded, from 0 to 1. Callers decide about their own." },
    Setting { key: "store.min_free_bytes", default: "256 MiB", why: "With less free disk than this nothing new is taken in, and what drivers report waits." },
    Setting { key: "tls.ca", default: "", why: "Certificate authority of the clients, a PEM file. TLS is not there yet: a file here stops the start." },
    Setting { key: "tls.key", default: "", why: "Private key of the server, a PEM file. Likewise." },
    Setting { key: "tls.cert", default: "", why: "Certificate of the server, a PEM file. Likewise." },
];

/// The flags of `conveyor up`.
#[derive(Debug, Default, clap::Args)]
pub struct Flags {
    /// Address and port to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<String>,
    /// Directory of the store [default: ./conveyor-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Allow an address beyond loopback, although there is no authentication yet
    #[arg(long)]
    pub insecure: bool,
    /// What to log on stderr: a level, or a filter such as info,conveyor=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// How to log: text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Config file; also CONVEYOR_CONFIG [default: ./conveyor.yml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// All settings, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The directory of the store.
    pub data: PathBuf,
    /// Whether an address beyond loopback is fine.
    pub insecure: bool,
    /// What is logged: a filter of `tracing`.
    pub log: String,
    /// How it is written.
    pub log_format: LogFormat,
    /// How long a drain may take.
    pub drain_time: Duration,
    /// How the server is reached.
    pub api: ApiSettings,
    /// How drivers are treated.
    pub driver: DriverSettings,
    /// Who gets traces.
    pub trace: TraceSettings,
    /// How things are kept.
    pub store: StoreSettings,
    /// What the config file says that has no use here, and why: one line for the log.
    pub unused: Option<String>,
    /// How long things are kept.
    pub retention: RetentionSettings,
}

/// The form of what is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people, in colour on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// How the server is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiSettings {
    /// Largest body of a REST request, in bytes.
    pub body_bytes: usize,
    /// Most connections at once.
    pub connections: usize,
    /// Web origins that may call the API beside our own.
    pub origins: Vec<String>,
    /// Host names that a loopback listener answers to beside the loopback ones.
    pub hosts: Vec<String>,
}

/// How drivers are treated.
#[derive(Debug, Clone, PartialEq)]
pub struct DriverSettings {
    /// A driver not heard for so long loses its tasks.
    pub lease_time: Duration,
    /// How often drivers say that they live.
    pub heartbeat_period: Duration,
    /// How long an offer waits for its ack.
    pub ack_time: Duration,
    /// How long a new stream may take to say hello.
    pub hello_time: Duration,
    /// How long a cancelled task may take to stop.
    pub cancel_grace: Duration,
    /// How long an instance that refused an offer is passed over for it.
    pub refusal_pause: Duration,
}

/// Who gets traces.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSettings {
    /// Address of a collector; empty: none, unless OpenTelemetry's own variables name one.
    pub otlp: String,
    /// The share of traces that begin here and are recorded.
    pub sample_ratio: f64,
}

/// How things are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreSettings {
    /// With less free disk than this, in bytes, nothing new is taken in.
    pub min_free_bytes: u64,
}

impl Settings {
    /// Reads the settings from flags, environment variables (`env` looks one up) and the config file.
    pub fn load(
        flags: &Flags,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Settings, ConfigError> {
        let sources = Sources::gather(flags, &env)?;
        closed::check(&sources, &env)?;
        Settings {
            listen: listen(&sources)?,
            data: data(&sources)?,
            insecure: sources.read("insecure", "true or false", |text| text.parse().ok())?,
            log: sources.read(
                "log",
                "a level (error, warn, info, debug, trace) or a filter of tracing",
                filter,
            )?,
            log_format: sources.read("log_format", "text or json", log_format)?,
            drain_time: sources.read("drain_time", DURATION, duration)?,
            api: ApiSettings {
                body_bytes: sources.read("api.body_bytes", BYTES, bytes)?,
                connections: sources.read("api.connections", "a number from 1 on", count)?,
                origins: sources.read(
                    "api.origins",
                    "a list of origins such as https://ci.example.org",
                    origins,
                )?,
                hosts: sources.read("api.hosts", "a list of host names without port", hosts)?,
            },
            driver: DriverSettings {
                lease_time: sources.read("driver.lease_time", DURATION, duration)?,
                heartbeat_period: sources.read("driver.heartbeat_period", DURATION, duration)?,
                ack_time: sources.read("driver.ack_time", DURATION, duration)?,
                hello_time: sources.read("driver.hello_time", DURATION, duration)?,
                cancel_grace: sources.read("driver.cancel_grace", DURATION, duration)?,
                refusal_pause: sources.read("driver.refusal_pause", DURATION, duration)?,
            },
            trace: TraceSettings {
                otlp: sources.read(
                    "trace.otlp",
                    "an address such as http://127.0.0.1:4317",
                    collector,
                )?,
                sample_ratio: sources.read("trace.sample_ratio", "a number from 0 to 1", ratio)?,
            },
            store: StoreSettings {
                min_free_bytes: sources.read("store.min_free_bytes", BYTES, bytes)?,
            },
            unused: inherited::notice(&sources),
            retention: RetentionSettings::read(&sources)?,
        }
        .check()
    }

    /// The rules that take more than one setting.
    fn check(self) -> Result<Settings, ConfigError> {
        if !self.listen.ip().is_loopback() && !self.insecure {
            return Err(ConfigError::Exposed {
                listen: self.listen,
            });
        }
        let (lease, period) = (self.driver.lease_time, self.driver.heartbeat_period);
        if lease <= period {
            return Err(ConfigError::LeaseTooShort { lease, period });
        }
        Ok(self)
    }
}

const DURATION: &str = "a time above zero such as 30s, 500ms or 2m";
const BYTES: &str = "a number of bytes such as 4194304, 512 KiB or 4 MiB";

/// Where to listen. `api.port` names the port alone; of two places the stronger one counts, in one they must agree.
fn listen(sources: &Sources) -> Result<SocketAddr, ConfigError> {
    let listen = sources.read("listen", "an address such as 127.0.0.1:8080", address)?;
    let port = sources.read("api.port", "a port from 0 to 65535", |text| match text {
        "" => Some(None),
        text => text.parse::<u16>().ok().map(Some),
    })?;
    let Some(port) = port else {
        return Ok(listen);
    };
    match sources.winner("listen", "api.port") {
        Winner::First => Ok(listen),
        Winner::Both if listen.port() != port => Err(sources.conflict("listen", "api.port")),
        Winner::Second | Winner::Both => Ok(SocketAddr::new(listen.ip(), port)),
    }
}

/// The directory of the store, under either of its names.
fn data(sources: &Sources) -> Result<PathBuf, ConfigError> {
    match sources.winner("data", "api.data") {
        Winner::First => sources.path("data"),
        Winner::Second => sources.path("api.data"),
        Winner::Both => {
            let data = sources.path("data")?;
            if data == sources.path("api.data")? {
                Ok(data)
            } else {
                Err(sources.conflict("data", "api.data"))
            }
        }
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    text.replacen("localhost:", "127.0.0.1:", 1).parse().ok()
}

fn filter(text: &str) -> Option<String> {
    EnvFilter::try_new(text).ok().map(|_| text.to_owned())
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

/// Spans go out without TLS.
fn collector(text: &str) -> Option<String> {
    let is_address = |rest: &str| !rest.is_empty() && !rest.contains(char::is_whitespace);
    let address = text.strip_prefix("http://");
    (text.is_empty() || address.is_some_and(is_address)).then(|| text.to_owned())
}

fn ratio(text: &str) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
}

fn duration(text: &str) -> Option<Duration> {
    let duration = text.parse::<SignedDuration>().ok()?;
    Duration::try_from(duration).ok().filter(|d| !d.is_zero())
}

fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n| *n > 0)
}

fn bytes<N: TryFrom<u64>>(text: &str) -> Option<N> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit: u64 = match text[digits..].trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    let bytes = text[..digits].parse::<u64>().ok()?.checked_mul(unit)?;
    N::try_from(bytes).ok()
}

/// Browsers send an origin as scheme and host, never with a path, and compare it letter by letter.
fn origins(text: &str) -> Option<Vec<String>> {
    let is_origin = |word: &str| {
        word.split_once("://").is_some_and(|(scheme, host)| {
            matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains('/')
        })
    };
    list(text, is_origin)
}

fn hosts(text: &str) -> Option<Vec<String>> {
    list(text, |word| !word.contains(['/', ':', ' ']))
}

fn list(text: &str, valid: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    words
        .map(|word| valid(word).then(|| word.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn with_file(text: &str) -> (tempfile::NamedTempFile, Flags) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let config = Some(file.path().to_owned());
        (
            file,
            Flags {
                config,
                ..Flags::default()
            },
        )
    }

    /// The error of a config file, its path replaced.
    fn refusal(text: &str) -> String {
        let (file, flags) = with_file(text);
        let error = Settings::load(&flags, nothing).unwrap_err().to_string();
        error.replace(&file.path().display().to_string(), "FILE")
    }

    #[test]
    fn without_a_word_the_defaults_stand() {
        let settings = Settings::load(&Flags::default(), nothing).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.data, PathBuf::from("./conveyor-data"));
        assert!(!settings.insecure);
        assert_eq!(settings.api.body_bytes, 4 << 20);
        assert_eq!(settings.api.origins, Vec::<String>::new());
        assert_eq!(settings.driver.lease_time, Duration::from_secs(30));
        assert_eq!(settings.store.min_free_bytes, 256 << 20);
    }

    #[test]
    fn flag_wins_over_environment_over_file_over_default() {
        let (_file, mut flags) = with_file("listen: 127.0.0.1:1\ndata: from-file\nlog: warn\n");
        flags.listen = Some("127.0.0.1:3".to_owned());
        let env = |name: &str| match name {
            "CONVEYOR_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "CONVEYOR_DATA" => Some("from-environment".to_owned()),
            _ => None,
        };
        let settings = Settings::load(&flags, env).unwrap();
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.data, PathBuf::from("from-environment"));
        assert_eq!(settings.log, "warn");
        assert_eq!(settings.drain_time, Duration::from_secs(5));
    }

    #[test]
    fn every_setting_is_read_from_its_variable() {
        for setting in SETTINGS {
            let wanted = sources::variable(setting.key);
            let env = |name: &str| (name == wanted).then(|| "\u{1}//:not valid=[".to_owned());
            let Err(error) = Settings::load(&Flags::default(), env) else {
                assert!(setting.key.ends_with("data"), "{wanted} is not read");
                continue;
            };
            let error = error.to_string();
            assert!(
                error.contains(setting.key) && error.contains(&wanted),
                "{error}"
            );
        }
    }

    #[test]
    fn file_takes_nesting_lists_and_units() {
        let (_file, flags) = with_file(
            "driver:\n  lease_time: 500ms\n  heartbeat_period: 100ms\n\
             api:\n  origins: [https://a.example, 'http://b.example:3000']\n  hosts: ci.example\n  body_bytes: 512 KiB\n\
             store.min_free_bytes: 1\ninsecure: yes\nlisten: 0.0.0.0:0\n",
        );
        let settings = Settings::load(&flags, nothing).unwrap();
        assert_eq!(settings.driver.lease_time, Duration::from_millis(500));
        assert_eq!(
            settings.api.origins,
            ["https://a.example", "http://b.example:3000"]
        );
        assert_eq!(settings.api.hosts, ["ci.example"]);
        assert_eq!(settings.api.body_bytes, 512 << 10);
        assert_eq!(settings.store.min_free_bytes, 1);
    }

    #[test]
    fn errors_name_the_key_and_where_it_came_from() {
        insta::assert_snapshot!(refusal("log: info\nlistne: x\n"), @"config file FILE line 2: there is no setting listne; the nearest is listen (conveyor up --help shows all)");
        insta::assert_snapshot!(refusal("driver:\n  # slow\n  lease: 3s\n"), @"config file FILE line 3: there is no setting driver.lease; the nearest is driver.lease_time (conveyor up --help shows all)");
        insta::assert_snapshot!(refusal("driver:\n  lease_time: 30\n"), @r#"setting driver.lease_time: "30" is not a time above zero such as 30s, 500ms or 2m (from FILE line 2)"#);
        insta::assert_snapshot!(refusal("driver:\n  lease_time: 10s\n"), @"setting driver.lease_time: 10s is not longer than driver.heartbeat_period (10s), so every driver would lose its tasks between two heartbeats");
        insta::assert_snapshot!(refusal("drain_time: -5s"), @r#"setting drain_time: "-5s" is not a time above zero such as 30s, 500ms or 2m (from FILE line 1)"#);
        insta::assert_snapshot!(refusal("api: 5"), @"config file FILE line 1: api is a section: its settings, such as api.port, go below it");
        insta::assert_snapshot!(refusal("lease_time: 3s"), @"config file FILE line 1: there is no setting lease_time; the nearest is driver.lease_time (conveyor up --help shows all)");
        insta::assert_snapshot!(refusal("drivers:\n"), @"config file FILE line 1: there is no setting drivers; the nearest is driver (conveyor up --help shows all)");
        insta::assert_snapshot!(refusal("- listen"), @"config file FILE: expected settings as `key: value`");
        insta::assert_snapshot!(refusal("listen: [a\n"), @"config file FILE: unclosed bracket '[' at line 1, column 9");
        insta::assert_snapshot!(refusal("listen: 0.0.0.0:8080"), @"setting listen: 0.0.0.0:8080 can be reached from other machines, and there is no authentication yet: everyone who reaches the port can do everything. Listen on 127.0.0.1, or say --insecure if that is what you want");
        insta::assert_snapshot!(refusal("data: a\ndata: b\n"), @"config file FILE: duplicate mapping key: data not allowed here at line 2, column 1");
    }

    #[test]
    fn port_and_directory_have_two_names_and_the_stronger_place_counts() {
        let (file, flags) = with_file("api:\n  port: 9000\n  data: there\n");
        let settings = Settings::load(&flags, nothing).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:9000");
        assert_eq!(settings.data, file.path().with_file_name("there"));
        let env = |name: &str| match name {
            "CONVEYOR_LISTEN" => Some("127.0.0.2:1".to_owned()),
            "CONVEYOR_DATA" => Some("here".to_owned()),
            // What Kubernetes sets for a service that is called conveyor-api.
            "CONVEYOR_API_PORT" => Some("tcp://10.0.0.1:8080".to_owned()),
            _ => None,
        };
        let settings = Settings::load(&flags, env).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.2:1");
        assert_eq!(settings.data, PathBuf::from("here"));
        let port = |name: &str| (name == "CONVEYOR_API_PORT").then(|| "7".to_owned());
        let (_file, flags) = with_file("listen: 127.0.0.2:1\n");
        let settings = Settings::load(&flags, port).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.2:7");
        let (_file, flags) = with_file("listen: 127.0.0.2:1\napi.port: 1\ndata: a\napi.data: a\n");
        assert!(Settings::load(&flags, nothing).is_ok());
        insta::assert_snapshot!(refusal("listen: 127.0.0.1:1\napi.port: 2\n"), @"settings listen (127.0.0.1:1, from FILE line 1) and api.port (2, from FILE line 2) do not agree: they mean the same thing, so keep one of them");
        insta::assert_snapshot!(refusal("data: a\napi:\n  data: b\n"), @"settings data (a, from FILE line 1) and api.data (b, from FILE line 3) do not agree: they mean the same thing, so keep one of them");
        insta::assert_snapshot!(refusal("api.port: 65536\n"), @r#"setting api.port: "65536" is not a port from 0 to 65535 (from FILE line 1)"#);
    }

    #[test]
    fn a_file_of_conveyor_ci_is_read_and_what_has_no_use_is_named_once() {
        let (file, flags) = with_file(
            "api:\n  port: 8080\n  auth_enabled: false\n  data: /var/lib/conveyor\nnats:\n  port: 4222\n\
             tls:\n  ca: /etc/conveyor/certs/ca.pem\n  key: ''\n  cert: /etc/conveyor/certs/server.crt\n",
        );
        let settings = Settings::load(&flags, nothing).unwrap();
        assert_eq!(settings.data, PathBuf::from("/var/lib/conveyor"));
        let unused = settings.unused.unwrap();
        insta::assert_snapshot!(unused.replace(&file.path().display().to_string(), "FILE"), @"settings without use here: nats.port (FILE line 6; drivers connect to the one port), tls.ca (FILE line 8; api.auth_enabled is false), tls.cert (FILE line 10; api.auth_enabled is false)");
        let (file, flags) = with_file(
            "api: {host: localhost, port: \"6286\"}\ndb: {user: root}\nredis:\nloki.host: x\n",
        );
        let unused = Settings::load(&flags, nothing).unwrap().unused.unwrap();
        insta::assert_snapshot!(unused.replace(&file.path().display().to_string(), "FILE"), @"settings without use here: api.host (FILE line 1; listen names the address), db.user (FILE line 2; the store is built in), loki.host (FILE line 4; logs are in the store)");
    }

    #[test]
    fn settings_that_ask_for_a_closed_server_stop_the_start() {
        insta::assert_snapshot!(refusal("api:\n  auth_enabled: true\n"), @"setting api.auth_enabled is true (from FILE line 2), but this version has no authentication yet. A server that is open while its settings say closed would be worse than none, so it does not start. Set it to false to start without: only this machine reaches 127.0.0.1");
        insta::assert_snapshot!(refusal("tls:\n  cert: server.crt\n"), @r#"setting tls.cert is "server.crt" (from FILE line 2), but this version has no TLS yet. A server that is open while its settings say closed would be worse than none, so it does not start. Take the tls settings out, or say api.auth_enabled: false as well to start without both"#);
        insta::assert_snapshot!(refusal("api.auth_enabled: maybe\n"), @r#"setting api.auth_enabled: "maybe" is not true or false (from FILE line 1)"#);
        let opens = |name: &str| (name == "CONVEYOR_API_AUTH_ENABLED").then(|| "false".to_owned());
        for text in ["api.auth_enabled: true\n", "tls:\n  cert: server.crt\n"] {
            let (_file, flags) = with_file(text);
            let error = Settings::load(&flags, opens).unwrap_err();
            assert!(
                matches!(error, ConfigError::NotClosed { .. }),
                "{text}: {error}"
            );
        }
        let closed = [
            ("CONVEYOR_API_AUTH_ENABLED", "true"),
            ("CONVEYOR_AUTH_ENABLED", "TRUE"),
            ("CONVEYOR_JWT_REQUIRED", "1"),
            ("CONVEYOR_TLS_ENABLED", "true"),
            ("CONVEYOR_TLS_KEY", "server.key"),
        ];
        for (wanted, text) in closed {
            let env = |name: &str| (name == wanted).then(|| text.to_owned());
            let error = Settings::load(&Flags::default(), env)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(wanted) && error.contains("does not start"),
                "{error}"
            );
        }
        let (_file, flags) = with_file("tls:\n  ca: ''\n  key:\n  cert: \"\"\n");
        assert_eq!(Settings::load(&flags, nothing).unwrap().unused, None);
        let off = |name: &str| (name == "CONVEYOR_AUTH_ENABLED").then(|| "false".to_owned());
        assert!(Settings::load(&Flags::default(), off).is_ok());
    }

    #[test]
    fn a_named_file_must_exist_and_an_empty_one_says_nothing() {
        let gone = Flags {
            config: Some("/nonexistent/conveyor.yml".into()),
            ..Flags::default()
        };
        let error = Settings::load(&gone, nothing).unwrap_err().to_string();
        assert!(
            error.starts_with("config file /nonexistent/conveyor.yml: "),
            "{error}"
        );
        let (_file, flags) = with_file("# nothing yet\n");
        assert!(Settings::load(&flags, nothing).is_ok());
    }
}
