//! Resource definitions: the drafts of JSON Schema, what is refused, and what a write changes.

mod bombs;
mod schemas;
mod writes;
