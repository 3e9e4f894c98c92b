//! Resources as they are shown: with what drivers last said about them.

use super::Engine;
use crate::aside::{aside, joined};
use crate::error::{Error, Result};
use crate::model::resource::{DriverResult, Resource};

/// Most bytes of driver results that a resource is shown with.
const SHOWN_BYTES: usize = 1 << 20;

/// A resource with what drivers last said about it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The resource.
    pub resource: Resource,
    /// The newest result of each driver. Empty for old revisions.
    pub results: Vec<DriverResult>,
}

impl Shown {
    /// The newest results first, as much of them as may be shown.
    pub(super) fn new(resource: Resource, mut results: Vec<DriverResult>) -> Self {
        results.sort_by_key(|result| std::cmp::Reverse(result.time));
        let mut bytes = 0;
        results.retain(|result| {
            bytes +=
                result.message.len() + result.data.as_ref().map_or(0, |data| data.as_str().len());
            bytes <= SHOWN_BYTES
        });
        Self { resource, results }
    }
}

impl Engine {
    /// A resource with what drivers last said.
    pub(super) async fn shown(&self, resource: Resource) -> Result<Shown> {
        let results = self.0.store.driver_results(&[&resource])?.pop();
        Ok(Shown::new(resource, results.unwrap_or_default()))
    }

    /// Resources in order of type and name, with what drivers last said about each.
    pub(super) async fn shown_page(&self, resources: Vec<Resource>) -> Result<Vec<Shown>> {
        let store = self.0.store.clone();
        let page = aside(move || {
            let results = store.driver_results(&resources.iter().collect::<Vec<_>>())?;
            let page = resources.into_iter().zip(results);
            Ok(page.map(|(it, results)| Shown::new(it, results)).collect())
        });
        joined(page).await.ok_or(Error::Stopping)?
    }
}
