//! What is answered OK is on disk: traced, with a disk that fails, with one that is full, and with one that lies.

mod full;
mod overload;
mod synced;
mod torn;
