//! Many seeds, one seed, stories that need none, and the faults that must be found.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{
    ApplyResourceRequest, CancelRunRequest, CreateResourceRequest, ListRunsRequest, Resource,
    UpdateResourceRequest,
};
use tonic::{Code, Status};

use super::client::KIND;
use super::keeping::Keeping;
use super::network::Network;
use super::{callers, checker, client, history, on_its_clock, simulate};
use crate::sabotage::Sabotage;

/// Seeds that every test run tries.
const SEEDS: u64 = 2000;
/// Seeds that a planted fault has to be found in.
const SEEDS_FOR_A_FAULT: u64 = 100;

/// Simulates seeds on every core, and answers one in which a promise is broken, in one of these words.
fn first_broken(
    seeds: std::ops::Range<u64>,
    fault: Option<Sabotage>,
    words: &[&str],
) -> Option<(u64, Vec<String>)> {
    let next = AtomicU64::new(seeds.start);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let try_seeds = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                return None;
            }
            let mut broken = checker::broken(&simulate(seed, fault));
            broken.retain(|it| words.iter().any(|word| it.contains(word)));
            if !broken.is_empty() {
                next.store(seeds.end, Ordering::Relaxed);
                return Some((seed, broken));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(try_seeds)).collect();
        let found = threads
            .into_iter()
            .filter_map(|it| it.join().expect("a simulation does not panic"));
        found.min_by_key(|(seed, _)| *seed)
    })
}

/// A number that was asked for; one that is empty was not.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|it| !it.is_empty())?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is a number, and not {text:?}")))
}

#[test]
fn promises_hold_in_thousands_of_seeds() {
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(SEEDS),
    };
    let count = seeds.end - seeds.start;
    if let Some((seed, broken)) = first_broken(seeds, None, &[""]) {
        let history = history::text(&simulate(seed, None));
        panic!(
            "{history}seed {seed} breaks promises: {broken:#?}\nrepeat it: make sim SEED={seed}"
        );
    }
    if let Some(seed) = number("SEED") {
        print!("{}", history::text(&simulate(seed, None)));
    }
    println!("{count} seeds hold every promise");
}

