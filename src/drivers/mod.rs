//! The drivers that ship with Conveyor. They are written against `clients/rust` like anyone's and
//! know nothing that it does not offer.

pub mod command_runner;
