//! Picks the command and sets the exit code.

fn main() {}
