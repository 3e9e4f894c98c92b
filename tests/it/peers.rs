//! Peers that misbehave: each gets its answer or its end, memory stays bounded, and the others are served.
//!
//! Other files hold more of them: `connections` those that say nothing, `driver_stream/{acks,leases,lines,extremes}`
//! drivers that break a rule, `streams/slow` and `logs/tails` slow readers of logs.

mod attacks;
mod calls;
mod drivers;
mod figures;
mod neighbours;
mod readers;
