//! Drivers, printed.

use std::collections::BTreeMap;

use comfy_table::Cell;
use conveyor_client::proto::{Driver, DriverInstance};
use jiff::Timestamp;
use serde::Serialize;

use super::{Shown, rfc3339, time};

/// A driver with its instances.
#[derive(Serialize)]
struct DriverDocument<'a> {
    kind: &'static str,
    name: &'a str,
    definitions: &'a [String],
    events: &'a [String],
    instances: Vec<InstanceDocument<'a>>,
    queued: i64,
    create_time: Option<String>,
}

#[derive(Serialize)]
struct InstanceDocument<'a> {
    id: &'a str,
    slots: i32,
    tasks: i32,
    labels: BTreeMap<&'a str, &'a str>,
    sdk: &'a str,
    draining: bool,
    connect_time: Option<String>,
}

impl Shown for Driver {
    const COLUMNS: &'static [&'static str] = &[
        "NAME",
        "DEFINITIONS",
        "EVENTS",
        "INSTANCES",
        "TASKS",
        "QUEUED",
        "AGE",
    ];

    fn row(&self, now: Timestamp) -> Vec<Cell> {
        let tasks: i32 = self.instances.iter().map(|instance| instance.tasks).sum();
        let slots: i32 = self.instances.iter().map(|instance| instance.slots).sum();
        vec![
            Cell::new(&self.name),
            Cell::new(self.definitions.join(",")),
            Cell::new(self.events.join(",")),
            Cell::new(self.instances.len()),
            Cell::new(format!("{tasks}/{slots}")),
            Cell::new(self.queued),
            Cell::new(time::age(self.create_time.as_ref(), now)),
        ]
    }

    fn document(&self) -> impl Serialize + '_ {
        DriverDocument {
            kind: "Driver",
            name: &self.name,
            definitions: &self.definitions,
            events: &self.events,
            instances: self.instances.iter().map(InstanceDocument::from).collect(),
            queued: self.queued,
            create_time: rfc3339(self.create_time.as_ref()),
        }
    }
}

impl<'a> From<&'a DriverInstance> for InstanceDocument<'a> {
    fn from(instance: &'a DriverInstance) -> Self {
        InstanceDocument {
            id: &instance.id,
            slots: instance.slots,
            tasks: instance.tasks,
            labels: super::sorted(&instance.labels),
            sdk: &instance.sdk,
            draining: instance.draining,
            connect_time: rfc3339(instance.connect_time.as_ref()),
        }
    }
}