/// To the byte: the order of what happens in one millisecond too.
#[test]
fn the_same_seed_is_the_same_history() {
    for seed in 0..20 {
        let [first, second] = [(); 2].map(|()| history::text(&simulate(seed, None)));
        let mut pairs = first.lines().zip(second.lines());
        let differs = pairs.find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

/// A client that went away while the disk was slow, and came again, once had its write rest on what was not on disk
/// yet: a precondition broke, and the server took no more writes.
#[test]
fn a_write_whose_caller_goes_away_still_holds_its_locks() {
    let wrong = on_its_clock(None, write_twice_on_a_disk_that_stands_still());
    assert_eq!(wrong, None);
}

/// The test before this one can fail.
#[test]
fn a_write_that_lets_go_of_its_locks_is_found() {
    let fault = Some(Sabotage::LetsGoOfLocks);
    let wrong = on_its_clock(fault, write_twice_on_a_disk_that_stands_still());
    assert!(wrong.is_some());
}

/// Retention rests after its work, and a disk that stood still for a minute once made it rest for four.
#[test]
fn retention_goes_on_soon_after_a_disk_that_stood_still() {
    let left = on_its_clock(None, async {
        let keeping = Keeping::runs_for(5);
        let (site, network) = callers::site_that(keeping).await;
        client::define(&network, keeping).await;
        end_a_run(&network, 1).await?;
        tokio::time::sleep(Duration::from_secs(4)).await;
        site.stop_disk(true);
        tokio::time::sleep(Duration::from_secs(60)).await;
        site.stop_disk(false);
        end_a_run(&network, 2).await?;
        tokio::time::sleep(Duration::from_secs(20)).await;
        let mut runs = RunServiceClient::new(network);
        let left = runs.list_runs(ListRunsRequest::default()).await?;
        Ok::<_, Status>(left.into_inner().runs.len())
    });
    assert_eq!(left.expect("the server answers"), 0);
}

async fn end_a_run(network: &Network, spec: u64) -> Result<(), Status> {
    let request = ApplyResourceRequest {
        resource: Some(thing(spec)),
    };
    let mut resources = ResourceServiceClient::new(network.clone());
    let written = resources.apply_resource(request).await?.into_inner();
    let request = CancelRunRequest {
        id: written.run_id,
        reason: String::new(),
    };
    let mut runs = RunServiceClient::new(network.clone());
    runs.cancel_run(request).await.map(drop)
}

/// Creates a resource, goes away, creates it again, and updates it. Answers what should not have been answered.
async fn write_twice_on_a_disk_that_stands_still() -> Option<String> {
    let (site, network) = callers::site().await;
    client::define(&network, Keeping::for_ever()).await;
    site.stop_disk(true);
    let patience = Duration::from_secs(1);
    let gone = tokio::time::timeout(patience, create(&network)).await;
    if let Ok(answer) = gone {
        return Some(format!(
            "the disk stands still, and the answer is {answer:?}"
        ));
    }
    let again = tokio::spawn({
        let network = network.clone();
        async move { create(&network).await }
    });
    tokio::time::sleep(patience).await;
    site.stop_disk(false);
    let again = again.await.expect("a client does not panic");
    if again.as_ref().map_err(Status::code) != Err(Code::AlreadyExists) {
        return Some(format!("the second create is answered {again:?}"));
    }
    let request = UpdateResourceRequest {
        resource: Some(thing(2)),
        expected_revision: 1,
    };
    let updated = ResourceServiceClient::new(network)
        .update_resource(request)
        .await;
    updated
        .err()
        .map(|status| format!("the update is answered {status}"))
}

async fn create(network: &Network) -> Result<(), Status> {
    let request = CreateResourceRequest {
        resource: Some(thing(1)),
        request_id: String::new(),
    };
    let mut client = ResourceServiceClient::new(network.clone());
    client.create_resource(request).await.map(|_| ())
}

fn thing(spec: u64) -> Resource {
    Resource {
        name: "one".to_owned(),
        resource: KIND.to_owned(),
        spec_json: format!("{{\"n\":{spec}}}"),
        ..Resource::default()
    }
}

/// Each promise can be seen broken: a fault in one place is found, and in the words of its promise.
#[test]
fn planted_faults_are_found() {
    let faults = [
        (Sabotage::AnswersWhatIsLost, "promise 1"),
        (Sabotage::TearsBatches, "promise 2"),
        (Sabotage::LooksAtNoToken, "promise 3"),
        (Sabotage::RepeatsTokens, "promise 3"),
        (Sabotage::StoresLinesTwice, "promise 4"),
        (Sabotage::LosesLines, "promise 4"),
        (Sabotage::TurnsLinesRound, "promise 4"),
        (Sabotage::ShowsALineTwice, "promise 4"),
        (Sabotage::KeepsAllForTheDeaf, "promise 5"),
        (Sabotage::ShowsAllAtOnce, "promise 5"),
        (Sabotage::WaitsForTheSlowest, "promise 5"),
        (Sabotage::WaitsForTheDead, "promise 6"),
        (Sabotage::TakesWorkOnAFullDisk, "promise 9"),
        (Sabotage::StartsStepsTooSoon, "order of steps"),
        (Sabotage::GoesOnAfterAFailure, "order of steps"),
        (Sabotage::LetsRunsOverlap, "order of runs"),
        (Sabotage::ForgetsCancels, "cancel"),
        (Sabotage::StopsTooSoon, "timeout"),
        (Sabotage::SwapsChanges, "ordered"),
        (Sabotage::ShowsAChangeTwice, "unique"),
        (Sabotage::LeavesOutChanges, "reliable"),
        (Sabotage::ShowsHalfAChange, "atomic"),
        (Sabotage::ResumesTooLate, "resumable"),
        (Sabotage::BookmarksTooMuch, "bookmarked"),
        (Sabotage::RemovesTheUnfinished, "had not ended"),
        (Sabotage::RemovesTooSoon, "retention"),
        (Sabotage::RemovesOneMore, "retention"),
        (Sabotage::ForgetsToCount, "still there"),
        (Sabotage::LeavesARow, "the doctor"),
        (Sabotage::RemovesWhatIsShown, "retention: revision"),
        (Sabotage::HidesGaps, "promise 4"),
        (Sabotage::TakesLostPositions, "resumable|reliable"),
        (Sabotage::RefusesKeptPositions, "was refused"),
        (Sabotage::ForgetsBusyDrivers, "a driver with work"),
        (Sabotage::ForgetsWhoWaits, "promise 6"),
        (Sabotage::DeletesWhatIsNamed, "what is named"),
        (Sabotage::SkipsAtPageEnds, "lists"),
        (Sabotage::EndsWatchesTooSoon, "watch of a run"),
    ];
    let overlooked: Vec<_> = faults
        .into_iter()
        .filter(|(fault, words)| {
            let words: Vec<_> = words.split('|').collect();
            first_broken(0..SEEDS_FOR_A_FAULT, Some(*fault), &words).is_none()
        })
        .collect();
    assert_eq!(overlooked, [], "no seed shows these faults");
}
