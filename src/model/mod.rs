//! What things are: pure and synchronous. No tokio, tonic, axum or rocksdb.

pub mod driver;
pub mod json;
pub mod log;
pub mod name;
pub mod pipeline;
pub mod resource;
pub mod retention;
pub mod run;
pub mod schema;
mod schema_cost;
