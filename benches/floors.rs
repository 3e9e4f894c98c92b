//! The floors that no row is compared with directly, so that a reader knows the machine.

use std::time::Duration;

use super::store_floor::CHUNKS_OF_A_MIB;
use super::table::Table;
use super::{Bench, Result};

/// How long each floor is measured in each round.
const TIME: Duration = Duration::from_millis(300);

/// Measures them all, round after round.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    for _ in 0..bench.rounds {
        let trips = bench.wire.round_trips(TIME).await?;
        table.floor_spans("loopback round trip of 64 bytes", &trips);
        table.floor_spans("tonic unary", &bench.wire.unary(TIME).await?);
        let pings = bench.wire.ping_pong(TIME).await?;
        table.floor_spans("tonic bidirectional ping-pong", &pings);
        table.floor_spans("tonic one-way push", &bench.wire.pushes(TIME).await?);
        let gets = bench.wire.gets(64, TIME).await?;
        table.floor("axum GET of 500 bytes, 64 connections", "per s", gets.rate);
        table.floor_spans("axum GET of 500 bytes, 64 connections", &gets.spans);
        of_the_store(bench, table)?;
    }
    Ok(())
}

fn of_the_store(bench: &Bench, table: &mut Table) -> Result<()> {
    table.floor_spans("fdatasync of a 4-KiB append", &bench.store.appends(TIME)?);
    for (writers, name) in [
        (1, "RocksDB synced puts, 1 writer"),
        (8, "RocksDB synced puts, 8 writers"),
        (64, "RocksDB synced puts, 64 writers"),
        (128, "RocksDB synced puts, 128 writers"),
    ] {
        let puts = bench.store.group_commit(writers, TIME)?;
        table.floor(name, "per s", puts.rate);
        table.floor_spans(name, &puts.spans);
    }
    let chunks = bench.store.chunks(TIME)?;
    let name = "RocksDB synced chunks of 64 KiB";
    table.floor(name, "MiB/s", chunks.rate / CHUNKS_OF_A_MIB);
    table.floor_spans(name, &chunks.spans);
    Ok(())
}
