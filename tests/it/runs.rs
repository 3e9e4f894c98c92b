//! Who gets an event, in what order, and how runs are shown and steered.

mod deletes;
mod lists;
mod order;
mod parallel;
mod pipelines;
mod results;
mod start;
mod watch;
