//! Crashes: of the server at random points, and of a driver in the middle of a step.

mod driver;
mod server;
