//! REST against an oracle: every unary route is told from the descriptors that the server itself shows by reflection,
//! carried out over gRPC with dynamic messages, and must have answered as REST did.
//!
//! Two servers go in step: one is asked by REST, the other by the oracle. So writes can be compared too. Nothing here
//! shares code with the server's own REST.

mod descriptors;
mod requests;
mod shown;
mod twins;
mod written;

use self::descriptors::Surface;
use self::requests::{Dice, Request};
use self::twins::Twins;
use crate::support::Server;

/// The seed of the sweep, and how many requests it makes.
const SEED: u64 = 0x0000_c04e_e704;
const REQUESTS: usize = 2000;

#[tokio::test]
async fn rest_answers_as_the_descriptors_say() {
    let mut twins = Twins::start().await;
    let _drivers = twins.drivers().await;
    for request in requests::chosen() {
        twins.compare(&request).await;
    }
    assert_eq!(
        twins.untold(),
        Vec::<String>::new(),
        "routes without a case"
    );
}

#[tokio::test]
async fn rest_answers_as_the_descriptors_say_whatever_is_sent() {
    let mut twins = Twins::start().await;
    let mut dice = Dice::new(SEED);
    for request in requests::foundation() {
        twins.compare(&request).await;
    }
    for _ in 0..REQUESTS {
        let request = Request::random(&twins.surface, &mut dice);
        twins.compare(&request).await;
    }
    let (agreed, refused) = twins.tally();
    assert!(agreed > REQUESTS / 4, "{agreed} went well");
    assert!(refused > REQUESTS / 4, "{refused} were refused");
}

#[tokio::test]
async fn streams_are_not_for_the_oracle() {
    let surface = Surface::of(&Server::start().await).await;
    let names: Vec<&str> = surface
        .routes
        .iter()
        .map(|route| route.method.name())
        .collect();
    for name in ["GetResource", "ListRuns", "CancelRun", "BroadcastMessage"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for name in ["WatchRun", "AppendLogs"] {
        assert!(!names.contains(&name), "{names:?}");
    }
}
