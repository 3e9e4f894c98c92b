//! What is said when settings cannot be used: which one, where it stands, and what to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Origin;

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The config file cannot be read.
    #[error("config file {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The config file is no YAML mapping.
    #[error("config file {}: {message}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What the parser said.
        message: String,
    },
    /// The config file has a key that does not exist.
    #[error(
        "config file {} line {line}: there is no setting {key}; the nearest is {nearest} (conveyor up --help shows all)",
        file.display()
    )]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The key as it stands there.
        key: String,
        /// The setting or section most like it.
        nearest: &'static str,
    },
    /// A section of the config file has a value where its settings should be.
    #[error("config file {} line {line}: {key} is a section: its settings, such as {example}, go below it", file.display())]
    Section {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The section.
        key: String,
        /// One of its settings.
        example: &'static str,
    },
    /// Two settings that mean the same thing do not agree.
    #[error(
        "settings {one} and {other} do not agree: they mean the same thing, so keep one of them"
    )]
    Conflict {
        /// One setting.
        one: Box<Given>,
        /// The other setting.
        other: Box<Given>,
    },
    /// The settings ask for a closed server, and this program cannot close one.
    #[error(
        "{what} (from {origin}), but this version has {lacks}. A server that is open while its settings say closed \
         would be worse than none, so it does not start. {advice}"
    )]
    NotClosed {
        /// The setting as it stands.
        what: String,
        /// Where it came from.
        origin: Origin,
        /// What there is not yet.
        lacks: &'static str,
        /// What to do meanwhile.
        advice: &'static str,
    },
    /// A value cannot be read.
    #[error("setting {key}: {text:?} is not {expected} (from {origin})")]
    Invalid {
        /// The setting.
        key: &'static str,
        /// Its text.
        text: String,
        /// What it should have been.
        expected: &'static str,
        /// Where the text came from.
        origin: Origin,
    },
    /// The lease is too short for the heartbeats.
    #[error(
        "setting driver.lease_time: {lease:?} is not longer than driver.heartbeat_period ({period:?}), \
         so every driver would lose its tasks between two heartbeats"
    )]
    LeaseTooShort {
        /// The lease.
        lease: Duration,
        /// The heartbeat period.
        period: Duration,
    },
    /// The address is open to others and nobody said that this is fine.
    #[error(
        "setting listen: {listen} can be reached from other machines, and there is no authentication yet: everyone \
         who reaches the port can do everything. Listen on 127.0.0.1, or say --insecure if that is what you want"
    )]
    Exposed {
        /// The address.
        listen: SocketAddr,
    },
}

/// A setting as it was given.
#[derive(Debug, thiserror::Error)]
#[error("{key} ({text}, from {origin})")]
pub struct Given {
    /// The setting.
    pub key: &'static str,
    /// Its text.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}
