//! `conveyor diff`: what `apply` would change.

use std::path::PathBuf;

use conveyor_client::Client;
use owo_colors::OwoColorize;
use similar::{ChangeTag, TextDiff};

use super::documents::{self, Found};
use super::{Exit, Failure, ServerArg, fetch, show};

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// File, directory (its *.json, *.yaml and *.yml) or - for standard input
    #[arg(short, long = "file", value_name = "FILE", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Exit code 0: apply would change nothing. 1: it would. 2 or more: it could not be told. Nothing is written, and what a
spec means is checked by apply only.

Examples:
  conveyor diff -f examples/
  conveyor diff -f examples/ && echo nothing to do";

/// How many lines that stay are shown around those that change.
const AROUND: usize = 3;

/// Shows what differs, document by document.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let not_compared = |failure| Failure::NotCompared(Box::new(failure));
    match compare(args).await.map_err(not_compared)? {
        0 => Ok(()),
        _ => Err(Failure::Said(Exit::Failed)),
    }
}

/// Shows what differs; gives how many documents do.
async fn compare(args: Args) -> Result<usize, Failure> {
    let found = documents::read(&args.files)?;
    let client = args.server.connect().await?;
    let mut differing = 0;
    for found in found {
        let difference = difference(&client, &found).await?;
        differing += usize::from(!difference.is_empty());
        show::write(&difference)?;
    }
    Ok(differing)
}

/// The unified difference from what stands to what is given; empty where there is none.
async fn difference(client: &Client, found: &Found) -> Result<String, Failure> {
    let document = &found.document;
    let before = fetch::present(client, &document.target()).await?;
    let (from, before) = match before {
        Some(before) => (
            format!("{} revision {}", document.title(), before.revision()),
            before.yaml(),
        ),
        None => ("/dev/null".to_owned(), String::new()),
    };
    let after = document.yaml();
    if before == after {
        return Ok(String::new());
    }
    let texts = TextDiff::from_lines(&before, &after);
    let mut out = format!("--- {from}\n+++ {} in {}\n", document.title(), found.place);
    for hunk in texts.unified_diff().context_radius(AROUND).iter_hunks() {
        out += &format!("{}\n", hunk.header());
        for change in hunk.iter_changes() {
            out += &coloured(change.tag(), &format!("{}{}", change.tag(), change.value()));
        }
    }
    Ok(out)
}

fn coloured(tag: ChangeTag, line: &str) -> String {
    let text = line.trim_end_matches('\n');
    match tag {
        ChangeTag::Delete if show::on_terminal() => format!("{}\n", text.red()),
        ChangeTag::Insert if show::on_terminal() => format!("{}\n", text.green()),
        ChangeTag::Delete | ChangeTag::Insert | ChangeTag::Equal => format!("{text}\n"),
    }
}
