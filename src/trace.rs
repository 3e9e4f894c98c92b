//! Which trace a piece of work belongs to, and what is recorded of it.
//!
//! A request has a place in a trace: its caller's, or a new one. What happens in the request's task is recorded there
//! (`enter`); a run keeps its place in the store, so that its trace goes on days and restarts later. A span is recorded
//! whole, when it is over, so that nothing has to be kept open for it. Where traces go is the business of `observe`.

mod context;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::SystemTime;

pub use self::context::TraceContext;

tokio::task_local! {
    /// Where the request that this task answers stands.
    static PLACE: RefCell<Option<TraceContext>>;
}

/// Something that happened, over.
#[derive(Clone, Debug)]
pub struct Span {
    /// What it was, in a few fixed words.
    pub name: String,
    /// What part it played between processes.
    pub role: Role,
    /// Its own place: the trace and the span.
    pub place: TraceContext,
    /// The span around it, 0 for none, and whether that is another process's.
    pub parent: (u64, bool),
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// What is to be known of it.
    pub facts: Vec<(&'static str, Fact)>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// What part a span played between processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It answered a request.
    Server,
    /// It gave work to another process.
    Producer,
    /// It went on inside.
    Internal,
}

/// Something to be known of a span.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Fact {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// Takes spans. It must neither wait nor fail.
pub trait Recorder: Send + Sync {
    /// A new trace, and whether it is recorded.
    fn new_trace(&self) -> TraceContext;

    /// An id for a span.
    fn new_span(&self) -> u64;

    /// Takes a span of a trace that is recorded.
    fn record(&self, span: Span);
}

/// Records spans, or does nothing: a cheap clone.
#[derive(Clone, Default)]
pub struct Tracer(Option<Arc<dyn Recorder>>);

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tracer").field(&self.0.is_some()).finish()
    }
}

impl Tracer {
    /// Records with this.
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        Self(Some(recorder))
    }

    /// Whether spans of this place are recorded.
    pub fn records(&self, place: &TraceContext) -> bool {
        self.0.is_some() && place.recorded
    }

    /// Begins what a caller from outside asked for: in the caller's trace if there is one, else in a new one.
    pub fn begin(&self, caller: Option<TraceContext>) -> Request {
        let Some(recorder) = &self.0 else {
            return Request {
                place: caller,
                recording: None,
            };
        };
        let (place, parent) = match caller {
            Some(caller) => (caller.with_span(recorder.new_span()), (caller.span, true)),
            None => (recorder.new_trace(), (0, false)),
        };
        Request {
            recording: place.recorded.then(|| Recording {
                recorder: Arc::clone(recorder),
                parent,
                began: SystemTime::now(),
            }),
            place: Some(place),
        }
    }

    /// Records what is over.
    pub fn record(&self, span: Span) {
        if let Some(recorder) = &self.0
            && span.place.recorded
        {
            recorder.record(span);
        }
    }

    /// A way to record what happens below a place; none where it is not recorded.
    pub fn below(&self, place: &TraceContext) -> Option<Below> {
        let recorder = self.0.as_ref().filter(|_| place.recorded)?;
        Some(Below {
            recorder: Arc::clone(recorder),
            place: place.clone(),
        })
    }

    /// A span below a place that began then, to be recorded when it is over; none where the place is not recorded.
    pub fn span_below(
        &self,
        place: &TraceContext,
        name: &'static str,
        began: SystemTime,
    ) -> Option<Span> {
        Some(self.below(place)?.span(name, began, began))
    }

    /// A way to record what happens below the work that this task does; none where it is not recorded.
    pub fn here(&self) -> Option<Below> {
        self.0.as_ref()?;
        self.below(&place()?)
    }

    /// Begins a part of the request that this task answers; it lasts until what is answered is dropped. Outside of a
    /// recorded request this does nothing.
    pub fn enter(&self, name: &'static str) -> Option<Part> {
        let recorder = self.0.as_ref()?;
        let above = place().filter(|place| place.recorded)?;
        let below = above.with_span(recorder.new_span());
        put(Some(below.clone()));
        Some(Part {
            recorder: Arc::clone(recorder),
            name,
            above,
            below,
            began: SystemTime::now(),
        })
    }
}

/// Records what happens below one place.
#[derive(Clone)]
pub struct Below {
    recorder: Arc<dyn Recorder>,
    place: TraceContext,
}

impl Below {
    /// Records what is over.
    pub fn record(&self, name: &'static str, began: SystemTime, ended: SystemTime) {
        self.recorder.record(self.span(name, began, ended));
    }

    fn span(&self, name: &'static str, began: SystemTime, ended: SystemTime) -> Span {
        Span {
            name: name.to_owned(),
            role: Role::Internal,
            place: self.place.with_span(self.recorder.new_span()),
            parent: (self.place.span, false),
            began,
            ended,
            facts: Vec::new(),
            failure: None,
        }
    }
}

impl std::fmt::Debug for Below {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Below").field(&self.place).finish()
    }
}

/// A request from outside.
pub struct Request {
    place: Option<TraceContext>,
    recording: Option<Recording>,
}

struct Recording {
    recorder: Arc<dyn Recorder>,
    parent: (u64, bool),
    began: SystemTime,
}

impl Request {
    /// Its place: where its work belongs.
    pub fn place(&self) -> Option<&TraceContext> {
        self.place.as_ref()
    }

    /// Records it, where it is recorded at all.
    pub fn end(
        &mut self,
        describe: impl FnOnce() -> (String, Vec<(&'static str, Fact)>, Option<String>),
    ) {
        if let (Some(recording), Some(place)) = (self.recording.take(), &self.place) {
            let (name, facts, failure) = describe();
            recording.recorder.record(Span {
                name,
                role: Role::Server,
                place: place.clone(),
                parent: recording.parent,
                began: recording.began,
                ended: SystemTime::now(),
                facts,
                failure,
            });
        }
    }
}

/// A part of a request. Parts are dropped in the reverse of the order in which they began.
pub struct Part {
    recorder: Arc<dyn Recorder>,
    name: &'static str,
    above: TraceContext,
    below: TraceContext,
    began: SystemTime,
}

impl Drop for Part {
    fn drop(&mut self) {
        put(Some(self.above.clone()));
        self.recorder.record(Span {
            name: self.name.to_owned(),
            role: Role::Internal,
            place: self.below.clone(),
            parent: (self.above.span, false),
            began: self.began,
            ended: SystemTime::now(),
            facts: Vec::new(),
            failure: None,
        });
    }
}

/// Does work that belongs to this place.
pub async fn within<F: Future>(place: Option<TraceContext>, work: F) -> F::Output {
    PLACE.scope(RefCell::new(place), work).await
}

/// The place of the work that this task does.
pub fn place() -> Option<TraceContext> {
    PLACE
        .try_with(|place| place.borrow().clone())
        .ok()
        .flatten()
}

fn put(place: Option<TraceContext>) {
    // Where there is no place, there is none to go back to: the task has ended.
    let _ = PLACE.try_with(|it| it.replace(place));
}
