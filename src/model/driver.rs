//! A driver: what it listens to and which events it takes.

use jiff::Timestamp;

use super::name::Name;
use super::run::Cause;

/// Fewest and most tasks that one instance takes at once.
pub const SLOTS: std::ops::RangeInclusive<i32> = 1..=1000;

/// A driver, known from its first hello on, also while it is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// Its name.
    pub name: Name,
    /// The definitions it listens to, sorted.
    pub definitions: Vec<Name>,
    /// The events it listens to, sorted.
    pub events: Vec<EventFilter>,
    /// When its first hello came.
    pub created: Timestamp,
}

impl Driver {
    /// Whether an event of a resource without a pipeline is for this driver.
    pub fn listens_to(&self, definition: &Name, cause: Cause) -> bool {
        self.definitions.contains(definition) && self.takes(cause)
    }

    /// Whether it takes a cause at all. A delete goes only to drivers that name it: others would build again
    /// what is being removed.
    pub fn takes(&self, cause: Cause) -> bool {
        self.events.iter().any(|filter| match filter {
            EventFilter::Any => cause != Cause::Delete,
            EventFilter::Only(only) => *only == cause,
            EventFilter::Process => false,
        })
    }
}

/// One event that a driver listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventFilter {
    /// `*`: create, update and process, not delete.
    Any,
    /// One cause.
    Only(Cause),
    /// `process`: later steps of a pipeline; these come by the driver's name alone.
    Process,
}

impl EventFilter {
    /// Reads a word; `None` for an unknown one.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "*" => Some(Self::Any),
            "process" => Some(Self::Process),
            word => Cause::parse(word).map(Self::Only),
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "*",
            Self::Process => "process",
            Self::Only(cause) => cause.as_str(),
        }
    }
}
