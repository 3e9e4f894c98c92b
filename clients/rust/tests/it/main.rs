//! The runtime of drivers against a scripted server: every rule of the protocol that binds a driver.

#![allow(clippy::unwrap_used)]

mod drain;
mod logs;
mod script;
mod streams;
mod support;
mod tasks;
