//! Followers of logs: first what is stored, then what comes, at any pace.
//!
//! Invariant: a follower shows what it read from the store. It asks whether the run has ended before it reads, so
//! that an end never overtakes lines.

use std::ops::Range;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::hub::Follower;
use super::{Engine, Inner};
use crate::error::{Error, Result};
use crate::model::name::{Noun, RunId};
use crate::store::{LogPage, StoredLine, Writer};

/// About how many bytes a follower reads at a time.
const READ_BYTES: usize = 64 << 10;
/// About how many bytes it shows at a time: with many followers, what each of them holds counts.
const SHOWN_BYTES: usize = 32 << 10;
/// Bytes of the pages that are kept for followers behind the first one.
const PAGES_BYTES: u64 = 8 << 20;

/// What a follower asks for.
#[derive(Clone, Debug, Default)]
pub struct TailQuery {
    /// The run.
    pub run: String,
    /// Only lines of this driver; empty: of all.
    pub driver: String,
    /// Only lines of this step; empty: of all.
    pub step: String,
    /// Go on after this sequence number.
    pub after: u64,
    /// Whether to wait for more until the run has ended.
    pub follow: bool,
    /// Whether to wait for a run that is not known.
    pub wait_for_unknown: bool,
}

/// Lines of one writer that a follower gets together.
#[derive(Clone, Debug)]
pub struct Lines {
    page: Arc<LogPage>,
    range: Range<usize>,
    /// Set on the first lines after some that are no longer kept.
    pub gap: bool,
}

impl Lines {
    /// Who wrote them.
    pub fn writer(&self) -> &Writer {
        &self.page.writers[self.page.lines[self.range.start].writer]
    }

    /// The lines in order: one at least.
    pub fn lines(&self) -> &[StoredLine] {
        &self.page.lines[self.range.clone()]
    }
}

/// What is told of a log to those who follow it.
#[derive(Clone, Copy, Default)]
pub(super) struct LogNews {
    /// All lines up to this one are on disk. 0: none was written yet while somebody followed.
    last: u64,
    /// The run has ended.
    ended: bool,
}

/// Pages that were read lately, by the run and the line before the first. Lines never change, so that followers at
/// the same place share what one of them has read.
pub(super) struct Pages(Cache<(Arc<str>, u64), Arc<LogPage>>);

impl Default for Pages {
    fn default() -> Self {
        // What a line costs beside its text is about as much as its text.
        let weigh = |_: &_, page: &Arc<LogPage>| u32::try_from(page.bytes * 2).unwrap_or(u32::MAX);
        let pages = Cache::builder()
            .max_capacity(PAGES_BYTES)
            .weigher(weigh)
            .eviction_policy(EvictionPolicy::lru());
        Self(pages.build())
    }
}

/// A follower between two pieces of a log.
struct Tail {
    engine: Engine,
    query: TailQuery,
    run: Arc<str>,
    follower: Follower<Arc<str>, LogNews>,
    /// Lines that were read, from the index of the next one to show.
    page: Arc<LogPage>,
    next: usize,
    /// The last line that was shown or passed over.
    after: u64,
    /// Lines before the next ones are no longer kept.
    gap: bool,
    /// Everything that was stored when the follower came has been read.
    caught_up: bool,
    /// The run had ended when the follower came.
    ended: bool,
}

impl Engine {
    /// Sends the lines of a run: first what is stored, then what comes, until the run has ended.
    pub async fn tail(
        &self,
        query: TailQuery,
    ) -> Result<impl Stream<Item = Result<Lines>> + use<>> {
        let run: Arc<str> = query.run.as_str().into();
        // From here on an end is told, so that it is not missed between the two.
        let follower = self.0.log_news.follow(Arc::clone(&run));
        let ended = self.has_ended(&run).await?;
        if !query.wait_for_unknown && ended.is_none() {
            RunId::parse(&run, "run_id")?;
            if self.0.store.next_seq(&run)? == 1 {
                return Err(Error::NotFound(Noun::Run, query.run));
            }
        }
        let tail = Tail {
            engine: self.clone(),
            after: query.after,
            query,
            run,
            follower,
            page: Arc::default(),
            next: 0,
            gap: false,
            caught_up: false,
            ended: ended == Some(true),
        };
        Ok(try_unfold(tail, |mut tail| async move {
            Ok(tail.next().await?.map(|lines| (lines, tail)))
        }))
    }

