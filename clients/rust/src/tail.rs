//! Follows the log of a run, over broken connections too.

use std::collections::VecDeque;

use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::backoff::Backoff;
use crate::client::Client;
use crate::error::Error;
use crate::proto::log_service_client::LogServiceClient;
use crate::proto::{LogEntry, TailLogsRequest, TailLogsResponse};

/// One item of a log.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every item is a line")]
pub enum Tailed {
    /// The next line.
    Line(LogEntry),
    /// Lines before the one of this number are no longer kept.
    Gap(u64),
}

/// The lines of a run, each once and in order.
///
/// ```no_run
/// # async fn follow(client: conveyor_client::Client, run_id: &str) -> Result<(), conveyor_client::Error> {
/// use conveyor_client::Tailed;
///
/// let mut tail = client.tail(run_id);
/// while let Some(item) = tail.next().await? {
///     match item {
///         Tailed::Line(line) => println!("{}", line.message),
///         Tailed::Gap(first) => println!("lines before {first} are no longer kept"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Tail {
    logs: LogServiceClient<Channel>,
    /// What is still wanted.
    request: TailLogsRequest,
    stream: Option<Streaming<TailLogsResponse>>,
    items: VecDeque<Tailed>,
    backoff: Backoff,
    ended: bool,
}

impl Client {
    /// The log of a run: all lines, from the first, until the run has ended.
    #[must_use]
    pub fn tail(&self, run_id: impl Into<String>) -> Tail {
        self.tail_of(TailLogsRequest {
            run_id: run_id.into(),
            ..TailLogsRequest::default()
        })
    }

    /// The lines that `request` asks for: of one driver or step, after a number, the last so many, or
    /// those that are stored now.
    #[must_use]
    pub fn tail_of(&self, request: TailLogsRequest) -> Tail {
        Tail {
            logs: self.logs(),
            request,
            stream: None,
            items: VecDeque::new(),
            backoff: Backoff::new(),
            ended: false,
        }
    }
}

impl Tail {
    /// The next item. None: the run has ended, or what was asked for has, and all is given. It comes
    /// back by itself after a broken connection, without a line lost or given twice.
    ///
    /// # Errors
    /// [`Error::Answer`] for what the server refuses.
    pub async fn next(&mut self) -> Result<Option<Tailed>, Error> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Ok(Some(item));
            }
            if self.ended {
                return Ok(None);
            }
            match self.page().await {
                Ok(Some(page)) => self.take(page),
                Ok(None) => self.ended = true,
                Err(status) if may_pass(status.code()) => {
                    self.stream = None;
                    tokio::time::sleep(self.backoff.next_wait()).await;
                }
                Err(status) => return Err(status.into()),
            }
        }
    }

    async fn page(&mut self) -> Result<Option<TailLogsResponse>, Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let answer = self.logs.tail_logs(self.request.clone()).await?;
                none.insert(answer.into_inner())
            }
        };
        stream.message().await
    }

    /// Takes a page, after which one who comes back goes on.
    fn take(&mut self, page: TailLogsResponse) {
        self.backoff = Backoff::new();
        if let Some(gap) = page.gap {
            self.request.after = self.request.after.max(gap.first_seq.saturating_sub(1));
            self.items.push_back(Tailed::Gap(gap.first_seq));
        }
        if let Some(last) = page.entries.last() {
            self.request.after = last.seq;
            self.request.last_lines = None;
        }
        self.items
            .extend(page.entries.into_iter().map(Tailed::Line));
    }
}

/// Whether a new try may help.
fn may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::Unknown | Code::Internal | Code::ResourceExhausted
    )
}
