//! The stream of a driver, sentence by sentence, each arm misused.

mod acks;
mod cancels;
mod drain;
mod extremes;
mod hello;
mod leases;
mod lines;
mod offers;
mod results;
mod resume;
mod unknown;