    /// Whether a run is known and has ended, and the number of the last line of its log.
    pub async fn log_end(&self, run: &str) -> Result<(bool, u64)> {
        let ended = self.has_ended(run).await? == Some(true);
        Ok((ended, self.0.store.next_seq(run)? - 1))
    }

    /// Whether a run has ended; `None` for a run that is not known.
    async fn has_ended(&self, run: &str) -> Result<Option<bool>> {
        let Ok(id) = RunId::parse(run, "run_id") else {
            return Ok(None);
        };
        let run = self.0.store.run(id).await?;
        Ok(run.map(|(run, _)| run.state.ended()))
    }
}

impl Inner {
    /// Lines up to this one are on disk.
    pub(super) fn lines_written(&self, run: &str, last: u64) {
        self.log_book.written(run);
        self.log_news
            .tell(run, |news| news.last = news.last.max(last));
    }

    /// A run's end is on disk.
    pub(super) fn run_ended(&self, run: RunId) {
        self.log_news
            .tell(run.to_string().as_str(), |news| news.ended = true);
    }
}

impl Tail {
    async fn next(&mut self) -> Result<Option<Lines>> {
        loop {
            if let Some(lines) = self.cut() {
                return Ok(Some(lines));
            }
            let news = self.follower.news();
            if (!self.caught_up || self.after < news.last) && self.read().await? {
                continue;
            }
            if self.ended || news.ended || !self.query.follow {
                return Ok(None);
            }
            let stop = self.engine.0.stop.clone();
            tokio::select! {
                () = self.follower.changed() => {}
                () = stop.cancelled() => return Err(Error::Stopping),
            }
        }
    }

    /// The next lines of the page that are wanted, as many of one writer as are shown together.
    fn cut(&mut self) -> Option<Lines> {
        let page = Arc::clone(&self.page);
        while let Some(first) = page.lines.get(self.next) {
            let (start, mut bytes) = (self.next, 0);
            let together = page.lines[start..].iter().take_while(|line| {
                let fits = line.writer == first.writer && bytes < SHOWN_BYTES;
                bytes += line.encoded.len();
                fits
            });
            self.next += together.count();
            self.gap |= first.seq > self.after + 1;
            self.after = page.lines[self.next - 1].seq;
            if self.wants(&page.writers[first.writer]) {
                return Some(Lines {
                    page,
                    range: start..self.next,
                    gap: std::mem::take(&mut self.gap),
                });
            }
        }
        None
    }

    fn wants(&self, writer: &Writer) -> bool {
        let is = |wanted: &str, it: &str| wanted.is_empty() || wanted == it;
        is(&self.query.driver, &writer.driver) && is(&self.query.step, &writer.step)
    }

    /// Reads on. False where there is nothing new.
    async fn read(&mut self) -> Result<bool> {
        let inner = &self.engine.0;
        let place = (Arc::clone(&self.run), self.after);
        let page = match inner.log_pages.0.get(&place) {
            Some(page) => page,
            None => {
                // What was told just now is in memory. What stood there before may be far away on the disk.
                let page = if self.caught_up {
                    inner.store.log_page(&self.run, self.after, READ_BYTES)?
                } else {
                    let store = &inner.store;
                    store
                        .long_log_page(&self.run, self.after, READ_BYTES)
                        .await?
                };
                let page = Arc::new(page);
                if page.lines.is_empty() {
                    self.caught_up = true;
                    return Ok(false);
                }
                inner.log_pages.0.insert(place, Arc::clone(&page));
                page
            }
        };
        (self.page, self.next) = (page, 0);
        Ok(true)
    }
}
