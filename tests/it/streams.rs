//! Logs followed over HTTP by clients that others wrote, and by readers of every pace.

mod curl;
mod node;
mod slow;
