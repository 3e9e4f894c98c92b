//! Drivers, printed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use comfy_table::Cell;
use conveyor_client::proto::{Driver, DriverInstance};
use jiff::Timestamp;
use serde::Serialize;

use super::{Rows, Shown, on_terminal, rfc3339, table, time};

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
    const WIDE: &'static [&'static str] = &["SDK", "LABELS"];

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

    fn wide(&self) -> Vec<Cell> {
        let sdks: BTreeSet<_> = self.instances.iter().map(|it| it.sdk.as_str()).collect();
        let labels = self.instances.iter().map(|it| pairs(&it.labels));
        let labels: BTreeSet<_> = labels.filter(|it| !it.is_empty()).collect();
        vec![
            table::text(&Vec::from_iter(sdks).join(", ")),
            table::text(&Vec::from_iter(labels).join(" or ")),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
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

/// The instances of a driver as a table.
pub(in crate::cli) fn instances(driver: &Driver) -> String {
    let now = Timestamp::now();
    let row = |it: &DriverInstance| {
        vec![
            Cell::new(&it.id),
            Cell::new(format!("{}/{}", it.tasks, it.slots)),
            Cell::new(if it.draining { "draining" } else { "" }),
            table::text(&it.sdk),
            table::text(&pairs(&it.labels)),
            Cell::new(time::age(it.connect_time.as_ref(), now)),
        ]
    };
    let columns = vec!["INSTANCE", "TASKS", "STATE", "SDK", "LABELS", "CONNECTED"];
    Rows::new(columns).render(driver.instances.iter().map(row).collect(), on_terminal())
}

/// Pairs in one word.
pub(in crate::cli) fn pairs(pairs: &HashMap<String, String>) -> String {
    let pairs = super::sorted(pairs);
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
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
