//! The log of a run: every line once and in order, by whichever door.

mod appended;
mod doors;
mod parts;
mod tails;
