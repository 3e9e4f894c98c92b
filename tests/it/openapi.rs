//! The API document: what is served is in it, what is in it is served, and the page that shows it.

mod document;
mod page;
mod property;
mod python;
