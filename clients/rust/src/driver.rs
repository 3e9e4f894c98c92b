//! What a driver says of itself, and the function that does its work.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::lines::Room;
use crate::outcome::{IntoOutcome, Outcome};
use crate::proto;
use crate::task::Task;

pub(crate) type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Reconcile = Arc<dyn Fn(Task) -> Work + Send + Sync>;
type OnMessage = Arc<dyn Fn(proto::Message) + Send + Sync>;

/// A driver: its name, what it listens to, and its reconcile function.
///
/// ```
/// use conveyor_client::{Driver, Outcome, Task};
///
/// let greeter = Driver::new("greeter", |task: Task| async move {
///     task.log.info(format!("hello, {}", task.resource.name)).await;
///     Outcome::success("greeted")
/// })
/// .definitions(["person"])
/// .slots(4);
/// ```
#[derive(Clone)]
pub struct Driver {
    pub(crate) name: String,
    pub(crate) definitions: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) slots: u32,
    pub(crate) labels: HashMap<String, String>,
    pub(crate) stop_at_lease_end: bool,
    pub(crate) log_room: Room,
    pub(crate) reconcile: Reconcile,
    pub(crate) on_message: Option<OnMessage>,
}

impl Driver {
    /// A driver with one slot that listens to no definition yet: it gets the steps of pipelines
    /// that name it. Its name is letters, digits and "-", 1 to 63 long.
    ///
    /// `reconcile` is called once for each accepted task, on the runtime that runs the
    /// [`Manager`](crate::Manager). It returns an [`Outcome`] or a `Result<Outcome, E>`; an error
    /// or a panic becomes a failed result.
    pub fn new<F, Fut>(name: impl Into<String>, reconcile: F) -> Self
    where
        F: Fn(Task) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoOutcome> + Send + 'static,
    {
        let reconcile = move |task| -> Work {
            let work = reconcile(task);
            Box::pin(async move { work.await.into_outcome() })
        };
        Self {
            name: name.into(),
            definitions: Vec::new(),
            events: vec!["*".to_owned()],
            slots: 1,
            labels: HashMap::new(),
            stop_at_lease_end: false,
            log_room: Room::default(),
            reconcile: Arc::new(reconcile),
            on_message: None,
        }
    }

    /// The definitions whose resources without a pipeline it wants to hear of.
    #[must_use]
    pub fn definitions<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.definitions = names.into_iter().map(Into::into).collect();
        self
    }

    /// The events it listens to: `create`, `update`, `delete`, or `*` (the default) for all but
    /// `delete`.
    #[must_use]
    pub fn events<T: Into<String>>(mut self, events: impl IntoIterator<Item = T>) -> Self {
        self.events = events.into_iter().map(Into::into).collect();
        self
    }

    /// How many tasks it takes at once: 1 to 1,000.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// Adds a label. Steps may ask for an instance with certain labels; at most 32.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Whether work stops when the server has not been heard for a whole lease, so that no other
    /// instance works on the same step meanwhile. Off by default: a driver that is cut off works on,
    /// and its result counts if nobody else has taken the step.
    #[must_use]
    pub fn stop_at_lease_end(mut self, stop: bool) -> Self {
        self.stop_at_lease_end = stop;
        self
    }

    /// How many bytes of a task's lines wait in memory until the server has them: 8 MiB by default.
    /// What goes beyond waits in a file.
    #[must_use]
    pub fn log_memory(mut self, bytes: usize) -> Self {
        self.log_room.memory = bytes;
        self
    }

    /// How many bytes of a task's lines wait in its file, in the system's folder for such files: 256
    /// MiB by default, and none with 0. The file lives as long as the process. When it is full, a log
    /// call waits.
    #[must_use]
    pub fn log_spill(mut self, bytes: u64) -> Self {
        self.log_room.spill = bytes;
        self
    }

    /// What to do with a message broadcast to all drivers. It is called on the thread that speaks
    /// with the server, so it must return at once.
    #[must_use]
    pub fn on_message(mut self, f: impl Fn(proto::Message) + Send + Sync + 'static) -> Self {
        self.on_message = Some(Arc::new(f));
        self
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("name", &self.name)
            .field("definitions", &self.definitions)
            .field("events", &self.events)
            .field("slots", &self.slots)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}
