//! Those who follow: tails of logs and watches of resources, at their own pace, going on after every break.

use std::time::Duration;

use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{TailLogsRequest, WatchResourcesRequest};
use tonic::Status;

use super::client::change;
use super::dice::Dice;
use super::history::{Event, History};
use super::network::Network;

/// Follows the log of one run after the other, to its end. A slow one rests after each message.
pub(super) async fn tail(network: Network, history: History, mut dice: Dice, tail: u64, rest: u64) {
    let mut done = 0;
    loop {
        let runs: Vec<String> = history
            .events()
            .into_iter()
            .filter_map(|(_, event)| match event {
                Event::Written { run, .. } if !run.is_empty() => Some(run),
                _ => None,
            })
            .skip(done)
            .take(1)
            .collect();
        let Some(run) = runs.first() else {
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        let mut after = 0;
        while follow(&network, &history, &mut dice, tail, rest, run, &mut after)
            .await
            .is_err()
        {
            tokio::time::sleep(dice.millis(100..2000)).await;
        }
        history.note(Event::TailEnds {
            tail,
            run: run.clone(),
        });
        done += 1;
    }
}

async fn follow(
    network: &Network,
    history: &History,
    dice: &mut Dice,
    tail: u64,
    rest: u64,
    run: &str,
    after: &mut u64,
) -> Result<(), Status> {
    let request = TailLogsRequest {
        run_id: run.to_owned(),
        after: *after,
        ..TailLogsRequest::default()
    };
    let mut lines = LogServiceClient::new(network.clone())
        .tail_logs(request)
        .await?
        .into_inner();
    while let Some(answer) = lines.message().await? {
        for entry in answer.entries {
            *after = entry.seq;
            history.note(Event::Tailed {
                tail,
                run: run.to_owned(),
                seq: entry.seq,
                message: entry.message,
            });
        }
        if rest > 0 {
            tokio::time::sleep(dice.millis(1..rest)).await;
        }
    }
    Ok(())
}

/// Watches all resources.
pub(super) async fn watch(network: Network, history: History, mut dice: Dice, watch: u64) {
    let mut after = None;
    loop {
        // The end of a watch is that of its server.
        let _ = look(&network, &history, watch, &mut after).await;
        tokio::time::sleep(dice.millis(100..3000)).await;
    }
}

async fn look(
    network: &Network,
    history: &History,
    watch: u64,
    after: &mut Option<u64>,
) -> Result<(), Status> {
    let request = WatchResourcesRequest {
        after_position: *after,
        ..WatchResourcesRequest::default()
    };
    let mut seen = ResourceServiceClient::new(network.clone())
        .watch_resources(request)
        .await?
        .into_inner();
    if after.is_none() {
        history.note(Event::Lists { watch });
    }
    while let Some(answer) = seen.message().await? {
        let position = answer.position;
        if matches!(answer.seen, Some(Seen::Bookmark(_))) {
            *after = Some(position);
            history.note(Event::Bookmarked { watch, position });
        } else if let Some(change) = change(position, answer.seen) {
            if position > 0 {
                *after = Some(position);
            }
            history.note(Event::Watched { watch, change });
        }
    }
    Ok(())
}
