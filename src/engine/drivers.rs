//! What can be done with drivers as such: look at them, speak to all of them, forget one.

use std::sync::Arc;

use jiff::Timestamp;

use super::board::Session;
use super::change::Change;
use super::outbox::{Notice, Outgoing};
use super::{Engine, Listed, PageRequest, page_size, page_start};
use crate::error::{Error, Result};
use crate::model::driver::Driver;
use crate::model::name::{InstanceId, Name, Noun, RunId};
use crate::model::pipeline::Labels;
use crate::model::run::{Event, Run};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// A driver as people see it.
#[derive(Clone, Debug)]
pub struct DriverView {
    /// What is stored of it.
    pub driver: Driver,
    /// Its instances that are connected.
    pub instances: Vec<InstanceView>,
    /// Steps that wait for it.
    pub queued: usize,
}

/// A connected instance as people see it.
#[derive(Clone, Debug)]
pub struct InstanceView {
    /// Its id.
    pub id: InstanceId,
    /// How many tasks it takes at once.
    pub slots: usize,
    /// How many it has.
    pub tasks: usize,
    /// What it says of itself.
    pub labels: Labels,
    /// When its stream began.
    pub connected: Timestamp,
    /// Name and version of its SDK.
    pub sdk: String,
    /// Whether it takes no more work.
    pub draining: bool,
}

impl Engine {
    /// Tells every connected driver that the server stops.
    pub fn announce_drain(&self) {
        for session in self.sessions() {
            session.outbox.push(Outgoing::Drain);
        }
    }

    /// Bytes that wait for the driver with the most of them.
    #[cfg(test)]
    pub(crate) fn most_waiting(&self) -> usize {
        let sessions = self.sessions();
        let waiting = sessions.iter().map(|it| it.outbox.waiting_bytes());
        waiting.max().unwrap_or_default()
    }

    /// Sends a message to every connected driver and says to how many.
    pub fn broadcast(&self, notice: &Notice) -> Result<usize> {
        let fields = [
            ("event", &notice.event),
            ("id", &notice.id),
            ("run_id", &notice.run),
        ];
        if let Some((field, _)) = fields.iter().find(|(_, text)| text.len() > 1 << 10) {
            return Err(Error::invalid(*field, "at most 1 KiB"));
        }
        if notice.payload.len() > 64 << 10 {
            return Err(Error::invalid("payload", "at most 64 KiB"));
        }
        let sessions = self.sessions();
        let notice =
            |session: &&Arc<Session>| session.outbox.push(Outgoing::Notice(notice.clone()));
        Ok(sessions.iter().filter(notice).count())
    }

    /// Reads a driver.
    pub fn driver(&self, name: &Name) -> Result<DriverView> {
        let board = self.0.board();
        let view = board.drivers.get(name).and_then(view);
        view.ok_or_else(|| Error::NotFound(Noun::Driver, name.to_string()))
    }

    /// Lists the known drivers in name order.
    pub fn drivers(&self, page: &PageRequest) -> Result<Listed<DriverView>> {
        let (after, most) = (page_start(&page.token)?, page_size(page.size)?);
        let is_name =
            |bytes: &Vec<u8>| str::from_utf8(bytes).is_ok_and(|name| name.parse::<Name>().is_ok());
        if after.as_ref().is_some_and(|after| !is_name(after)) {
            return Err(Error::invalid(
                "page_token",
                "it is not one that this list gave",
            ));
        }
        let board = self.0.board();
        let later = |name: &Name| {
            after
                .as_ref()
                .is_none_or(|after| name.as_str().as_bytes() > after.as_slice())
        };
        let views = board
            .drivers
            .iter()
            .filter(|(name, _)| later(name))
            .filter_map(|(_, entry)| view(entry));
        let mut items: Vec<DriverView> = views.take(most + 1).collect();
        let more = items.len() > most;
        items.truncate(most);
        let token = |view: &DriverView| super::page_token(view.driver.name.as_str().as_bytes());
        let tokens: Vec<String> = items.iter().map(token).collect();
        let next = tokens.last().filter(|_| more).cloned().unwrap_or_default();
        Ok(Listed {
            items,
            tokens,
            next,
        })
    }

    /// Forgets a driver that has no stream and no open task. What waits for it is skipped.
    pub async fn delete_driver(&self, name: &Name) -> Result<()> {
        let slot = self.room_in_line().await?;
        let answer = {
            let mut change = Change::begin(&self.0);
            let entry = change
                .board
                .drivers
                .get_mut(name)
                .filter(|entry| entry.known.is_some());
            let entry = entry.ok_or_else(|| Error::NotFound(Noun::Driver, name.to_string()))?;
            let is_there = !entry.instances.is_empty();
            #[cfg(test)]
            let is_there = is_there && !planted(Sabotage::ForgetsBusyDrivers);
            if is_there {
                let by = "it is connected, or has open tasks".to_owned();
                return Err(Error::InUse {
                    noun: Noun::Driver,
                    name: name.to_string(),
                    by,
                });
            }
            entry.known = None;
            let waits = |run: &Run| run.frontier().any(|step| run.steps[step].driver == *name);
            let waiting = change
                .board
                .runs
                .values()
                .map(|open| &open.run)
                .filter(|run| waits(run));
            let mut waiting: Vec<(u64, RunId)> = waiting.map(|run| (run.order, run.id)).collect();
            waiting.sort_unstable();
            #[cfg(test)]
            if planted(Sabotage::ForgetsWhoWaits) {
                waiting.clear();
            }
            for (_, run) in waiting {
                change.apply(run, Event::DriverDeleted(name.clone()));
            }
            change.batch.delete_driver(name);
            if change
                .board
                .drivers
                .get(name)
                .is_some_and(|entry| entry.queue.is_empty())
            {
                change.board.drivers.remove(name);
            }
            change.commit_answered(slot)
        };
        answer.on_disk().await
    }

    fn sessions(&self) -> Vec<Arc<Session>> {
        let board = self.0.board();
        let instances = board
            .drivers
            .values()
            .flat_map(|entry| entry.instances.values());
        let sessions = instances.filter_map(|instance| instance.session.clone());
        let mut sessions: Vec<Arc<Session>> = sessions.collect();
        // In an order that can be repeated.
        sessions.sort_unstable_by_key(|session| session.instance);
        sessions
    }
}

fn view(entry: &super::board::DriverEntry) -> Option<DriverView> {
    let driver = entry.known.clone()?;
    let mut instances: Vec<InstanceView> = entry
        .instances
        .iter()
        .filter(|(_, instance)| instance.session.is_some())
        .map(|(id, instance)| InstanceView {
            id: *id,
            slots: instance.slots,
            tasks: instance.tasks.len(),
            labels: instance.labels.clone(),
            connected: instance.connected,
            sdk: instance.sdk.clone(),
            draining: instance.draining,
        })
        .collect();
    instances.sort_by_key(|instance| (instance.connected, instance.id));
    Some(DriverView {
        driver,
        instances,
        queued: entry.queue.len(),
    })
}
