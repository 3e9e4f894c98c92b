//! `conveyor describe`: everything that a person asks of one thing, at once.

use conveyor_client::proto::{Driver, Pipeline, Resource, ResourceDefinition, Run};
use conveyor_client::{Client, proto};
use jiff::Timestamp;

use super::documents::Document;
use super::fetch::{Fetched, fetch};
use super::pages::{self, Query};
use super::show::{self, Sheet};
use super::target::{self, Target};
use super::{Failure, ServerArg, completion, lines, nearest};

/// Arguments of `describe`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// KIND NAME, TYPE/NAME or RUN
    #[arg(required = true, value_name = "WHAT", add = completion::things())]
    what: Vec<String>,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
A resource is shown with its spec, its last revisions and runs, and what drivers said of it last; a run with its
steps, their attempts and the end of its log; a driver with its instances. The form is for people and may change:
programs use `get -o json`.

Examples:
  conveyor describe pipeline/ubuntu-pipeline-6
  conveyor describe 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01
  conveyor describe driver command-runner";

/// How many of a list are shown, the newest first.
const SHOWN: usize = 10;

/// Shows the thing.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    things(&args.server, &target::these(&args.what)?).await
}

/// Shows these things.
pub(super) async fn things(server: &ServerArg, targets: &[Target]) -> Result<(), Failure> {
    let client = server.connect().await?;
    for (place, target) in targets.iter().enumerate() {
        if place > 0 {
            show::line("")?;
        }
        let sheet = match fetch(&client, target).await {
            Ok(Fetched::Document(Document::Definition(it))) => definition(&client, &it).await?,
            Ok(Fetched::Document(Document::Pipeline(it))) => pipeline(&it),
            Ok(Fetched::Document(Document::Resource(it))) => resource(&client, &it).await?,
            Ok(Fetched::Run(it)) => run_sheet(&client, &it).await?,
            Ok(Fetched::Driver(it)) => driver(&it),
            Err(status) => return Err(nearest::explain(&client, target, status).await),
        };
        show::write(sheet.text())?;
    }
    Ok(())
}

async fn definition(client: &Client, it: &ResourceDefinition) -> Result<Sheet, Failure> {
    let now = Timestamp::now();
    let mut sheet = Sheet::default();
    sheet.field("Definition", &it.name);
    sheet.field("Id", &it.id);
    sheet.field("Description", &it.description);
    sheet.field("Version", &it.version);
    sheet.field("Dialect", &it.dialect);
    sheet.field("Revision", it.revision);
    sheet.field("Created", show::ago(it.create_time.as_ref(), now));
    sheet.field("Changed", show::ago(it.update_time.as_ref(), now));
    sheet.field("Kept", show::kept(it.retention.as_ref()));
    sheet.quote("Schema", &json_as_yaml(&it.schema_json));
    let query = Query {
        definition: it.name.clone(),
        ..Query::default()
    };
    let resources = pages::first::<Resource>(client, &query, SHOWN + 1).await?;
    sheet.section("Resources", &first_of(&resources));
    Ok(sheet)
}

fn pipeline(it: &Pipeline) -> Sheet {
    let now = Timestamp::now();
    let mut sheet = Sheet::default();
    sheet.field("Pipeline", &it.name);
    sheet.field("Id", &it.id);
    sheet.field("Description", &it.description);
    sheet.field("Version", &it.version);
    sheet.field("Definition", &it.resource);
    sheet.field("Revision", it.revision);
    sheet.field("Metadata", show::pairs(&it.metadata));
    sheet.field("Created", show::ago(it.create_time.as_ref(), now));
    sheet.field("Changed", show::ago(it.update_time.as_ref(), now));
    sheet.section("Steps", &show::pipeline_steps(it));
    sheet
}

