//! Followers of logs: first what is stored, then what comes, at any pace.
//!
//! Invariant: a follower shows what it read from the store. It asks whether the run has ended before it reads, so
//! that an end never overtakes lines.

mod query;

use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::task::JoinHandle;

pub use self::query::TailQuery;
use super::followers::Reading;
use super::hub::Follower;
use super::{Engine, Inner};
use crate::aside::aside;
use crate::error::{Error, Result};
use crate::model::name::{Noun, RunId};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};
use crate::store::{LogPage, PackedLines, StoredChunk};

/// About how many bytes a follower reads at a time that keeps up, or fell behind a little.
const READ_BYTES: usize = 64 << 10;
/// About how many bytes one reads at a time that has just come: each read changes threads.
const LONG_READ_BYTES: usize = 128 << 10;
/// About what a chunk in memory costs beside its lines.
const CHUNK_BYTES: usize = 256;
/// About how many bytes it shows at a time: with many followers, what each of them holds counts.
const SHOWN_BYTES: usize = 32 << 10;
/// Bytes of the pages that are kept for followers behind the first one.
const PAGES_BYTES: u64 = 8 << 20;

/// Lines that a follower gets together.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The lines in order, by chunk: one line at least.
    pub parts: Vec<Part>,
    /// Lines before this one are no longer kept.
    pub gap: Option<u64>,
}

/// Lines of one chunk.
#[derive(Clone, Debug)]
pub struct Part {
    /// The chunk, which says who wrote them.
    pub chunk: Arc<StoredChunk>,
    /// Place of the first line in the log.
    pub first: u64,
    /// How many lines.
    pub count: u64,
    /// The lines.
    pub lines: PackedLines,
}

/// What is told of a log to those who follow it.
#[derive(Clone, Copy, Default)]
pub(super) struct LogNews {
    /// All lines up to this one are on disk. 0: none was written yet while somebody followed.
    last: u64,
    /// The run has ended.
    ended: bool,
    /// Lines before this one were removed while somebody followed.
    first: u64,
}

/// Pages that were read lately, by the run and the line before the first. Lines never change, so that followers at
/// the same place share what one of them has read.
pub(super) struct Pages(Cache<(Arc<str>, u64), Arc<LogPage>>);

impl Default for Pages {
    fn default() -> Self {
        let weigh = |_: &_, page: &Arc<LogPage>| {
            let chunks = page.iter().map(|it| CHUNK_BYTES + it.lines.bytes());
            u32::try_from(chunks.sum::<usize>()).unwrap_or(u32::MAX)
        };
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
    reading: Arc<Reading>,
    /// What was read, the chunk that is shown next, and what is left of it.
    page: Arc<LogPage>,
    next: usize,
    rest: PackedLines,
    /// The page after it, where that is being read already.
    ahead: Option<JoinHandle<Result<LogPage>>>,
    /// The last line that was shown or passed over.
    after: u64,
    /// Everything that was stored when the follower came has been read.
    caught_up: bool,
    /// The run had ended when the follower came.
    ended: bool,
    /// Lines before this one had been removed when the follower came.
    first: u64,
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
        let is_known = ended.is_some() || self.0.store.next_seq(&run)? > 1;
        if !is_known && !query.wait_for_unknown {
            return Err(Error::NotFound(Noun::Run, query.run));
        }
        let after = self.tail_start(&query).await?;
        #[cfg(test)]
        let after = after.saturating_sub(u64::from(planted(Sabotage::ShowsALineTwice)));
        let tail = Tail {
            first: self.0.store.log_start(&run)?,
            engine: self.clone(),
            after,
            reading: self.0.followers.add(&run, after),
            query,
            run,
            follower,
            page: Arc::default(),
            next: 0,
            rest: PackedLines::default(),
            ahead: None,
            caught_up: false,
            ended: ended == Some(true),
        };
        Ok(try_unfold(tail, |mut tail| async move {
            Ok(tail.next().await?.map(|lines| (lines, tail)))
        }))
    }

