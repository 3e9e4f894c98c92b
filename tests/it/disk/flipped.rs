//! One bit of a file changed, as the server and its users meet it. `src/store/files/tests/flips.rs` does the same to the
//! store alone, many times as often. `DISK_FLIPS` says how many, `DISK_FLIP_SEED` where the dice begin.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::future::join_all;
use tonic::Code;

use super::torn::{files_of, put_files};
use crate::support::Server;

const RESOURCES: usize = 20;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

async fn a_server() -> Server {
    Server::with(&[("log", "error")]).await
}

/// The files of a server that was killed, with tables and a log of writes; what its resources were.
async fn killed() -> (BTreeMap<String, Vec<u8>>, Vec<String>) {
    let mut server = a_server().await;
    server.define("image").await;
    let mut there = Vec::new();
    for n in 0..RESOURCES {
        if n == RESOURCES / 2 {
            server.kill_and_start_again().await;
        }
        server.create("image", &format!("r{n}")).await;
    }
    for n in 0..RESOURCES {
        there.push(format!(
            "{:?}",
            server.read("image", &format!("r{n}"), 0).await.unwrap()
        ));
    }
    server.kill();
    (files_of(&server.data()), there)
}

#[tokio::test]
async fn a_changed_bit_is_named_or_harms_nobody() {
    let (files, there) = killed().await;
    let sorts = ["log", "sst", "MANIFEST", "CURRENT"];
    let (first, flips) = (number("DISK_FLIP_SEED", 1), number("DISK_FLIPS", 16));
    const AT_ONCE: u64 = 4;
    join_all((0..AT_ONCE).map(async |worker| {
        let mut server = a_server().await;
        server.kill();
        for seed in (first..first + flips).filter(|seed| seed % AT_ONCE == worker) {
            let mut dice = fastrand::Rng::with_seed(seed);
            let sort = sorts[dice.usize(..sorts.len())];
            let names: Vec<_> = files.keys().filter(|name| name.contains(sort)).collect();
            let name = names[dice.usize(..names.len())];
            if files[name].is_empty() {
                continue;
            }
            let bit = dice.usize(..files[name].len() * 8);
            let mut damaged = files.clone();
            damaged.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let what = format!("DISK_FLIP_SEED={seed} DISK_FLIPS=1: bit {bit} of {name}");
            put_files(&server.data(), &damaged);
            let said = judge(&mut server, &there).await;
            println!(
                "{what}: {}",
                said.unwrap_or_else(|wrong| panic!("{what}: {wrong}"))
            );
        }
    }))
    .await;
}

/// Rows that a start reads are behind it only when it is read to its end.
#[tokio::test]
async fn a_start_that_meets_damage_ends_in_words_wherever_that_is() {
    let (files, there) = killed().await;
    let mut server = a_server().await;
    server.kill();
    let mut refused = 0;
    for name in files.keys().filter(|name| name.ends_with(".sst")) {
        for byte in [3, 40] {
            let mut damaged = files.clone();
            damaged.get_mut(name).unwrap()[byte] ^= 1;
            put_files(&server.data(), &damaged);
            let said = judge(&mut server, &there).await;
            let said = said.unwrap_or_else(|wrong| panic!("byte {byte} of {name}: {wrong}"));
            refused += usize::from(said.contains("cannot bring back"));
        }
    }
    assert!(refused > 0, "some of it is read at every start");
}

/// What became of it; an error is what must not be.
async fn judge(server: &mut Server, there: &[String]) -> Result<String, String> {
    let (well, said) = server.doctor().await;
    if let Err(why) = server.try_start_again().await {
        let named = why.contains(server.data().to_str().unwrap_or_default());
        return match (named, well) {
            (true, false) => Ok(why),
            (false, _) => Err(format!("it does not say where: {why}")),
            (true, true) => Err(format!(
                "the doctor says nothing: {said}; the server: {why}"
            )),
        };
    }
    let mut told = None;
    for (n, there) in there.iter().enumerate() {
        match server.read("image", &format!("r{n}"), 0).await {
            Ok(read) if format!("{read:?}") == *there => {}
            Ok(read) => return Err(format!("it is another: {read:?}")),
            Err(status) if status.code() == Code::NotFound => {
                return Err(format!("r{n} is gone: {status:?}"));
            }
            Err(status) => told = Some(status.message().to_owned()),
        }
    }
    server.kill();
    match told {
        None => Ok("harmless".to_owned()),
        Some(told) if well => Err(format!("the doctor says nothing, and a reader: {told}")),
        Some(told) => Ok(told),
    }
}

#[tokio::test]
async fn a_store_that_ends_before_what_was_answered_refuses_to_start() {
    let mut server = a_server().await;
    server.define("image").await;
    server.stop().await;
    let before = files_of(&server.data());
    server.start_again().await;
    server.create("image", "a").await;
    server.stop().await;
    let witness = server.data().join("ANSWERED");
    let seen = std::fs::read(&witness).unwrap();
    // The disk is as it was a while ago; the witness is not.
    put_files(&server.data(), &before);
    std::fs::write(&witness, seen).unwrap();
    let (well, said) = server.doctor().await;
    assert!(!well && said.contains("LOST"), "{said}");
    let why = server.try_start_again().await.unwrap_err();
    assert!(names(&why, &witness), "{why}");
    let again = server.try_start_again().await.unwrap_err();
    assert_eq!(again, why, "it does not forget");
    std::fs::remove_file(&witness).unwrap();
    server.start_again().await;
    server.create("image", "a").await;
}

fn names(why: &str, file: &Path) -> bool {
    why.contains(file.to_str().unwrap()) && why.contains("conveyor restore")
}
