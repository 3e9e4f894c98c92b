//! Who takes part, the load, and its end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conveyor_client::proto::{CreatePipelineRequest, Pipeline, Step};
use conveyor_client::{CancellationToken, Client};
use fastrand::Rng;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Result;
use crate::book::{Book, read};
use crate::check;
use crate::fleet::{Fleet, name};
use crate::killer::Killer;
use crate::person::Person;
use crate::samples::Samples;
use crate::server::Server;
use crate::watcher::Watcher;
use crate::worker::WITHOUT_PIPELINE;

/// The definition of resources that have a pipeline.
pub(crate) const DEFINITION: &str = "job";
/// How many pipelines there are; each has a step more than the one before it.
pub(crate) const PIPELINES: usize = 5;
/// How often the server is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// How often somebody is killed in a soak.
const MINUTE: Duration = Duration::from_secs(60);
/// The two parts of a soak.
const RESTARTED: &str = "killed each minute";
const ALIVE: &str = "in one life";
/// Short, so that what was lost with a driver is given out again soon.
const LEASES: [(&str, &str); 5] = [
    ("CONVEYOR_DRIVER_LEASE_TIME", "4s"),
    ("CONVEYOR_DRIVER_HEARTBEAT_PERIOD", "1s"),
    ("CONVEYOR_DRIVER_ACK_TIME", "2s"),
    ("CONVEYOR_DRIVER_REFUSAL_PAUSE", "500ms"),
    ("CONVEYOR_DRIVER_CANCEL_GRACE", "1s"),
];
/// Short, so that an hour has many times over what is kept.
const RETENTION: [(&str, &str); 6] = [
    ("CONVEYOR_RETENTION_PERIOD", "5s"),
    ("CONVEYOR_RETENTION_RUNS_MAX_AGE", "5m"),
    ("CONVEYOR_RETENTION_LOGS_MAX_AGE", "4m"),
    ("CONVEYOR_RETENTION_REVISIONS_MAX_COUNT", "2"),
    ("CONVEYOR_RETENTION_CHANGES_MAX_AGE", "5m"),
    ("CONVEYOR_RETENTION_CHANGES_MAX_COUNT", "5000"),
];
/// What ended within it is there with retention too.
const SURELY_KEPT: Duration = Duration::from_secs(120);

/// Which play.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A blow every few seconds; all is kept.
    Chaos,
    /// A blow a minute; what is old is removed.
    Soak {
        /// How long the server lives at the end: what grows with the age of a process cannot hide behind restarts then.
        life: Duration,
    },
}

/// What is played.
pub(crate) struct Plan {
    pub(crate) sort: Sort,
    pub(crate) length: Duration,
    /// How many there are who write.
    pub(crate) people: usize,
    pub(crate) seed: u64,
    pub(crate) program: PathBuf,
}

/// The name of the pipeline of so many steps.
pub(crate) fn pipeline(steps: usize) -> String {
    format!("of-{steps}")
}

/// Plays; true: nothing was found. Where something was, the server's files are kept.
pub(crate) async fn play(plan: Plan) -> Result<bool> {
    let place = tempfile::Builder::new().prefix("chaos-").tempdir()?;
    let settings = match plan.sort {
        Sort::Chaos => LEASES.to_vec(),
        Sort::Soak { .. } => [&LEASES[..], &RETENTION[..]].concat(),
    };
    let mut server = Server::start(&plan.program, place.path(), &settings).await?;
    let book = Arc::new(Book::default());
    let mut samples = [Samples::new(RESTARTED), Samples::new(ALIVE)];
    let played = perform(&plan, &mut server, &book, &mut samples).await;
    if let Err(error) = &played {
        book.fault(error.to_string());
    }
    let said = server.stderr()?;
    if said.contains("panicked") {
        book.fault("the server panicked: see its stderr");
    }
    print(&plan, &book);
    if let Sort::Soak { .. } = plan.sort {
        for grown in samples.iter().flat_map(Samples::report) {
            book.fault(format!("not flat: {grown}"));
        }
    }
    drop(server);
    let faults = book.faults();
    println!("{faults} faults");
    if faults > 0 {
        println!("what is left is in {}", place.keep().display());
    }
    Ok(faults == 0)
}

async fn perform(
    plan: &Plan,
    server: &mut Server,
    book: &Arc<Book>,
    samples: &mut [Samples; 2],
) -> Result<()> {
    let url = format!("http://{}", server.address);
    let client = Client::connect(&url).await?;
    prepare(&client).await?;
    let mut dice = Rng::with_seed(plan.seed);
    let mut fleet = Fleet::start(server.address)?;
    let watcher = Watcher::new(client.clone(), Arc::clone(book));
    let (stop_people, stop_watch) = (CancellationToken::new(), CancellationToken::new());
    let watching = tokio::task::spawn_local(watcher.clone().watch(stop_watch.clone()));
    let mut people = JoinSet::new();
    for number in 0..plan.people {
        let person = join(number, server.address, dice.fork(), book).await?;
        people.spawn_local(person.live(stop_people.clone()));
    }
    let mut killer = Killer {
        dice: dice.fork(),
        book: Arc::clone(book),
    };
    let load = Load { plan, book };
    load.go_on(server, &mut fleet, &mut killer, samples).await?;
    fleet.wake()?;
    stop_people.cancel();
    while let Some(ended) = people.join_next().await {
        ended?;
    }
    watcher.compare().await;
    stop_watch.cancel();
    watching.await?;
    drop(fleet);
    look_through(plan, server, &client, book).await
}

