//! The one error of the crate and its kind. No transport words: `api/status.rs` maps kinds to gRPC and HTTP.
//!
//! Invariant: a text never quotes a value longer than 40 characters.

use std::sync::Arc;

use crate::model::name::Noun;

/// What a caller can do about an error; the transports map these one to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong as it stands.
    Invalid,
    /// The thing named is not there.
    NotFound,
    /// The name or the request id is taken.
    AlreadyExists,
    /// The thing is in a state that does not allow it.
    FailedPrecondition,
    /// It changed meanwhile: read again.
    Aborted,
    /// The position asked for is not one of this store.
    OutOfRange,
    /// A limit is reached: try again later.
    Exhausted,
    /// The server cannot take it now: try again later.
    Unavailable,
    /// The caller was too slow.
    Deadline,
    /// A fault of the server or of its disk.
    Internal,
}

/// One field of the input that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path from the root of the request's body, such as `spec.steps[2].command`.
    pub field: String,
    /// What is wrong with it, at most 200 characters.
    pub description: String,
}

impl Violation {
    /// A violation of `field`; a long description is cut.
    pub fn new(field: impl Into<String>, description: impl AsRef<str>) -> Self {
        Self {
            field: field.into(),
            description: cut(description.as_ref(), 200),
        }
    }
}

/// Everything that can go wrong in answering a request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the input break rules.
    #[error("{}", summary(.0))]
    Invalid(Vec<Violation>),
    /// There is no such thing.
    #[error("{0} {1:?} is not known")]
    NotFound(Noun, String),
    /// There was such a thing, and retention removed it.
    #[error("{0} {1:?} is no longer kept")]
    NotKept(Noun, String),
    /// The name is taken.
    #[error("{0} {1:?} exists already")]
    AlreadyExists(Noun, String),
    /// Something else still needs it.
    #[error("{noun} {name:?} is in use: {by}")]
    InUse {
        /// What kind of thing.
        noun: Noun,
        /// Its name.
        name: String,
        /// What needs it, in words.
        by: String,
    },
    /// The revision is not the one expected.
    #[error("revision {expected} was expected, but it stands at {actual}: read it again")]
    Stale {
        /// The revision that the caller named.
        expected: i64,
        /// The revision that stands.
        actual: i64,
    },
    /// Another write came between.
    #[error("it was changed meanwhile: try again")]
    Conflict,
    /// The request id was used for another request.
    #[error("request id {0:?} was used before with another request")]
    RequestReused(String),
    /// The position lies ahead of the store.
    #[error("the newest position of this store is {newest}: list again")]
    PositionAhead {
        /// The newest position.
        newest: u64,
    },
    /// What came after the position is no longer kept.
    #[error("changes up to position {trimmed} are no longer kept: list again")]
    PositionGone {
        /// The newest position that is gone.
        trimmed: u64,
    },
    /// A driver's stream broke a rule of the protocol.
    #[error("{0}")]
    Protocol(String),
    /// A newer stream of the same driver instance took over.
    #[error("a newer stream of this instance took over")]
    Replaced,
    /// Nothing was heard in time.
    #[error("{0}")]
    Silent(String),
    /// The peer does not read what it is sent.
    #[error("{0}")]
    TooSlow(String),
    /// There is one backup at a time.
    #[error("a backup is being taken already: wait for its end, or end its reader")]
    BackupRunning,
    /// The server is stopping.
    #[error("the server is stopping: come back in a moment")]
    Stopping,
    /// The disk is nearly full.
    #[error(
        "the disk of the data directory is nearly full: {free} bytes are free, {needed} are needed"
    )]
    DiskLow {
        /// Bytes free now.
        free: u64,
        /// Bytes that must be free.
        needed: u64,
    },
    /// More is to be written than the disk takes.
    #[error("the disk has fallen behind what is to be written: try again in a second")]
    Overloaded,
    /// The server has a bug, and what answered this request panicked. What it was writing is written, or it is not.
    #[error("the server failed in the middle of this request; its log says where")]
    Panicked,
    /// Too much of unfinished requests is in memory.
    #[error("too much of other requests is on its way in: come back in a moment")]
    Crowded,
    /// The store failed, and nothing more is answered OK.
    #[error("the store failed: {0}")]
    Store(Arc<crate::store::Error>),
}

