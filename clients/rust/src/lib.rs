//! The Rust client of Conveyor and a runtime for its drivers.
//!
//! | module | what it owns |
//! |---|---|
//! | `client` | one connection and the typed clients of the services |
//! | `resource`, `tail` | the calls that users need most: create, apply, get, delete; follow a log |
//! | `retry` | new tries of calls that the server had no room for |
//! | `driver` | what a driver says of itself, and its reconcile function |
//! | `manager`, `signals` | runs drivers against a server until they are told to stop, by a signal too |
//! | `task`, `cancel`, `logger`, `outcome` | what a reconcile function is given and gives back |
//! | `backoff` | how long to wait before a new try |
//! | `session` | one driver instance: stream after stream, and the work between them |
//! | `stream` | one stream: hello, welcome, heartbeat, close |
//! | `ledger`, `held`, `lease`, `limits` | the protocol's rules for the tasks in hand, without I/O |
//! | `simulation` | the ledger for simulations, which bring their own network and time; a feature |
//! | `work`, `panics` | carries out one task on the user's runtime |
//! | `lines`, `spill`, `split` | log lines kept until they are on the server's disk |
//!
//! A reader who wants to write a driver starts with [`Driver`] and [`Manager`].

mod backoff;
mod cancel;
mod client;
mod driver;
mod error;
mod held;
mod lease;
mod ledger;
mod limits;
mod lines;
mod logger;
mod manager;
mod outcome;
mod panics;
mod resource;
mod retry;
mod session;
mod signals;
#[cfg(feature = "simulation")]
pub mod simulation;
mod spill;
mod split;
mod stream;
mod tail;
mod task;
mod work;

/// The generated messages and clients of `proto/conveyor/v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
pub mod proto {
    tonic::include_proto!("conveyor.v1");
}

pub use cancel::{CancelReason, CancelSignal, Cancellation};
pub use client::{Client, connect};
pub use driver::Driver;
pub use error::Error;
pub use logger::Logger;
pub use manager::{DEFAULT_SERVER, Manager};
pub use outcome::{IntoOutcome, Outcome};
pub use resource::{Change, Resource};
pub use retry::retried;
pub use tail::{Tail, Tailed};
pub use task::{Task, TaskResource, TaskStep};
pub use tokio_util::sync::CancellationToken;
pub use tonic;

/// Compiles the example of the README with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
