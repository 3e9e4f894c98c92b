//! What is done to a data directory that no server holds: restoring a backup, and looking for damage.
//!
//! The commands in `cli` show it; here is no terminal.

pub mod archive;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
pub mod restore;

pub use crate::store::doctor;