impl Error {
    /// An error of one field.
    pub fn invalid(field: impl Into<String>, description: impl AsRef<str>) -> Self {
        Self::Invalid(vec![Violation::new(field, description)])
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) | Self::Protocol(_) => Kind::Invalid,
            Self::NotFound(..) | Self::NotKept(..) => Kind::NotFound,
            Self::AlreadyExists(..) | Self::RequestReused(_) => Kind::AlreadyExists,
            Self::InUse { .. } | Self::BackupRunning => Kind::FailedPrecondition,
            Self::Stale { .. } | Self::Conflict | Self::Replaced => Kind::Aborted,
            Self::PositionAhead { .. } | Self::PositionGone { .. } => Kind::OutOfRange,
            Self::TooSlow(_) | Self::Overloaded => Kind::Exhausted,
            Self::Stopping | Self::DiskLow { .. } | Self::Crowded => Kind::Unavailable,
            Self::Silent(_) => Kind::Deadline,
            Self::Panicked | Self::Store(_) => Kind::Internal,
        }
    }

    /// A stable word for programs, in the manner of `google.rpc.ErrorInfo.reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "INVALID_FIELDS",
            Self::NotFound(..) => "NOT_FOUND",
            Self::NotKept(..) => "NOT_KEPT",
            Self::AlreadyExists(..) => "ALREADY_EXISTS",
            Self::InUse { .. } => "IN_USE",
            Self::Stale { .. } => "REVISION_MISMATCH",
            Self::Conflict => "CONFLICT",
            Self::RequestReused(_) => "REQUEST_ID_REUSED",
            Self::PositionAhead { .. } => "POSITION_AHEAD",
            Self::PositionGone { .. } => "POSITION_GONE",
            Self::Protocol(_) => "PROTOCOL",
            Self::Replaced => "REPLACED",
            Self::Silent(_) => "SILENT",
            Self::TooSlow(_) => "TOO_SLOW",
            Self::BackupRunning => "BACKUP_RUNNING",
            Self::Stopping => "STOPPING",
            Self::DiskLow { .. } => "DISK_LOW",
            Self::Overloaded => "OVERLOADED",
            Self::Panicked => "PANICKED",
            Self::Crowded => "CROWDED",
            Self::Store(_) => "STORE_FAILED",
        }
    }

    /// The fields that break rules; empty for other errors.
    pub fn violations(&self) -> &[Violation] {
        match self {
            Self::Invalid(violations) => violations,
            Self::NotFound(..)
            | Self::NotKept(..)
            | Self::AlreadyExists(..)
            | Self::InUse { .. }
            | Self::Stale { .. }
            | Self::Conflict
            | Self::RequestReused(_)
            | Self::PositionAhead { .. }
            | Self::PositionGone { .. }
            | Self::Protocol(_)
            | Self::Replaced
            | Self::Silent(_)
            | Self::TooSlow(_)
            | Self::BackupRunning
            | Self::Stopping
            | Self::DiskLow { .. }
            | Self::Overloaded
            | Self::Panicked
            | Self::Crowded
            | Self::Store(_) => &[],
        }
    }
}

impl From<crate::store::Error> for Error {
    fn from(error: crate::store::Error) -> Self {
        match error {
            crate::store::Error::Conflict(_) => Self::Conflict,
            crate::store::Error::Busy => Self::Overloaded,
            crate::store::Error::Closed => Self::Stopping,
            crate::store::Error::Elsewhere => {
                Self::invalid("page_token", "it is not one that this list gave")
            }
            other => Self::Store(Arc::new(other)),
        }
    }
}

/// The result of anything that answers a request.
pub type Result<T> = std::result::Result<T, Error>;

/// At most `most` characters of a text, with a mark where it was cut.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn summary(violations: &[Violation]) -> String {
    match violations {
        [] => "the request is invalid".to_owned(),
        [one] => format!("{}: {}", one.field, one.description),
        [first, rest @ ..] => format!(
            "{}: {} (and {} more)",
            first.field,
            first.description,
            rest.len()
        ),
    }
}
