//! Resource definitions: the drafts of JSON Schema, what is refused, and what a write changes.

mod schemas;
mod writes;
