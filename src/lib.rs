//! Conveyor: a headless control plane for people who build CI/CD platforms.
//!
//! | room | what is in it |
//! |---|---|
//! | [`model`] | what things are: pure and synchronous |
//! | [`store`] | where things are kept: the only importer of RocksDB |
//! | [`engine`] | what happens: one method per use case |
//! | [`api`] | how it is reached: gRPC, REST, SSE and websocket |
//! | [`cli`] | how a person drives it: a gRPC client |
//! | [`drivers`] | drivers that ship with it, written against `clients/rust` like anyone's |
//! | [`meter`] | figures that the rooms keep of themselves: counters, gauges, histograms |
//! | [`trace`] | which trace a piece of work belongs to |
//! | [`observe`] | how it is watched: shows those figures, sends those traces, logs |
//! | [`crash`] | where a test ends the process or cuts a stream; nothing in a release |
//! | [`offline`] | what is done to a data directory that no server holds: restore, and the form of backups |
//! | `fuzz` | decoders as functions of bytes, for fuzzing and for property tests: not in the program that is shipped |
//! | `aside` | where work goes that may hold up a thread |
//! | [`server`] | wiring: sees all of the above |
//!
//! Arrows run api -> engine -> store -> model. A test holds them to it.

pub mod api;
mod aside;
pub mod cli;
pub mod config;
pub mod crash;
pub mod drivers;
pub mod engine;
pub mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod meter;
pub mod model;
pub mod observe;
pub mod offline;
pub mod proto;
#[cfg(test)]
mod sabotage;
pub mod server;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod simulation;
pub mod store;
pub mod trace;
