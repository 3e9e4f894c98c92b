//! `make bench` and `make bench-full`: how fast the server is, as ratios to floors measured beside it.
//!
//! The load runs on one thread of this process; the server is a process of its own, and so is the floor that
//! answers over the wire. Each subject measures its floors and itself in turn, five rounds of it, so that what
//! else the machine does falls on both. `README.md` says how to read the table.

mod compare;
mod crowd;
mod cycles;
mod dispatch;
mod driver;
mod events;
mod fill;
mod fleet;
mod floors;
mod follower;
mod footprint;
mod grown;
mod hot_run;
mod http;
mod kept;
mod languages;
mod lines;
mod lists;
mod log_lines;
mod log_reads;
mod looks;
mod machine;
mod processor;
mod reads;
mod replay;
mod restarts;
mod scan_floor;
mod server;
mod soak;
mod spans;
mod store_floor;
mod subjects;
mod table;
mod tails;
mod wire_floor;

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Parser;
use compare::Comparison;
use store_floor::StoreFloor;
use subjects::Kind;
use table::Table;
use tempfile::TempDir;
use wire_floor::WireFloor;

/// What can go wrong in a run of the harness: it ends, and there is no table.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How often each figure is taken.
const ROUNDS: usize = 5;

/// What every subject is given: what to measure, how often, where to keep stores, and the floors.
struct Bench {
    /// The server's binary.
    program: PathBuf,
    /// How often each figure is taken.
    rounds: usize,
    /// By how much long subjects are smaller than their rows say, for trying them.
    scale: f64,
    place: TempDir,
    wire: WireFloor,
    store: StoreFloor,
}

impl Bench {
    fn place(&self) -> &Path {
        self.place.path()
    }

    /// A size that rows speak of, or less of it in a trial.
    fn scaled(&self, size: usize) -> usize {
        (size as f64 * self.scale) as usize
    }
}

/// What cargo and make hand down.
#[derive(Parser)]
struct Arguments {
    /// Cargo gives it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
    /// Measures the subjects that take long, in place of the others.
    #[arg(long)]
    full: bool,
    /// Compares with another server: its binary.
    #[arg(long)]
    base: Option<PathBuf>,
    /// What the other server is called.
    #[arg(long, default_value = "base")]
    base_name: String,
    /// Tries long subjects at a part of the sizes that their rows name.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// The subjects to measure, in place of all.
    subjects: Vec<String>,
}

fn main() -> Result<()> {
    machine::allow_many_connections()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if std::env::args().nth(1).as_deref() == Some(wire_floor::ARGUMENT) {
        return runtime.block_on(wire_floor::serve());
    }
    runtime.block_on(run(Arguments::parse()))
}

async fn run(arguments: Arguments) -> Result<()> {
    let place = TempDir::new_in(beside_binary()?)?;
    let head = machine::Head::look(place.path())?;
    let mut bench = Bench {
        program: env!("CARGO_BIN_EXE_conveyor").into(),
        rounds: ROUNDS,
        scale: arguments.scale,
        wire: WireFloor::start().await?,
        store: StoreFloor::open(&place.path().join("floor"))?,
        place,
    };
    let names = &arguments.subjects;
    if let Some(base) = arguments.base {
        let mut comparison = Comparison::new(base, bench.program.clone());
        for subject in subjects::pick(names, &[Kind::Short])? {
            comparison.measure(subject, &mut bench).await?;
        }
        let head = head.with_load_at_end()?;
        println!("base {}, head {head}\n{comparison}", arguments.base_name);
        return Ok(());
    }
    let kind = if arguments.full {
        Kind::Long
    } else {
        Kind::Short
    };
    let mut table = Table::default();
    for subject in subjects::pick(names, &[Kind::Floors, kind])? {
        eprintln!("measuring {}", subject.name);
        subject.measure(&bench, &mut table).await?;
    }
    if arguments.scale < 1.0 {
        println!("a trial: {} of the sizes that rows name\n", arguments.scale);
    }
    println!("{}\n{table}", head.with_load_at_end()?);
    Ok(())
}

/// Stores are kept where build output is: on a disk like the one that people use.
fn beside_binary() -> Result<PathBuf> {
    let binary = std::env::current_exe()?;
    Ok(binary.parent().ok_or("a binary has a folder")?.to_owned())
}
