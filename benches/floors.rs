//! The floors that no row is compared with directly, so that a reader knows the machine.

use std::time::Duration;

use super::table::Table;
use super::{Bench, Result};

/// How long each floor is measured in each round.
const TIME: Duration = Duration::from_millis(300);

/// Measures them all, round after round.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    for _ in 0..bench.rounds {
        let trips = bench.wire.round_trips(TIME).await?;
        table.floor("loopback round trip of 64 bytes, p50", "us", trips.p50());
        table.floor("loopback round trip of 64 bytes, p99", "us", trips.p99());
        let unary = bench.wire.unary(TIME).await?;
        table.floor("tonic unary, p50", "us", unary.p50());
        table.floor("tonic unary, p99", "us", unary.p99());
        let pings = bench.wire.ping_pong(TIME).await?;
        table.floor("tonic bidirectional ping-pong, p50", "us", pings.p50());
        table.floor("tonic bidirectional ping-pong, p99", "us", pings.p99());
        let pushes = bench.wire.pushes(TIME).await?;
        table.floor("tonic one-way push, p50", "us", pushes.p50());
        table.floor("tonic one-way push, p99", "us", pushes.p99());
        let gets = bench.wire.gets(64, TIME).await?;
        table.floor("axum GET of 500 bytes, 64 connections", "per s", gets);
        of_the_store(bench, table)?;
    }
    Ok(())
}

fn of_the_store(bench: &Bench, table: &mut Table) -> Result<()> {
    let appends = bench.store.appends(TIME)?;
    table.floor("fdatasync of a 4-KiB append, p50", "us", appends.p50());
    table.floor("fdatasync of a 4-KiB append, p99", "us", appends.p99());
    let puts = bench.store.puts(TIME)?;
    table.floor("RocksDB synced put, p50", "us", puts.p50());
    table.floor("RocksDB synced put, p99", "us", puts.p99());
    for (writers, name) in [
        (1, "RocksDB synced puts, 1 writer"),
        (8, "RocksDB synced puts, 8 writers"),
        (64, "RocksDB synced puts, 64 writers"),
        (128, "RocksDB synced puts, 128 writers"),
    ] {
        let rate = bench.store.group_commit(writers, TIME)?;
        table.floor(name, "per s", rate);
    }
    let chunks = bench.store.chunks(TIME)?;
    table.floor("RocksDB synced chunks of 64 KiB", "MiB/s", chunks);
    Ok(())
}
