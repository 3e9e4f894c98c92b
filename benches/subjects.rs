//! What can be measured: the list of all subjects, in the order of the table.
//!
//! A new subject is a module with a `measure` and one line here.

use std::pin::Pin;
use std::time::Duration;

use super::table::Table;
use super::{Bench, Result};

use Kind::{Floors, Long, Short};

/// When a subject is measured, if nobody names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The machine alone, so it stands in every table.
    Floors,
    /// In `make bench`, which has 10 minutes for all of them.
    Short,
    /// In `make bench-full`.
    Long,
}

/// One part of the table.
pub(crate) struct Subject {
    /// The name of its module.
    pub(crate) name: &'static str,
    /// When it is measured.
    pub(crate) kind: Kind,
    measure: Measure,
}

type Measure =
    for<'a> fn(&'a Bench, &'a mut Table) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

macro_rules! subject {
    ($kind:ident, $name:ident) => {
        Subject {
            name: stringify!($name),
            kind: $kind,
            measure: |bench, table| Box::pin(super::$name::measure(bench, table)),
        }
    };
}

static ALL: &[Subject] = &[
    subject!(Floors, floors),
    subject!(Short, dispatch),
    subject!(Short, cycles),
    subject!(Short, log_lines),
    subject!(Short, languages),
    subject!(Short, reads),
    subject!(Short, tails),
    subject!(Short, hot_run),
    subject!(Short, replay),
    subject!(Short, log_reads),
    subject!(Short, lists),
    subject!(Short, footprint),
    subject!(Short, fleet),
    subject!(Short, restarts),
    subject!(Long, grown),
    subject!(Long, soak),
    subject!(Long, kept),
    subject!(Long, looks),
];

/// The subjects named, or those of the kinds where none is named.
pub(crate) fn pick(names: &[String], kinds: &[Kind]) -> Result<Vec<&'static Subject>> {
    let known = |name: &&String| ALL.iter().any(|it| it.name == **name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = ALL.iter().map(|it| it.name).collect();
        return Err(format!(
            "no subject is called {unknown}: there are {}",
            all.join(", ")
        )
        .into());
    }
    let named = |it: &&Subject| match names {
        [] => kinds.contains(&it.kind),
        _ => names.iter().any(|name| name == it.name),
    };
    Ok(ALL.iter().filter(named).collect())
}

impl Subject {
    /// Measures it. A server that hangs ends the run.
    pub(crate) async fn measure(&self, bench: &Bench, table: &mut Table) -> Result<()> {
        let limit = match self.kind {
            Floors | Short => Duration::from_secs(300),
            Long => Duration::from_secs(3600),
        };
        tokio::time::timeout(limit, (self.measure)(bench, table))
            .await
            .map_err(|_| format!("{} took longer than {limit:?}", self.name))?
    }
}
