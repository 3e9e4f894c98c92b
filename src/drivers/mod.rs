//! The drivers that ship with Conveyor. They are written against `clients/rust` like anyone's and
//! know nothing that it does not offer.

pub mod command_runner;

use std::convert::Infallible;

/// Where a driver, or a command, looks for its server unless it is told.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// The address of a server as it was given. Empty counts as not given: compose files pass variables on.
pub fn server_address(text: &str) -> Result<String, Infallible> {
    let text = if text.is_empty() {
        DEFAULT_SERVER
    } else {
        text
    };
    Ok(text.to_owned())
}
