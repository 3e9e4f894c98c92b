//! Black-box tests: a real server process, reached as its users reach it. One binary, since each
//! would link RocksDB again.

#![allow(clippy::unwrap_used)]

mod backup;
mod cli;
mod client;
mod connections;
mod crash;
mod definitions;
mod disk;
mod doctor;
mod driver_stream;
mod grpcurl;
mod languages;
mod layers;
mod lifecycle;
mod logging;
mod logs;
mod metrics;
mod openapi;
mod oracle;
mod peers;
mod pipelines;
mod resources;
mod rest;
mod retention;
mod runner;
mod runs;
mod runtime;
mod security;
mod streams;
mod support;
mod traces;
