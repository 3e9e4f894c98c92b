//! One watch of all resources, from before the first write on: every revision of each, once and in order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conveyor_client::proto::WatchResourcesRequest;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::{CancellationToken, Client};
use tokio::time::{Instant, sleep};

use crate::Result;
use crate::book::{Book, count};
use crate::request::{answered, may_pass};

/// How long it may be behind when all is quiet.
const PATIENCE: Duration = Duration::from_secs(30);

/// Type and name of a resource to its last revision; none when it is deleted.
type Resources = BTreeMap<(String, String), Option<i64>>;

/// A watch.
#[derive(Clone)]
pub(crate) struct Watcher {
    client: Client,
    book: Arc<Book>,
    seen: Arc<Mutex<Resources>>,
}

impl Watcher {
    /// A watch that has seen nothing yet.
    pub(crate) fn new(client: Client, book: Arc<Book>) -> Self {
        Self {
            client,
            book,
            seen: Arc::default(),
        }
    }

    /// Watches until told to stop.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        tokio::select! {
            watched = self.go_on() => {
                if let Err(error) = watched {
                    self.book.fault(error.to_string());
                }
            }
            () = stop.cancelled() => {}
        }
    }

    async fn go_on(&self) -> Result<()> {
        let mut request = WatchResourcesRequest::default();
        let mut resources = self.client.resources();
        loop {
            let mut stream = answered("watch resources", async || {
                resources.watch_resources(request.clone()).await
            })
            .await?;
            loop {
                let told = match stream.message().await {
                    Ok(Some(told)) => told,
                    Ok(None) => break,
                    Err(status) if may_pass(&status) => break,
                    Err(status) => return Err(format!("watch of resources: {status}").into()),
                };
                if let Some(seen) = told.seen {
                    self.take(seen);
                }
                // It began on an empty store: there is nothing that stands before the first position.
                if told.position > 0 {
                    if request.after_position.is_some_and(|it| it > told.position) {
                        let before = request.after_position;
                        self.book
                            .fault(format!("watch: {} after {before:?}", told.position));
                    }
                    request.after_position = Some(told.position);
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn take(&self, seen: Seen) {
        let (resource, is_there) = match seen {
            Seen::Resource(resource) => (resource, true),
            Seen::Deleted(resource) => (resource, false),
            Seen::Bookmark(_) => return,
        };
        count(&self.book.counts.changes);
        let key = (resource.resource, resource.name);
        let revision = is_there.then_some(resource.revision);
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.insert(key.clone(), revision);
        let follows = match (before, is_there) {
            (None, true) => resource.revision == 1,
            (Some(Some(before)), true) => resource.revision == before + 1,
            // Names are not used again, and a delete shows the resource as it last was.
            (Some(Some(before)), false) => resource.revision == before,
            (None, false) | (Some(None), _) => false,
        };
        if !follows {
            let now = (resource.revision, is_there);
            self.book
                .fault(format!("watch: {key:?}: {now:?} after {before:?}"));
        }
    }

    /// Waits until it has seen what was written, and says where it has not.
    pub(crate) async fn compare(&self) {
        let wanted = self.book.resources().clone();
        let since = Instant::now();
        loop {
            let seen = self
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            if seen == wanted {
                return;
            }
            if since.elapsed() > PATIENCE {
                let missed = wanted.iter().filter(|(key, it)| seen.get(key) != Some(it));
                let more = seen.keys().filter(|key| !wanted.contains_key(key));
                self.book.fault(format!(
                    "watch: {} changes were not seen, {} of others were",
                    missed.count(),
                    more.count()
                ));
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}
