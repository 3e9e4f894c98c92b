//! Those who follow: tails of logs and watches of resources, at their own pace, going on after every break.

use std::time::Duration;

use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{
    GetRunRequest, TailLogsRequest, TailLogsResponse, WatchResourcesRequest,
};
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use super::dice::Dice;
use super::history::{Event, History};
use super::network::Network;
use super::reading::{change, undotted};

/// Most streams that a tail which does not read has open.
const STILL: usize = 8;
/// How long a log may be silent before one who follows it asks whether its run is still there.
const SILENCE: Duration = Duration::from_secs(5);

/// One who follows.
pub(super) struct Follower {
    pub(super) number: u64,
    pub(super) network: Network,
    pub(super) history: History,
    pub(super) dice: Dice,
    /// How many milliseconds he rests at most after each message.
    pub(super) rest: u64,
}

impl Follower {
    /// Follows the log of one run after the other, to its end, or until the run is gone.
    pub(super) async fn tail(mut self) {
        let tail = self.number;
        for at in 0.. {
            let run = self.next_run(at).await;
            let mut after = 0;
            let end = loop {
                match self.follow(&run, &mut after).await {
                    Ok(()) => break Event::TailEnds { tail, run },
                    Err(status) if status.code() == Code::NotFound => {
                        break Event::TailLost { tail, run };
                    }
                    Err(_) => {}
                }
                tokio::time::sleep(self.dice.millis(100..2000)).await;
            };
            self.history.note(end);
        }
    }

    /// Opens the log of one run after the other, and reads nothing.
    pub(super) async fn stand_still(self) {
        let mut open = Vec::new();
        for at in 0.. {
            let run = self.next_run(at).await;
            if let Ok(lines) = self.open(&run, 0).await {
                open.push(lines);
            }
            if open.len() > STILL {
                open.remove(0);
            }
        }
    }

    /// Waits for a run to follow.
    pub(super) async fn next_run(&self, at: usize) -> String {
        loop {
            if let Some(run) = self.history.run(at) {
                return run;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn open(&self, run: &str, after: u64) -> Result<Streaming<TailLogsResponse>, Status> {
        let request = TailLogsRequest {
            run_id: run.to_owned(),
            after,
            ..TailLogsRequest::default()
        };
        let mut client = LogServiceClient::new(self.network.clone());
        Ok(client.tail_logs(request).await?.into_inner())
    }

    /// Asks whether a run is there.
    async fn ask(&self, run: &str) -> Result<(), Status> {
        let request = GetRunRequest { id: run.to_owned() };
        let mut client = RunServiceClient::new(self.network.clone());
        let answer = timeout(SILENCE, client.get_run(request)).await;
        let late = |_| Status::deadline_exceeded("the server is silent");
        answer.map_err(late)?.map(drop)
    }

    async fn follow(&mut self, run: &str, after: &mut u64) -> Result<(), Status> {
        let tail = self.number;
        let mut lines = self.open(run, *after).await?;
        loop {
            let Ok(answer) = timeout(SILENCE, lines.message()).await else {
                // The log of a run that is gone may go on, with lines from outside, and never ends. That of any other
                // is waited for: to open it anew would hide an end that was not told.
                match self.ask(run).await {
                    Err(gone) if gone.code() == Code::NotFound => return Err(gone),
                    _ => continue,
                }
            };
            let Some(answer) = answer? else { return Ok(()) };
            if let Some(gap) = &answer.gap {
                *after = gap.first_seq - 1;
                self.history.note(Event::Gapped {
                    tail,
                    run: run.to_owned(),
                    first: gap.first_seq,
                });
            }
            let bytes = answer.entries.iter().map(|it| it.message.len()).sum();
            self.history.note(Event::Piece { tail, bytes });
            for entry in answer.entries {
                *after = entry.seq;
                self.history.note(Event::Tailed {
                    tail,
                    run: run.to_owned(),
                    seq: entry.seq,
                    message: undotted(entry.message),
                });
            }
            self.rest().await;
        }
    }

    /// Watches all resources.
    pub(super) async fn watch(mut self) {
        let mut after = None;
        loop {
            // The end of a watch is that of its server, or of what it asks for.
            if let (Err(status), Some(from)) = (self.look(&mut after).await, after)
                && status.code() == Code::OutOfRange
            {
                let watch = self.number;
                self.history.note(Event::Refused { watch, after: from });
                after = None;
            }
            tokio::time::sleep(self.dice.millis(100..3000)).await;
        }
    }

    async fn look(&mut self, after: &mut Option<u64>) -> Result<(), Status> {
        let watch = self.number;
        let request = WatchResourcesRequest {
            after_position: *after,
            ..WatchResourcesRequest::default()
        };
        let mut client = ResourceServiceClient::new(self.network.clone());
        let mut seen = client.watch_resources(request).await?.into_inner();
        self.history.note(match *after {
            None => Event::Lists { watch },
            Some(after) => Event::Resumes { watch, after },
        });
        while let Some(answer) = seen.message().await? {
            let position = answer.position;
            if matches!(answer.seen, Some(Seen::Bookmark(_))) {
                *after = Some(position);
                self.history.note(Event::Bookmarked { watch, position });
            } else if let Some(change) = change(position, answer.seen) {
                if position > 0 {
                    *after = Some(position);
                }
                self.history.note(Event::Watched { watch, change });
            }
            self.rest().await;
        }
        Ok(())
    }

    pub(super) async fn rest(&mut self) {
        if self.rest > 0 {
            tokio::time::sleep(self.dice.millis(1..self.rest)).await;
        }
    }
}
