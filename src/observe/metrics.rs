//! All figures under the names that people know them by.
//!
//! One function for each room says which of its figures has which name; `page` writes them down. docs/metrics.md lists
//! them, and a test holds it to what is served here.

mod disk;
mod doors;
mod page;
mod process;
mod work;

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use self::page::Page;
use crate::api::figures::Figures;
use crate::api::{Exposition, ExpositionFormat};
use crate::engine::Engine;
use crate::meter::Counter;
use crate::store::Store;

/// Collects the figures of all rooms.
#[derive(Debug)]
pub struct Metrics(Registry);

impl Metrics {
    /// Collects from these.
    pub fn new(doors: Arc<Figures>, engine: Engine, store: Store, panics: Arc<Counter>) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Rooms {
            doors,
            engine,
            store,
            panics,
        }));
        Self(registry)
    }
}

impl Exposition for Metrics {
    fn write(&self, format: ExpositionFormat) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.0).expect("a string takes any text");
        match format {
            ExpositionFormat::OpenMetrics => text,
            ExpositionFormat::Prometheus => as_prometheus(&text),
        }
    }
}

/// The rooms that are collected from.
struct Rooms {
    doors: Arc<Figures>,
    engine: Engine,
    store: Store,
    panics: Arc<Counter>,
}

impl Collector for Rooms {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let page = &mut Page::new(encoder);
        doors::write(&self.doors, page)?;
        work::write(&self.engine, page)?;
        disk::write(&self.store, self.engine.free_bytes(), page)?;
        process::write(self.panics.get(), page)
    }
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rooms").finish_non_exhaustive()
    }
}

/// OpenMetrics as Prometheus text 0.0.4, which names a counter with its `_total` in every line and has neither units
/// nor an end.
fn as_prometheus(open: &str) -> String {
    let counters: Vec<&str> = open
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::with_capacity(open.len());
    for line in open.lines() {
        let described = line
            .strip_prefix("# HELP ")
            .or_else(|| line.strip_prefix("# TYPE "));
        match described.and_then(|rest| rest.split_once(' ')) {
            Some((name, rest)) if counters.contains(&name) => {
                text += &format!("{}{name}_total {rest}\n", &line[..7]);
            }
            None if line.starts_with("# ") => {}
            Some(_) | None => {
                text += line;
                text.push('\n');
            }
        }
    }
    text
}
