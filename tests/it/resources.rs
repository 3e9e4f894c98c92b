//! Resources: what their specs may hold, what a write changes, and how they are followed.

mod lists;
mod requests;
mod specs;
mod watch;
mod writes;
