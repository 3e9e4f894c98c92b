//! `conveyor watch`: resources as they stand, and then as they change.

use comfy_table::Cell;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{Resource, WatchResourcesRequest, WatchResourcesResponse};
use conveyor_client::{Client, proto};
use jiff::Timestamp;
use serde::Serialize;

use super::reconnect::Reconnect;
use super::show::{self, Format, FormatArg, Listing, Shown};
use super::{Failure, ServerArg, completion};

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only resources of this definition, or this one
    #[arg(value_name = "TYPE[/NAME]", add = completion::resources())]
    resource: Option<String>,
    /// Go on after this position; without it the resources as they stand come first
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    /// Leave out the resources as they stand
    #[arg(long, conflicts_with = "after")]
    only_changes: bool,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Each change has a position, from which a later watch can go on. The watch outlives restarts of the server and ends
with Ctrl-C. With -o json each change is one line.

Examples:
  conveyor watch
  conveyor watch pipeline --after 4711
  conveyor watch pipeline/ubuntu-pipeline-6 -o json | jq .resource.spec";

/// What was seen of a resource.
#[derive(Serialize)]
struct Sight<D> {
    /// From where a later watch can go on; none while what stands is still coming.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    event: &'static str,
    resource: D,
}

/// Shows what is seen until somebody ends it.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let format = args.server.format(&args.format)?;
    let client = args.server.connect().await?;
    let wanted = args.resource.unwrap_or_default();
    let (definition, name) = match wanted.split_once('/') {
        Some((definition, name)) => (definition, Some(name)),
        None => (wanted.as_str(), None),
    };
    let mut watch = Watch {
        request: WatchResourcesRequest {
            resource: definition.to_owned(),
            after_position: args.after,
            follow: None,
        },
        position: args.after,
        stands: args.after.is_none(),
    };
    let mut listing = Listing::new(&format);
    let mut reconnect = Reconnect::new();
    loop {
        let see = |sight: Sight<Resource>| {
            let is_wanted = name.is_none_or(|name| name == sight.resource.name);
            if !is_wanted || (args.only_changes && sight.event == STANDS) {
                return Ok(());
            }
            print(sight, &format, &mut listing)
        };
        match watch.follow(&client, &mut reconnect, see).await {
            Failure::Answer(status) => reconnect.pause(*status).await?,
            failure => return Err(failure),
        }
    }
}

const STANDS: &str = "STANDS";
const WRITTEN: &str = "WRITTEN";
const DELETED: &str = "DELETED";

/// Where a watch stands.
struct Watch {
    request: WatchResourcesRequest,
    /// Everything up to here was seen; `None` before all resources were seen as they stand.
    position: Option<u64>,
    /// What comes stood there before.
    stands: bool,
}

impl Watch {
    /// Shows what comes until the stream breaks.
    async fn follow(
        &mut self,
        client: &Client,
        reconnect: &mut Reconnect,
        mut see: impl FnMut(Sight<Resource>) -> Result<(), Failure>,
    ) -> Failure {
        self.request.after_position = self.position;
        let mut answers = match client
            .resources()
            .watch_resources(self.request.clone())
            .await
        {
            Ok(answers) => answers.into_inner(),
            Err(status) => return status.into(),
        };
        loop {
            match answers.message().await {
                Ok(Some(answer)) => {
                    reconnect.heard();
                    if let Some(sight) = self.sight(answer)
                        && let Err(failure) = see(sight)
                    {
                        return failure;
                    }
                }
                Ok(None) => return tonic::Status::unavailable("the server ended the watch").into(),
                Err(status) => return status.into(),
            }
        }
    }

    /// What an answer shows. The first bookmark says that all was seen as it stands.
    fn sight(&mut self, answer: WatchResourcesResponse) -> Option<Sight<Resource>> {
        let (event, resource) = match answer.seen? {
            Seen::Resource(resource) if self.stands => (STANDS, resource),
            Seen::Resource(resource) => (WRITTEN, resource),
            Seen::Deleted(resource) => (DELETED, resource),
            Seen::Bookmark(proto::Bookmark {}) => {
                (self.stands, self.position) = (false, Some(answer.position));
                return None;
            }
        };
        self.position = (answer.position > 0).then_some(answer.position);
        Some(Sight {
            position: self.position,
            event,
            resource,
        })
    }
}

fn print(
    sight: Sight<Resource>,
    format: &Format,
    listing: &mut Listing<'_, Sight<Resource>>,
) -> Result<(), Failure> {
    match format {
        Format::Table | Format::Wide => listing.add(&[sight]),
        Format::Json => show::line(show::compact(&sight.document())),
        Format::Yaml | Format::Name | Format::JsonPath(_) => show::one(&sight, format),
    }
}

impl Shown for Sight<Resource> {
    const COLUMNS: &'static [&'static str] = &["POSITION", "EVENT", "REVISION", "RESOURCE"];
    const WIDE: &'static [&'static str] = &["PIPELINE", "WRITTEN"];

    fn row(&self, _: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(self.position.map_or("-".to_owned(), |it| it.to_string())),
            Cell::new(self.event),
            Cell::new(self.resource.revision),
            Cell::new(Shown::name(&self.resource)),
        ]
    }

    fn wide(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.resource.pipeline),
            Cell::new(show::rfc3339(self.resource.update_time.as_ref()).unwrap_or_default()),
        ]
    }

    fn name(&self) -> String {
        Shown::name(&self.resource)
    }

    fn document(&self) -> impl Serialize + '_ {
        Sight {
            position: self.position,
            event: self.event,
            resource: self.resource.document(),
        }
    }
}
