//! The drivers that ship with Conveyor. They are written against `clients/rust` like anyone's and
//! know nothing that it does not offer.

pub mod command_runner;

use std::convert::Infallible;

pub use conveyor_client::DEFAULT_SERVER;

/// The address of a server as it was given. Empty counts as not given: compose files pass variables on.
pub fn server_address(text: &str) -> Result<String, Infallible> {
    let text = if text.is_empty() {
        DEFAULT_SERVER
    } else {
        text
    };
    Ok(text.to_owned())
}
