//! How the server is watched: figures, traces, and what it logs.
//!
//! The only room that knows the libraries for it. The other rooms count with `meter`, record with `trace`, and know
//! nothing of formats or of who collects.

pub mod logs;
pub mod metrics;
pub mod panics;
pub mod traces;
