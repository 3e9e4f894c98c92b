//! Definitions, pipelines and resources as documents: read from files, written as YAML. What is done with them is the
//! business of the commands.

mod document;
mod fields;
pub(super) mod input;
pub(super) mod yaml;

pub(super) use document::Document;
pub(super) use input::InputError;
pub(super) use input::{Found, read, single};
