//! `chaos`: a server, twenty drivers and people who work with them, while the first two are killed at random.
//!
//! | module | what it owns |
//! |---|---|
//! | `scene` | who takes part, the load, and its end |
//! | `server`, `fleet` | the processes that are killed |
//! | `worker` | what a driver's process does |
//! | `person`, `request` | somebody who writes and follows what comes of it; a call that goes on until it is answered |
//! | `follower` | the log of a run by gRPC, SSE or websocket |
//! | `watcher` | one watch of all resources |
//! | `book` | what was answered, what was seen, and what is wrong |
//! | `check` | what must be true of a run, and of everything at the end |
//! | `killer` | who is killed, and when |
//! | `samples` | what the server holds over time, and whether that is flat |
//!
//! It knows the server as its users do, by its program and its port, and links nothing of it.

mod book;
mod check;
mod fleet;
mod follower;
mod killer;
mod person;
mod request;
mod samples;
mod scene;
mod server;
mod watcher;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// What ends a part of the play for good.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

/// Kills a server and its drivers at random under load, and checks what was promised.
#[derive(Parser)]
#[command(name = "chaos")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kills every few seconds; everything is kept and checked at the end.
    Chaos(Play),
    /// Removes what is old and kills once a minute: first the server, then drivers alone. What the server holds must
    /// stay flat, over its restarts and in its one long life after them.
    Soak(Soak),
    /// One driver: what the other two start twenty times.
    #[command(hide = true)]
    Driver(worker::Work),
}

#[derive(clap::Args)]
struct Soak {
    #[command(flatten)]
    play: Play,
    /// How long the server is not killed at the end, in minutes: two thirds of all by default.
    #[arg(long, value_name = "MINUTES")]
    life: Option<f64>,
}

/// How long, and what with.
#[derive(clap::Args)]
struct Play {
    /// How long, in minutes.
    #[arg(long, value_name = "MINUTES")]
    minutes: f64,
    /// How many people there are.
    #[arg(long, default_value_t = 12)]
    people: usize,
    /// Who is killed when, and what people do, follow from it. A random one by default.
    #[arg(long)]
    seed: Option<u64>,
    /// The server's program: the `conveyor` beside this program by default.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

// One thread: what is measured is the server.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let played = match Arguments::parse().command {
        Command::Driver(work) => worker::run(work).await.map(|()| true),
        Command::Chaos(play) => perform(play, scene::Sort::Chaos).await,
        Command::Soak(Soak { play, life }) => {
            let life = minutes(life.unwrap_or(play.minutes * 2.0 / 3.0));
            perform(play, scene::Sort::Soak { life }).await
        }
    };
    match played {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::from(2)
        }
    }
}

fn minutes(number: f64) -> Duration {
    Duration::from_secs_f64(number * 60.0)
}

/// Plays; true: nothing was found.
async fn perform(play: Play, sort: scene::Sort) -> Result<bool> {
    let beside = std::env::current_exe()?.with_file_name("conveyor");
    let program = play.server.unwrap_or(beside);
    let seed = play.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    let plan = scene::Plan {
        sort,
        length: minutes(play.minutes),
        people: play.people,
        seed,
        program,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let scene = LocalSet::new();
    tokio::select! {
        played = scene.run_until(scene::play(plan)) => played,
        // Server and drivers end with the scene.
        _ = terminate.recv() => Err("stopped before its end".into()),
        _ = interrupt.recv() => Err("stopped before its end".into()),
    }
}
