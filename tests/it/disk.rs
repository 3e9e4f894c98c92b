//! What is answered OK is on disk: traced, with a disk that fails, with one that is full, and with one that lies.

mod behind;
mod filled;
mod flipped;
mod full;
mod overload;
mod read_only;
mod synced;
mod torn;