async fn resource(client: &Client, it: &Resource) -> Result<Sheet, Failure> {
    let now = Timestamp::now();
    let mut sheet = Sheet::default();
    sheet.field("Resource", format_args!("{}/{}", it.resource, it.name));
    sheet.field("Id", &it.id);
    sheet.field("Pipeline", &it.pipeline);
    sheet.field("Revision", it.revision);
    sheet.field("Created", show::ago(it.create_time.as_ref(), now));
    sheet.field("Changed", show::ago(it.update_time.as_ref(), now));
    let mut own = it.metadata.clone();
    own.retain(|key, _| !show::is_servers(key));
    sheet.field("Metadata", show::pairs(&own));
    sheet.quote("Spec", &json_as_yaml(&it.spec_json));
    sheet.quote("Driver results", &driver_results(it));
    let request = proto::ListResourceRevisionsRequest {
        resource: it.resource.clone(),
        name: it.name.clone(),
        page_size: SHOWN as i32,
        page_token: String::new(),
    };
    let revisions = client.resources().list_resource_revisions(request).await?;
    sheet.section(
        "Revisions",
        &show::revisions(&revisions.into_inner().revisions),
    );
    let query = Query {
        definition: it.resource.clone(),
        name: it.name.clone(),
        ..Query::default()
    };
    let runs = pages::first::<Run>(client, &query, SHOWN + 1).await?;
    sheet.section("Runs", &first_of(&runs));
    Ok(sheet)
}

/// What each driver said of the resource last.
fn driver_results(it: &Resource) -> String {
    let results = it.metadata.iter();
    let results = results.filter_map(|(key, value)| {
        let driver = key.strip_prefix("driverresults.")?;
        Some(format!(
            "{driver}: {}\n",
            value.lines().next().unwrap_or_default()
        ))
    });
    let mut results: Vec<_> = results.collect();
    results.sort();
    results.concat()
}

async fn run_sheet(client: &Client, it: &Run) -> Result<Sheet, Failure> {
    let now = Timestamp::now();
    let mut sheet = Sheet::default();
    sheet.field("Run", &it.id);
    let of = format!("{}/{}, revision {}", it.resource, it.name, it.revision);
    sheet.field("Resource", of);
    sheet.field("Pipeline", &it.pipeline);
    sheet.field("Event", &it.event);
    sheet.field("State", show::state_word(it.state()));
    sheet.field("Reason", &it.reason);
    sheet.field("Waits for", &it.waits_for);
    sheet.field("Created", show::ago(it.create_time.as_ref(), now));
    sheet.field("Started", show::ago(it.start_time.as_ref(), now));
    sheet.field("Ended", show::ago(it.end_time.as_ref(), now));
    sheet.field(
        "Duration",
        show::span(it.start_time.as_ref(), it.end_time.as_ref(), now),
    );
    if !it.steps.is_empty() {
        sheet.section("Steps", &show::steps(it));
    }
    sheet.section("Attempts", &show::attempts(it));
    for step in &it.steps {
        let said = [step.message.trim_end(), &json_as_yaml(&step.data_json)].join("\n");
        sheet.quote(&format!("Result of step {}", step.id), said.trim());
    }
    let log = lines::last(client, &it.id, SHOWN as u64).await?;
    sheet.quote("End of the log", &log);
    Ok(sheet)
}

fn driver(it: &Driver) -> Sheet {
    let now = Timestamp::now();
    let mut sheet = Sheet::default();
    sheet.field("Driver", &it.name);
    sheet.field("Definitions", it.definitions.join(", "));
    sheet.field("Events", it.events.join(", "));
    sheet.field(
        "Queued",
        format_args!("{} steps wait for a free slot", it.queued),
    );
    sheet.field("Known since", show::ago(it.create_time.as_ref(), now));
    if it.instances.is_empty() {
        sheet.field("Instances", "none is connected");
    } else {
        sheet.section("Instances", &show::instances(it));
    }
    sheet
}

/// The user's JSON as YAML, without the mark at its front.
fn json_as_yaml(json: &str) -> String {
    let Some(json) = show::raw(json) else {
        return String::new();
    };
    let yaml = show::yaml(&json);
    yaml.trim_start_matches("---").trim_start().to_owned()
}

/// The first of a list as a table, and a word where there are more.
fn first_of<T: show::Shown>(items: &[T]) -> String {
    match items {
        [] => "none".to_owned(),
        [first @ .., _] if items.len() > SHOWN => format!("{}\n...", show::table(first)),
        items => show::table(items),
    }
}
