//! Named points between a commit and what is sent after it, where a test ends the process or cuts a stream.
//!
//! Without the feature `crash-points` there is nothing here but a constant `false`, and a build without debug
//! assertions refuses the feature, so that no release has it. With it, the variable `CRASH_AT` says what happens:
//! `before:offer:cut:2,after:answer:kill:1` cuts the stream in place of the second offer, before its commit, and from
//! then on ends the process, as `kill -9` does, when a write is on disk and about to be answered for the first time.

/// What is sent when a commit is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The answer to a hello.
    Welcome,
    /// An offered task.
    Offer,
    /// A task is to stop.
    Cancel,
    /// Lines are on disk.
    LogAck,
    /// A result is on disk.
    ResultAck,
    /// The answer of a write.
    Answer,
}

/// On which side of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The batch is made and not handed over.
    Before,
    /// The batch is on disk and nobody was told.
    After,
}

/// Passes a point. True: the stream is to be cut here.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub const fn reached(_: Moment, _: Point) -> bool {
    false
}

#[cfg(feature = "crash-points")]
pub use armed::reached;

#[cfg(all(feature = "crash-points", not(debug_assertions)))]
compile_error!("crash points are for tests: no release has them");

#[cfg(feature = "crash-points")]
mod armed {
    use std::collections::VecDeque;
    use std::sync::{LazyLock, Mutex, PoisonError};

    use rustix::process::{Signal, getpid, kill_process};

    use super::{Moment, Point};

    /// What happens at a point, once.
    struct Order {
        place: String,
        kills: bool,
        /// At which pass from now.
        pass: u64,
    }

    /// What is still to happen, one after the other.
    static ORDERS: LazyLock<Mutex<VecDeque<Order>>> = LazyLock::new(|| {
        let text = std::env::var("CRASH_AT").unwrap_or_default();
        let orders = text.split(',').filter(|it| !it.is_empty()).map(order);
        Mutex::new(orders.collect())
    });

    fn order(text: &str) -> Order {
        let parts: Vec<&str> = text.split(':').collect();
        let [moment, point, action @ ("kill" | "cut"), pass] = parts[..] else {
            panic!("CRASH_AT: moment:point:kill or cut:number is wanted, not {text}");
        };
        Order {
            place: format!("{moment}:{point}"),
            kills: action == "kill",
            pass: pass.parse().expect("each order ends with a number"),
        }
    }

    /// Passes a point. True: the stream is to be cut here.
    pub fn reached(moment: Moment, point: Point) -> bool {
        let mut orders = ORDERS.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = orders.front_mut() else {
            return false;
        };
        if next.place != format!("{moment:?}:{point:?}").to_lowercase() {
            return false;
        }
        next.pass -= 1;
        if next.pass > 0 {
            return false;
        }
        let kills = next.kills;
        eprintln!("crash point {}", next.place);
        orders.pop_front();
        if kills {
            // The process does not outlive its own SIGKILL; should it be refused, the test sees a server that lives on.
            let _ = kill_process(getpid(), Signal::KILL);
        }
        !kills
    }
}
