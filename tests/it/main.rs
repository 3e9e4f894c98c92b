//! Black-box tests: a real server process, reached as its users reach it. One binary, since each
//! would link RocksDB again.

#![allow(clippy::unwrap_used)]

mod definitions;
mod driver_stream;
mod pipelines;
mod resources;
mod runner;
mod runs;
mod support;
