//! `make bench` and `make bench-full`: how fast the server is, as ratios to floors measured beside it.
//!
//! The load runs on one thread of this process; the server is a process of its own, and so is the floor that
//! answers over the wire. Each subject measures its floors and itself in turn, five rounds of it, so that what
//! else the machine does falls on both. `README.md` says how to read the table.

mod cycles;
mod dispatch;
mod driver;
mod events;
mod floors;
mod follower;
mod footprint;
mod http;
mod lists;
mod log_lines;
mod machine;
mod reads;
mod server;
mod spans;
mod store_floor;
mod subjects;
mod table;
mod tails;
mod wire_floor;

use std::error::Error;
use std::path::{Path, PathBuf};

use store_floor::StoreFloor;
use subjects::{Kind, Subject};
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
    place: TempDir,
    wire: WireFloor,
    store: StoreFloor,
}

impl Bench {
    fn place(&self) -> &Path {
        self.place.path()
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().map(String::as_str) == Some(wire_floor::ARGUMENT) {
        return runtime.block_on(wire_floor::serve());
    }
    // Cargo hands down `--bench`; what has no dash are the names of the subjects to measure.
    let (options, names): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|it| it.starts_with('-'));
    let kind = match options.iter().any(|it| it == "--full") {
        true => Kind::Long,
        false => Kind::Short,
    };
    runtime.block_on(run(&subjects::pick(&names, &[Kind::Floors, kind])?))
}

async fn run(subjects: &[&Subject]) -> Result<()> {
    let place = TempDir::new_in(beside_binary()?)?;
    let head = machine::Head::look(place.path())?;
    let bench = Bench {
        program: env!("CARGO_BIN_EXE_conveyor").into(),
        rounds: ROUNDS,
        wire: WireFloor::start().await?,
        store: StoreFloor::open(&place.path().join("floor"))?,
        place,
    };
    let mut table = Table::default();
    for subject in subjects {
        eprintln!("measuring {}", subject.name);
        subject.measure(&bench, &mut table).await?;
    }
    println!("{}\n{table}", head.with_load_at_end()?);
    Ok(())
}

/// Stores are kept where build output is: on a disk like the one that people use.
fn beside_binary() -> Result<PathBuf> {
    let binary = std::env::current_exe()?;
    Ok(binary.parent().ok_or("a binary has a folder")?.to_owned())
}