/// Looks at the store and at all that is in it, after one more kill.
async fn look_through(
    plan: &Plan,
    server: &mut Server,
    client: &Client,
    book: &Book,
) -> Result<()> {
    eprintln!("looking through all that is there");
    server.kill()?;
    let (clean, said) = server.doctor().await?;
    println!("{}", said.trim_end());
    if !clean {
        book.fault("conveyor doctor is not content");
    }
    server.start_again().await?;
    let kept = matches!(plan.sort, Sort::Soak { .. }).then_some(SURELY_KEPT);
    check::everything(client, book, kept).await?;
    server.kill()
}

async fn join(number: usize, address: SocketAddr, dice: Rng, book: &Arc<Book>) -> Result<Person> {
    Ok(Person {
        number,
        dice,
        client: Client::connect(&format!("http://{address}")).await?,
        address,
        book: Arc::clone(book),
    })
}

/// Makes the definitions and the pipelines.
async fn prepare(client: &Client) -> Result<()> {
    let any = serde_json::json!({"type": "object"});
    client.define(DEFINITION, &any).await?;
    client.define(WITHOUT_PIPELINE, &any).await?;
    for steps in 1..=PIPELINES {
        let step = |number| Step {
            id: format!("s{number}"),
            driver: name(number),
            ..Step::default()
        };
        let request = CreatePipelineRequest {
            pipeline: Some(Pipeline {
                name: pipeline(steps),
                resource: DEFINITION.to_owned(),
                steps: (0..steps).map(|number| step(number + steps)).collect(),
                ..Pipeline::default()
            }),
            ..CreatePipelineRequest::default()
        };
        client.pipelines().create_pipeline(request).await?;
    }
    Ok(())
}

/// The time under load.
struct Load<'a> {
    plan: &'a Plan,
    book: &'a Book,
}

impl Load<'_> {
    async fn go_on(
        &self,
        server: &mut Server,
        fleet: &mut Fleet,
        killer: &mut Killer,
        samples: &mut [Samples; 2],
    ) -> Result<()> {
        let begun = Instant::now();
        let bar = self.bar();
        let (mut blow, mut look, mut told) = (begun, begun + LOOK, begun);
        while begun.elapsed() < self.plan.length {
            sleep(Duration::from_millis(200)).await;
            killer.look_after(server).await?;
            let now = Instant::now();
            if now >= look {
                let at = usize::from(self.is_one_life(begun));
                samples[at].take(server).await?;
                look = now + LOOK;
            }
            if now >= blow {
                blow = match self.plan.sort {
                    Sort::Chaos => {
                        killer.strike(server, fleet).await?;
                        killer.next(500..4000)
                    }
                    Sort::Soak { .. } if self.is_one_life(begun) => {
                        killer.kill_driver(fleet)?;
                        now + MINUTE
                    }
                    Sort::Soak { .. } => {
                        killer.kill_server(server).await?;
                        now + MINUTE
                    }
                };
            }
            let line = self.line(begun);
            if bar.is_hidden() && now >= told {
                eprintln!("{line}");
                told = now + Duration::from_secs(60);
            }
            bar.set_message(line);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Whether the server is not killed any more.
    fn is_one_life(&self, begun: Instant) -> bool {
        match self.plan.sort {
            Sort::Chaos => false,
            Sort::Soak { life } => begun.elapsed() + life >= self.plan.length,
        }
    }

    fn line(&self, begun: Instant) -> String {
        let counts = &self.book.counts;
        let clock = |time: Duration| format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60);
        format!(
            "{} of {}: {} kills, {} runs, {} lines, {} faults",
            clock(begun.elapsed()),
            clock(self.plan.length),
            read(&counts.server_kills) + read(&counts.driver_kills),
            read(&counts.runs),
            read(&counts.lines),
            self.book.faults(),
        )
    }

    fn bar(&self) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(2));
        match ProgressStyle::with_template("{spinner} {wide_msg}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// Prints the figures.
fn print(plan: &Plan, book: &Book) {
    let counts = &book.counts;
    let minutes = plan.length.as_secs_f64() / 60.0;
    println!("seed {}, {minutes:.0} minutes", plan.seed);
    println!(
        "server: {} times killed, {} times stopped; drivers: {} killed, {} stopped, {} frozen",
        read(&counts.server_kills),
        read(&counts.server_stops),
        read(&counts.driver_kills),
        read(&counts.driver_stops),
        read(&counts.driver_freezes),
    );
    println!(
        "{} writes answered, {} runs ended ({}), {} attempts, {} lines",
        read(&counts.writes),
        read(&counts.runs),
        book.ends(),
        read(&counts.attempts),
        read(&counts.lines),
    );
    println!(
        "{} tails read to their end, of SSE and websocket {} times taken up again; {} changes watched",
        read(&counts.tails),
        read(&counts.cut_tails),
        read(&counts.changes),
    );
}
