//! The gRPC services: one file per service, each method converts, calls the engine once, converts back.

mod drivers;
mod logs;
mod pipelines;
mod resources;
mod runs;
mod server;

use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use crate::api::convert::JsonForm;
use crate::aside::joined;
use crate::engine::{Engine, Listed, PageRequest};
use crate::error::{Error, Result};
use crate::model::name::Name;
use crate::trace;

/// Most bytes of one page.
const PAGE_BYTES: usize = 3 << 20;

/// A stream of answers.
type Answers<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;

/// All services on one engine: a cheap clone.
#[derive(Clone)]
pub struct Api {
    engine: Engine,
    hello_time: Duration,
    stop: CancellationToken,
    tracker: TaskTracker,
    json: JsonForm,
}

impl Api {
    /// The services of an engine. `hello_time` is how long a driver may take to say hello; streams end on `stop`,
    /// and the tasks that read them are `tracker`'s.
    pub fn new(
        engine: Engine,
        hello_time: Duration,
        stop: CancellationToken,
        tracker: TaskTracker,
    ) -> Self {
        Self {
            engine,
            hello_time,
            stop,
            tracker,
            json: JsonForm::Both,
        }
    }

    /// The same services for a caller who shows the text of the user's JSON.
    #[must_use]
    pub fn text_only(self) -> Self {
        Self {
            json: JsonForm::Text,
            ..self
        }
    }
}

impl Api {
    /// Does a write to its end, though whoever asked for it goes away meanwhile: it holds its locks until it is on
    /// disk. One that let go of them sooner would have the next write rest on what the store does not show yet.
    async fn to_the_end<T, F>(&self, write: impl FnOnce(Engine) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let write = trace::within(trace::place(), write(self.engine.clone()));
        #[cfg(test)]
        if crate::sabotage::planted(crate::sabotage::Sabotage::LetsGoOfLocks) {
            return write.await;
        }
        joined(self.tracker.spawn(write))
            .await
            .ok_or(Error::Stopping)?
    }
}

fn page(size: i32, token: String) -> PageRequest {
    PageRequest { size, token }
}

/// The items of a page on the wire, and the token for the next page. A page ends at [`PAGE_BYTES`], short of its
/// size if need be, so that clients of any language can take it.
fn page_of<T, M: Message>(listed: Listed<T>, convert: impl Fn(T) -> M) -> (Vec<M>, String) {
    let (mut items, mut bytes, mut next) = (Vec::new(), 0, listed.next);
    let mut last = String::new();
    for (item, token) in listed.items.into_iter().zip(listed.tokens) {
        let item = convert(item);
        bytes += item.encoded_len();
        if bytes > PAGE_BYTES && !items.is_empty() {
            next = last;
            break;
        }
        items.push(item);
        last = token;
    }
    (items, next)
}

/// A name that may be left out.
fn some_name(text: &str, field: &str) -> Result<Option<Name>> {
    if text.is_empty() {
        Ok(None)
    } else {
        Name::parse(text, field).map(Some)
    }
}
