//! How the server is watched: figures, and what it logs.
//!
//! The only room that knows the libraries for it. The other rooms count with `meter` and know nothing of names or
//! formats; what they counted is collected here when somebody asks.

pub mod metrics;