    /// The number of the line after which a follower begins.
    async fn tail_start(&self, query: &TailQuery) -> Result<u64> {
        let Some(last) = query.last_lines else {
            return Ok(query.after);
        };
        let (run, wanted) = (query.run.clone(), query.clone());
        let places = move |chunk: &StoredChunk| wanted.places_in(chunk);
        let start = self.0.store.before_last_lines(run, last, places).await?;
        Ok(start.max(query.after))
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

    /// Lines before this one are no longer on disk.
    pub(super) fn log_trimmed(&self, run: &str, first: u64) {
        self.log_news
            .tell(run, |news| news.first = news.first.max(first));
    }

    /// A run's end is on disk.
    pub(super) fn run_ended(&self, run: RunId) {
        self.log_news
            .tell(run.to_string().as_str(), |news| news.ended = true);
    }
}

impl Tail {
    async fn next(&mut self) -> Result<Option<Lines>> {
        let mut lines = Lines::default();
        loop {
            let news = self.follower.news();
            #[cfg(test)]
            self.waits_for_the_slowest().await;
            let mut bytes = self.take(&mut lines, shown_bytes());
            // A follower that fell behind is shown what came together, in few pieces.
            while bytes < shown_bytes()
                && self.caught_up
                && self.after < news.last
                && self.read()?
            {
                bytes += self.take(&mut lines, shown_bytes() - bytes);
            }
            if bytes > 0 {
                return Ok(Some(lines));
            }
            if !self.caught_up {
                self.catch_up().await?;
                continue;
            }
            self.skip_removed(&mut lines, news.first);
            if lines.gap.is_some() {
                return Ok(Some(lines));
            }
            if self.ended || news.ended || !self.query.follow {
                return Ok(None);
            }
            let stop = self.engine.0.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Error::Stopping),
                () = self.follower.changed() => {}
            }
        }
    }

    /// Where everything is shown that is left: names what was removed behind it.
    fn skip_removed(&mut self, lines: &mut Lines, news: u64) {
        let first = self.first.max(news);
        if self.after.saturating_add(1) < first {
            lines.gap = gap(first);
            self.after = first - 1;
        }
    }

    /// Takes lines that are wanted off the page, about so many bytes. Answers how many bytes.
    fn take(&mut self, lines: &mut Lines, most: usize) -> usize {
        let mut bytes = 0;
        while bytes < most
            && let Some(chunk) = self.page.get(self.next)
        {
            let last = chunk.first + chunk.count - 1;
            if chunk.first > self.after + 1 {
                if !lines.parts.is_empty() {
                    // What is missing is named before the lines that follow it.
                    break;
                }
                lines.gap = gap(chunk.first);
                self.after = chunk.first - 1;
            }
            if self.rest.bytes() == 0 {
                self.rest = chunk.lines.clone();
                let shown = self.after + 1 - chunk.first;
                self.rest.take(usize::MAX, shown);
            }
            if !self.query.wants(chunk) {
                (self.rest, self.after) = (PackedLines::default(), last);
            } else {
                let (old, wanted) = self.query.by_time(&self.rest);
                self.rest.take(usize::MAX, old);
                self.after += old;
                let (some, count) = self.rest.take(most - bytes, wanted);
                if count > 0 {
                    bytes += some.bytes();
                    lines.parts.push(Part {
                        chunk: Arc::clone(chunk),
                        first: self.after + 1,
                        count,
                        lines: some,
                    });
                    self.after += count;
                }
            }
            if self.after == last {
                self.next += 1;
            }
        }
        self.reading.is_at(self.after);
        bytes
    }

    /// Reads on where what was told just now stands: in memory. False where there is nothing new.
    fn read(&mut self) -> Result<bool> {
        let inner = &self.engine.0;
        let place = (Arc::clone(&self.run), self.after);
        let page = match inner.log_pages.0.get(&place) {
            Some(page) => page,
            None => {
                let page = inner.store.log_page(&self.run, self.after, READ_BYTES)?;
                let page = Arc::new(page);
                if !page.is_empty() {
                    inner.log_pages.0.insert(place, Arc::clone(&page));
                }
                page
            }
        };
        Ok(self.turn_to(page))
    }

    /// Reads on where what was stored before stands, which may be far away on the disk. The page after it is read
    /// while this one is sent.
    async fn catch_up(&mut self) -> Result<()> {
        let page = match self.ahead.take() {
            Some(reading) => reading.await.map_err(|_| Error::Stopping)??,
            None => self
                .long_read(self.after)
                .await
                .map_err(|_| Error::Stopping)??,
        };
        let last = page.last().map(|chunk| chunk.first + chunk.count - 1);
        self.ahead = last.map(|last| self.long_read(last));
        self.caught_up = !self.turn_to(Arc::new(page));
        Ok(())
    }

    fn long_read(&self, after: u64) -> JoinHandle<Result<LogPage>> {
        let (store, run) = (self.engine.0.store.clone(), Arc::clone(&self.run));
        aside(move || Ok(store.log_page(&run, after, LONG_READ_BYTES)?))
    }

    fn turn_to(&mut self, page: Arc<LogPage>) -> bool {
        (self.page, self.next) = (page, 0);
        !self.page.is_empty()
    }
}

/// What a follower is told of lines that were removed before this one.
fn gap(first: u64) -> Option<u64> {
    #[cfg(test)]
    if planted(Sabotage::HidesGaps) {
        return None;
    }
    Some(first)
}

/// About how many bytes are shown at a time.
fn shown_bytes() -> usize {
    #[cfg(test)]
    if planted(Sabotage::ShowsAllAtOnce) {
        return usize::MAX / 2;
    }
    SHOWN_BYTES
}

#[cfg(test)]
impl Tail {
    async fn waits_for_the_slowest(&self) {
        let followers = &self.engine.0.followers;
        while planted(Sabotage::WaitsForTheSlowest) && followers.is_behind(&self.run, self.after) {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }
}
