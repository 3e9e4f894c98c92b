//! Hours of mixed load made short: people who create, update, read and delete, and drivers that come and go. What
//! the server holds and how long an offer takes should stay as they are once it is warm.

mod people;
mod workers;

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use people::Person;
use tokio::task::{JoinSet, LocalSet};

use super::driver::Driver;
use super::server::{Server, resident_mib, resource};
use super::spans::Spans;
use super::table::{Aim, Row, Table, spread};
use super::{Bench, Result};

/// How long all of it takes, in seconds.
const SECONDS: usize = 600;
/// Looks at the server, of which the first third is its warming up.
const LOOKS: usize = 60;
const PEOPLE: usize = 8;
const WORKERS: usize = 8;
/// The most steps of a pipeline.
const STEPS: usize = 5;
/// The time between two creates of which the offer is timed.
const PROBE_EVERY: Duration = Duration::from_millis(10);

const MEMORY: Row = Row {
    name: "mixed load: most memory (RSS), last third",
    unit: "MiB",
    floor: "the same, second third",
    aim: Aim::AtMost(1.1),
};
const DISK: Row = Row {
    name: "mixed load: disk for each run so far, last third",
    unit: "KiB",
    ..MEMORY
};
const OFFER_P99: Row = Row {
    name: "mixed load: gRPC create -> offer, p99, last third",
    unit: "us",
    aim: Aim::AtMost(1.3),
    ..MEMORY
};
const RUNS: Row = Row {
    name: "mixed load: runs in all",
    unit: "runs",
    floor: "none",
    aim: Aim::More,
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let server = Server::start(bench).await?;
    server.define("job").await?;
    server.define("probe").await?;
    for steps in 1..=STEPS {
        let name = pipeline_of(steps);
        server
            .create_pipeline(&name, "job", "builder", steps)
            .await?;
    }
    // People and workers share the server's handle with the one who watches, on this thread.
    LocalSet::new()
        .run_until(under_load(bench, table, Rc::new(server)))
        .await
}

async fn under_load(bench: &Bench, table: &mut Table, server: Rc<Server>) -> Result<()> {
    let runs = Rc::new(AtomicU64::new(0));
    let mut load: JoinSet<Result<()>> = JoinSet::new();
    for at in 0..WORKERS {
        load.spawn_local(workers::come_and_go(Rc::clone(&server), at));
    }
    for _ in 0..PEOPLE {
        let person = Person::join(&server, Rc::clone(&runs)).await?;
        load.spawn_local(person.live());
    }
    let looks = tokio::select! {
        looks = watch(bench, &server, &runs) => looks?,
        // They go on until they are stopped: one that ends has failed.
        Some(ended) = load.join_next() => return Err(format!("the load ended: {:?}", ended?).into()),
    };
    load.shutdown().await;
    fill_in(table, &looks, runs.load(Ordering::Relaxed));
    Ok(())
}

/// What the server held at a moment, and how long offers took since the moment before.
struct Look {
    mib: f64,
    kib_for_a_run: f64,
    offer_p99: f64,
}

/// Times offers and looks at the server until the time is over.
async fn watch(bench: &Bench, server: &Server, runs: &AtomicU64) -> Result<Vec<Look>> {
    let every = Duration::from_secs_f64(bench.scaled(SECONDS) as f64 / LOOKS as f64);
    let mut client = ResourceServiceClient::new(server.channel().await?);
    let mut driver = Driver::join(server, "prober", "probe", 1).await?;
    let mut looks = Vec::new();
    while looks.len() < LOOKS {
        let mut offers = Spans::default();
        let end = Instant::now() + every;
        while Instant::now() < end {
            tokio::time::sleep(PROBE_EVERY).await;
            let request = resource("probe", server.new_name(), "");
            let start = Instant::now();
            let (answered, offered) = tokio::join!(client.create_resource(request), async {
                let task = driver.offer().await;
                (task, start.elapsed())
            });
            answered?;
            let task = offered.0?;
            driver.accept(&task).await?;
            driver.succeed(&task, 0).await?;
            driver.applied().await?;
            runs.fetch_add(1, Ordering::Relaxed);
            offers.add(offered.1);
        }
        looks.push(Look {
            mib: resident_mib(server.pid())?,
            kib_for_a_run: server.disk_kib()? / runs.load(Ordering::Relaxed) as f64,
            offer_p99: offers.p99(),
        });
        tell(&looks, runs);
    }
    Ok(looks)
}

/// Says every now and then how it stands.
fn tell(looks: &[Look], runs: &AtomicU64) {
    if let (0, Some(look)) = (looks.len() % 6, looks.last()) {
        eprintln!(
            "  {} of {LOOKS}: {} runs, {:.0} MiB of memory, {:.1} KiB of disk for each run, p99 of an offer {:.0} us",
            looks.len(),
            runs.load(Ordering::Relaxed),
            look.mib,
            look.kib_for_a_run,
            look.offer_p99,
        );
    }
}

/// Sets the last third beside the second.
fn fill_in(table: &mut Table, looks: &[Look], runs: u64) {
    let (before, after) = looks[LOOKS / 3..].split_at(LOOKS / 3);
    let figures = |of: fn(&Look) -> f64| [after, before].map(|it| it.iter().map(of).collect());
    let [after_mib, before_mib]: [Vec<f64>; 2] = figures(|look| look.mib);
    table.row(MEMORY, spread(&after_mib).2, spread(&before_mib).2);
    let [after_kib, before_kib]: [Vec<f64>; 2] = figures(|look| look.kib_for_a_run);
    table.row(DISK, spread(&after_kib).1, spread(&before_kib).1);
    let [after_p99, before_p99]: [Vec<f64>; 2] = figures(|look| look.offer_p99);
    table.row(OFFER_P99, spread(&after_p99).1, spread(&before_p99).1);
    table.published(RUNS, runs as f64);
}

/// The name of the pipeline of so many steps.
fn pipeline_of(steps: usize) -> String {
    format!("of-{steps}")
}
