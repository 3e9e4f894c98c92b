//! The log of a run: every line once and in order, by whichever door.

mod appended;
mod cost;
mod doors;
mod tails;
