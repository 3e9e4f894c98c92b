//! Bounded clean-up ticks: offers that lapsed, leases and graces that are over, streams that fell silent, room on the
//! disk, and request ids that are old.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::board::{Board, Task};
use super::change::Change;
use crate::error::Error;
use crate::model::name::{Name, TaskId};
use crate::model::run::Event;
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// No write to a driver for so long ends its stream.
const STUCK: Duration = Duration::from_secs(30);
/// How often the disk is looked at.
const DISK_PERIOD: Duration = Duration::from_secs(2);
/// How often it is written down how far all is on disk.
const WITNESS_PERIOD: Duration = Duration::from_secs(10);
/// Most tasks that one tick ends.
const TICK_MOST: usize = 1000;

/// What a tick found about a task.
enum Due {
    Lapsed { muted: bool },
    Lost,
    Deadline,
    GraceOver,
}

impl Engine {
    /// Looks at every open task and stream from time to time.
    pub(super) async fn sweep(self) {
        let options = &self.0.options;
        let shortest = options
            .ack_time
            .min(options.lease_time)
            .min(options.cancel_grace)
            .min(options.refusal_pause);
        let mut ticks = tokio::time::interval(
            (shortest / 10).clamp(Duration::from_millis(5), Duration::from_millis(250)),
        );
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.0.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            self.end_streams();
            let (due, waiting) = self.look();
            if due.is_empty() && waiting.is_empty() {
                continue;
            }
            let Ok(slot) = self.room().await else {
                return;
            };
            let mut change = Change::begin(&self.0);
            for (task, due) in due {
                end_task(&mut change, task, &due);
            }
            waiting.iter().for_each(|driver| change.touch(driver));
            change.commit(slot);
        }
    }

    /// Looks at the disk from time to time: at its room, and at what the store does on it beside the writes.
    pub(super) async fn watch_disk(self) {
        let mut ticks = tokio::time::interval(DISK_PERIOD);
        let mut witness = tokio::time::interval(WITNESS_PERIOD);
        loop {
            tokio::select! {
                biased;
                () = self.0.stop.cancelled() => return,
                _ = ticks.tick() => {
                    self.look_at_disk();
                    if let Err(error) = self.0.store.look_behind().await {
                        tracing::debug!(%error, "the store failed behind the writes");
                    }
                }
                _ = witness.tick() => {
                    if let Err(error) = self.0.store.bear_witness().await {
                        tracing::warn!(%error, "writes that the disk loses from here on may be lost unseen");
                    }
                }
            }
        }
    }

    pub(super) fn look_at_disk(&self) {
        let before = self.0.space.is_enough();
        match self.0.store.free_bytes() {
            Ok(free) => self.0.space.seen(free),
            Err(error) => tracing::warn!(%error, "cannot see how much room the disk has"),
        }
        if before && let Err(error) = self.0.space.check() {
            tracing::warn!(%error, "new work is refused until there is room");
        }
    }

    /// Which tasks have something due, and which drivers have steps that wait.
    fn look(&self) -> (Vec<(TaskId, Due)>, Vec<Name>) {
        let tick = self.0.tick();
        let board = self.0.board();
        let due = board
            .tasks
            .iter()
            .filter_map(|(id, task)| Some((*id, self.due(&board, task, tick)?)));
        let mut due: Vec<(TaskId, Due)> = due.take(TICK_MOST).collect();
        // The oldest first, and so in an order that can be repeated.
        due.sort_unstable_by_key(|(id, _)| *id);
        let patience = self.0.options.heartbeat_period * 2;
        let ready = board.drivers.iter().filter(|(_, entry)| {
            !entry.queue.is_empty() && entry.instances.candidates(tick, patience).any(|_| true)
        });
        (due, ready.map(|(name, _)| name.clone()).collect())
    }

    fn due(&self, board: &Board, task: &Task, tick: Duration) -> Option<Due> {
        if let Some((_, until)) = task.stop {
            return (until <= tick).then_some(Due::GraceOver);
        }
        if !task.accepted {
            let instance = board
                .drivers
                .get(&task.driver)?
                .instances
                .get(task.offer.instance)?;
            let Some(pushed) = task.pushed else {
                return (task.lease_until <= tick).then_some(Due::Lapsed { muted: false });
            };
            let since = pushed.max(instance.last_ack);
            return (since + self.0.options.ack_time <= tick)
                .then_some(Due::Lapsed { muted: true });
        }
        let by = tick;
        #[cfg(test)]
        let by = by + Duration::from_secs(3 * u64::from(planted(Sabotage::StopsTooSoon)));
        if task.deadline.is_some_and(|deadline| deadline <= by) {
            return Some(Due::Deadline);
        }
        #[cfg(test)]
        if planted(Sabotage::WaitsForTheDead) {
            return None;
        }
        (task.lease_until <= tick).then_some(Due::Lost)
    }

    /// Ends streams that were not heard for a lease, or that take nothing.
    fn end_streams(&self) {
        let tick = self.0.tick();
        let lease = self.0.options.lease_time;
        let board = self.0.board();
        let instances = board
            .drivers
            .values()
            .flat_map(|entry| entry.instances.values());
        let mut overdue = Vec::new();
        for instance in instances {
            let Some(session) = &instance.session else {
                continue;
            };
            let stuck = session.outbox.stuck_since(tick);
            if instance.heard + lease <= tick {
                let why = format!("nothing was heard for {lease:?}");
                overdue.push((Arc::clone(session), Error::Silent(why)));
            } else if stuck.is_some_and(|since| since + STUCK <= tick) {
                let why = format!("nothing could be written for {STUCK:?}");
                overdue.push((Arc::clone(session), Error::TooSlow(why)));
            }
        }
        // In an order that can be repeated.
        overdue.sort_unstable_by_key(|(session, _)| session.instance);
        for (session, why) in overdue {
            session.outbox.cut(why);
        }
    }
}

fn end_task(change: &mut Change<'_>, id: TaskId, due: &Due) {
    let lease = change.options().lease_time;
    let Some((run, step)) = change
        .board
        .tasks
        .get(&id)
        .map(|task| (task.run, task.step))
    else {
        return;
    };
    match due {
        Due::Lapsed { muted } => {
            if let Some(mut holder) = change.board.holder(id) {
                holder.muted |= *muted;
            }
            change.apply(
                run,
                Event::Returned {
                    step,
                    lapsed: *muted,
                },
            );
        }
        Due::Lost => change.apply(
            run,
            Event::Lost {
                step,
                reason: format!("its driver was not heard for {lease:?}"),
            },
        ),
        Due::Deadline => change.apply(run, Event::Deadline { step }),
        Due::GraceOver => change.apply(run, Event::GraceOver { step }),
    }
}
