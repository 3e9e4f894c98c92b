//! Clients that speak to many: lines appended to logs from outside, and broadcasts to a driver that does not listen.

use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::{AppendLogsRequest, BroadcastMessageRequest, LogEntry};

use super::client::Client;
use super::history::{Batch, Event};
use super::network::Network;
use super::site::Site;

/// A log that belongs to no run.
pub(super) const ELSEWHERE: &str = "01900000-0000-7000-8000-000000000000";
/// Bytes of a broadcast: the most there may be.
const PAYLOAD: usize = 64 << 10;
/// Broadcasts that are more than may wait for one driver.
const BROADCASTS: usize = 150;

impl Client {
    /// Appends lines again and again; of some there are many, and long ones.
    pub(super) async fn append(mut self, batches: u64) {
        for at in 0..batches {
            tokio::time::sleep(self.dice.millis(10..9000)).await;
            let known = self.history.runs();
            let run = self.dice.below(known + 1);
            let run = self.history.run(run).unwrap_or(ELSEWHERE.to_owned());
            let long = self.dice.percent(8);
            // Each message of a call is stored by itself.
            let messages = if long { 1 } else { self.dice.of(1..4) };
            let batches = (0..messages).map(|message| Batch {
                word: format!("outside-{at}-{message}"),
                lines: if long { 60 } else { self.dice.of(1..5) },
            });
            let batches: Vec<Batch> = batches.collect();
            for batch in batches.iter().cloned() {
                let run = run.clone();
                self.history.note(Event::AppendAsked { run, batch });
            }
            let dots = if long { 4 << 10 } else { 0 };
            let requests = batches.iter().map(|batch| AppendLogsRequest {
                entries: entries(&run, batch, dots),
            });
            let requests: Vec<_> = requests.collect();
            let mut client = LogServiceClient::new(self.network.clone());
            if client
                .append_logs(tokio_stream::iter(requests))
                .await
                .is_ok()
            {
                for batch in batches {
                    let run = run.clone();
                    self.history.note(Event::Appended { run, batch });
                }
            }
        }
    }

    /// Tells drivers more than one of them takes, whose link is frozen.
    pub(super) async fn cry(mut self, site: Site, deaf: Network) {
        tokio::time::sleep(self.dice.millis(1000..20_000)).await;
        deaf.freeze(true);
        for _ in 0..BROADCASTS {
            let request = BroadcastMessageRequest {
                event: "news".to_owned(),
                payload: "n".repeat(PAYLOAD),
                ..BroadcastMessageRequest::default()
            };
            let mut client = DriverServiceClient::new(self.network.clone());
            // Some are lost, as everything may be.
            let _ = client.broadcast_message(request).await;
            self.history.note(Event::Waiting {
                bytes: site.most_waiting(),
            });
        }
        deaf.freeze(false);
    }
}

/// The lines of a batch, each with so many dots behind it.
fn entries(run: &str, batch: &Batch, dots: usize) -> Vec<LogEntry> {
    let entry = |message: String| LogEntry {
        run_id: run.to_owned(),
        driver: "outside".to_owned(),
        message: message + &".".repeat(dots),
        ..LogEntry::default()
    };
    batch.messages().map(entry).collect()
}
