//! Names and ids, checked once where they come in.
//!
//! Invariant: a [`Name`] holds only letters, digits and "-", and is 1 to 63 long, so it can stand in a key, a
//! path and a shell word as it is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::{Builder, Uuid};

use crate::error::{Error, Violation, cut};

/// The name of a definition, a resource, a pipeline, a step or a driver.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Longest name, in characters.
    pub const MAX: usize = 63;

    /// Reads a name; the error names `field`.
    pub fn parse(text: &str, field: &str) -> Result<Self, Error> {
        Self::check(text, field).map_err(|violation| Error::Invalid(vec![violation]))
    }

    /// Reads a name, as [`Name::parse`], for callers that gather violations.
    pub fn check(text: &str, field: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::new(field, "a name is needed"));
        }
        let fits =
            text.len() <= Self::MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !fits {
            let text = cut(text, 40);
            return Err(Violation::new(
                field,
                format!("{text:?} is no name: letters, digits and \"-\", 1 to 63 long"),
            ));
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text, "name")
    }
}

/// What kind of thing an error speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// A resource definition.
    Definition,
    /// A resource.
    Resource,
    /// A revision of a resource.
    Revision,
    /// A pipeline.
    Pipeline,
    /// A run.
    Run,
    /// A driver.
    Driver,
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Definition => "resource definition",
            Self::Resource => "resource",
            Self::Revision => "revision",
            Self::Pipeline => "pipeline",
            Self::Run => "run",
            Self::Driver => "driver",
        })
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads an id; the error names `field`.
            pub fn parse(text: &str, field: &str) -> Result<Self, Error> {
                Uuid::parse_str(text).map(Self).map_err(|_| {
                    Error::invalid(field, format!("{:?} is no UUID", cut(text, 40)))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

id! {
    /// A run; UUID version 7, so that runs sort by age.
    RunId
}

impl RunId {
    /// An id of the millisecond after this one's.
    pub fn next(self, random: Uuid) -> Self {
        let (seconds, nanos) = self.0.get_timestamp().map_or((0, 0), |it| it.to_unix());
        let millis = seconds * 1000 + u64::from(nanos / 1_000_000);
        let [.., a, b, c, d, e, f, g, h, i, j] = *random.as_bytes();
        let random = [a, b, c, d, e, f, g, h, i, j];
        Self(Builder::from_unix_timestamp_millis(millis + 1, &random).into_uuid())
    }
}

id! {
    /// One offer of a step; UUID version 7.
    TaskId
}
id! {
    /// One process of a driver; UUID, drawn by the process.
    InstanceId
}
id! {
    /// One life of a resource or pipeline: one made anew under the same name has another.
    ObjectId
}
