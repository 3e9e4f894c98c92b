//! What the server holds over time: memory, open files, threads, disk. Flat is what is in its last third as it was in
//! the second.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use comfy_table::Table;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;
use crate::server::Server;

/// What is looked at: its name, how much more the last third may have in parts of the second, and how much more in any
/// case, since a few files or threads more or less are no growth.
const FIGURES: [(&str, f64, f64); 6] = [
    ("memory, MiB", 0.10, 8.0),
    // Tables fill up and are written to files, so that they swing between nothing and their bound.
    ("of that RocksDB's tables and cache, MiB", 0.0, 64.0),
    // What has no bound of its own: a leak would be here.
    ("the rest of it, MiB", 0.0, 6.0),
    ("open files", 0.10, 8.0),
    ("threads", 0.0, 2.0),
    ("disk, MiB", 0.10, 8.0),
];
/// What the server says of RocksDB's memory.
const OF_ROCKSDB: [&str; 2] = [
    "conveyor_rocksdb_memtables_bytes",
    "conveyor_rocksdb_block_cache_bytes",
];
const MIB: f64 = (1 << 20) as f64;

/// One look.
struct Sample {
    /// Since the first.
    at: Duration,
    figures: [f64; FIGURES.len()],
}

/// All looks at one part of the play.
pub(crate) struct Samples {
    part: &'static str,
    begun: Instant,
    all: Vec<Sample>,
}

impl Samples {
    /// None yet.
    pub(crate) fn new(part: &'static str) -> Self {
        Self {
            part,
            begun: Instant::now(),
            all: Vec::new(),
        }
    }

    /// Looks at a server that runs.
    pub(crate) async fn take(&mut self, server: &Server) -> Result<()> {
        let process = Path::new("/proc").join(server.pid().to_string());
        let rocksdb = rocksdb_bytes(&metrics(server.address).await?) / MIB;
        let status = std::fs::read_to_string(process.join("status"))?;
        let number = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|line| line.split_whitespace().next());
            Ok(word.ok_or_else(|| format!("no {name}"))?.parse()?)
        };
        let files = std::fs::read_dir(process.join("fd"))?.count();
        let memory = number("VmRSS:")? / 1024.0;
        let figures = [
            memory,
            rocksdb,
            memory - rocksdb,
            files as f64,
            number("Threads:")?,
            bytes(&server.data())? as f64 / MIB,
        ];
        let at = self.begun.elapsed();
        self.all.push(Sample { at, figures });
        Ok(())
    }

    /// Prints each figure; gives those that are not flat.
    pub(crate) fn report(&self) -> Vec<String> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let third = self.all.len() / 3;
        let (_, warm) = self.all.split_at(third);
        let mut table = Table::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        table.set_header([
            &format!("what the server holds {}", self.part),
            "first third",
            "second",
            "last",
            "most",
            "slope after the first, per hour",
            "flat",
        ]);
        let mut grown = Vec::new();
        for (at, (name, part, least)) in FIGURES.into_iter().enumerate() {
            let of = |samples: &[Sample]| -> Vec<f64> {
                samples.iter().map(|it| it.figures[at]).collect()
            };
            let all = of(&self.all);
            let (first, second, last) = (
                median(&all[..third]),
                median(&all[third..2 * third]),
                median(&all[2 * third..]),
            );
            let is_flat = last - second <= (second * part).max(least);
            if !is_flat {
                let part = self.part;
                grown.push(format!("{name}, {part}: {second:.1}, and then {last:.1}"));
            }
            let hours: Vec<f64> = warm.iter().map(|it| it.at.as_secs_f64() / 3600.0).collect();
            table.add_row([
                name.to_owned(),
                format!("{first:.1}"),
                format!("{second:.1}"),
                format!("{last:.1}"),
                format!("{:.1}", all.iter().copied().fold(0.0, f64::max)),
                format!("{:+.1}", slope(&hours, &of(warm))),
                if is_flat { "yes" } else { "NO" }.to_owned(),
            ]);
        }
        println!("{table}");
        grown
    }
}

/// What the server says of itself.
async fn metrics(address: SocketAddr) -> Result<String> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = http::Request::get("/metrics")
        .header("host", address.to_string())
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.into())?)
}

/// What it says of RocksDB's memory, of all families together.
fn rocksdb_bytes(metrics: &str) -> f64 {
    let value = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        let name = name.split('{').next()?;
        OF_ROCKSDB
            .contains(&name)
            .then(|| value.parse::<f64>().ok())?
    };
    metrics.lines().filter_map(value).sum()
}

/// The bytes of all files below a folder, as the disk counts them.
fn bytes(folder: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // A file may be removed while they are counted.
        let Ok(its) = entry.metadata() else { continue };
        sum += if its.is_dir() {
            bytes(&entry.path()).unwrap_or_default()
        } else {
            its.blocks() * 512
        };
    }
    Ok(sum)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Of the line that fits best, by least squares.
fn slope(xs: &[f64], ys: &[f64]) -> f64 {
    let number = xs.len().max(1) as f64;
    let (mean_x, mean_y) = (
        xs.iter().sum::<f64>() / number,
        ys.iter().sum::<f64>() / number,
    );
    let pairs = xs.iter().zip(ys);
    let along: f64 = pairs.map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let spread: f64 = xs.iter().map(|x| (x - mean_x).powi(2)).sum();
    if spread == 0.0 { 0.0 } else { along / spread }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of which each figure is so much at each of these moments.
    fn samples(memory: impl Fn(u64) -> f64) -> Samples {
        let all = (0..90).map(|minute| Sample {
            at: Duration::from_secs(60 * minute),
            figures: [memory(minute), 60.0, 40.0, 50.0, 20.0, 100.0],
        });
        Samples {
            part: "in a test",
            begun: Instant::now(),
            all: all.collect(),
        }
    }

    #[test]
    fn what_grows_is_told_and_what_swings_is_not() {
        let grows = samples(|minute| 100.0 + 2.0 * minute as f64);
        assert_eq!(grows.report().len(), 1);
        let swings = samples(|minute| 100.0 + 40.0 * (minute % 10) as f64);
        assert_eq!(swings.report(), Vec::<String>::new());
        let warms = samples(|minute| 20.0 * minute.min(30) as f64);
        assert_eq!(warms.report(), Vec::<String>::new());
    }

    #[test]
    fn memory_of_rocksdb_is_that_of_its_families_and_its_cache() {
        let metrics = "# TYPE conveyor_rocksdb_memtables_bytes gauge\n\
            conveyor_rocksdb_memtables_bytes{family=\"runs\"} 3\n\
            conveyor_rocksdb_memtables_bytes{family=\"logs\"} 40\n\
            conveyor_rocksdb_memtables_waiting{family=\"logs\"} 500\n\
            conveyor_rocksdb_block_cache_bytes 6000\n\
            conveyor_rocksdb_block_cache_capacity_bytes 70000\n";
        assert_eq!(rocksdb_bytes(metrics), 6043.0);
    }

    #[test]
    fn slope_of_a_line_is_its_own() {
        assert_eq!(slope(&[0.0, 1.0, 2.0], &[5.0, 8.0, 11.0]), 3.0);
    }
}
