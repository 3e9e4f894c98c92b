//! Who gets what waits: the oldest step first, to an instance with a free slot and the step's labels.
//!
//! Invariant: an instance never has more open tasks than slots.

use super::board::{Instance, Task};
use super::change::Change;
use super::outbox::Outgoing;
use crate::model::name::{InstanceId, Name, RunId, TaskId};
use crate::model::run::Event;

impl Change<'_> {
    /// Offers what waits to who is free, for each driver that this change touched.
    pub(super) fn dispatch(&mut self) {
        while let Some(driver) = self.drivers.pop_first() {
            for (run, step, instance) in self.matches(&driver) {
                self.offer(run, step, &driver, instance);
            }
        }
    }

    /// Which waiting steps of a driver go to which instances, the oldest step first.
    fn matches(&mut self, driver: &Name) -> Vec<(RunId, usize, InstanceId)> {
        let (now, patience) = (self.tick, self.options().heartbeat_period * 2);
        let mut found = Vec::new();
        if !self.inner.space.is_enough() {
            return found;
        }
        let Some(entry) = self.board.drivers.get(driver) else {
            return found;
        };
        if entry.queue.is_empty() {
            return found;
        }
        let mut free = entry.instances.candidates(now, patience);
        let mut waiting = entry.queue.walk();
        while let Some((labels, (_, step), run)) =
            waiting.next(|labels| free.any(|it| it.carries(labels)))
        {
            let suits = |it: &Instance| it.carries(labels) && !it.has_refused((run, step), now);
            if let Some(instance) = free.take(suits) {
                found.push((run, step, instance));
            }
        }
        found
    }

    /// Offers a step to an instance. The caller has seen that it suits.
    fn offer(&mut self, id: RunId, step: usize, driver: &Name, instance: InstanceId) {
        let task = TaskId(self.inner.world.ordered_id());
        self.apply(
            id,
            Event::Offered {
                step,
                task,
                instance,
            },
        );
        let Some(offer) = self
            .board
            .runs
            .get(&id)
            .and_then(|open| open.run.steps[step].open_task())
        else {
            return;
        };
        let lease_until = self.tick + self.options().lease_time;
        let open = Task {
            run: id,
            step,
            offer,
            driver: driver.clone(),
            accepted: false,
            offered: self.now,
            pushed: None,
            lease_until,
            stop: None,
            deadline: None,
            next_line: 0,
        };
        self.board.tasks.insert(task, open);
        let session = self.board.holder(task).and_then(|mut holder| {
            holder.tasks.insert(task);
            holder.session.clone()
        });
        if let Some(session) = session {
            self.send(
                &session,
                Outgoing::Offer {
                    run: id,
                    step,
                    offer,
                },
            );
        }
    }
}
