//! How things are named on the command line: `TYPE/NAME` is a resource, a UUID is a run, and everything can be named
//! by its kind: `pipeline NAME`.
//!
//! A word with a slash is never a kind and a name, since a definition may be called `pipeline`.

use std::fmt;
use std::str::FromStr;

use conveyor_client::Client;
use conveyor_client::proto::Run;

use super::pages::{self, Query};
use super::{Failure, nearest};

/// A kind of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Definition,
    Pipeline,
    Resource,
    Run,
    Driver,
}

/// The kinds by their names in full.
pub(super) const KINDS: [(&str, Kind); 5] = [
    ("definitions", Kind::Definition),
    ("pipelines", Kind::Pipeline),
    ("resources", Kind::Resource),
    ("runs", Kind::Run),
    ("drivers", Kind::Driver),
];

impl FromStr for Kind {
    type Err = Failure;

    fn from_str(word: &str) -> Result<Kind, Failure> {
        match word.to_lowercase().as_str() {
            "definitions" | "definition" | "defs" | "def" => Ok(Kind::Definition),
            "resource-definitions" | "resource-definition" => Ok(Kind::Definition),
            "resourcedefinitions" | "resourcedefinition" => Ok(Kind::Definition),
            "pipelines" | "pipeline" => Ok(Kind::Pipeline),
            "resources" | "resource" | "res" => Ok(Kind::Resource),
            "runs" | "run" => Ok(Kind::Run),
            "drivers" | "driver" => Ok(Kind::Driver),
            _ => Err(Failure::Usage(no_kind(word))),
        }
    }
}

fn no_kind(word: &str) -> String {
    match nearest::word(word, KINDS.map(|(name, _)| name)) {
        Some(near) => format!("{word} is no kind of things; did you mean {near}?"),
        None => format!(
            "{word} is no kind of things: those are definitions, pipelines, resources, runs and drivers. If it is a \
             definition, `conveyor get resources --type {word}` lists its resources, and {word}/NAME is one of them"
        ),
    }
}

/// One thing, by its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Definition(String),
    Pipeline(String),
    Resource { definition: String, name: String },
    Run(String),
    Driver(String),
}

impl Target {
    /// Reads a name of this kind.
    pub(super) fn of(kind: Kind, name: &str) -> Result<Target, Failure> {
        Ok(match kind {
            Kind::Definition => Target::Definition(name.to_owned()),
            Kind::Pipeline => Target::Pipeline(name.to_owned()),
            Kind::Run => Target::Run(name.to_owned()),
            Kind::Driver => Target::Driver(name.to_owned()),
            Kind::Resource => match name.split_once('/') {
                Some((definition, name)) => Target::Resource {
                    definition: definition.to_owned(),
                    name: name.to_owned(),
                },
                None => return Err(Failure::Usage(no_type(name))),
            },
        })
    }

    /// Its name without its kind, as lists show it.
    pub(super) fn name(&self) -> String {
        match self {
            Target::Definition(name) | Target::Pipeline(name) => name.clone(),
            Target::Run(name) | Target::Driver(name) => name.clone(),
            Target::Resource { definition, name } => format!("{definition}/{name}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Target::Definition(_) => "definition",
            Target::Pipeline(_) => "pipeline",
            Target::Resource { .. } => "resource",
            Target::Run(_) => "run",
            Target::Driver(_) => "driver",
        };
        write!(f, "{kind} {}", self.name())
    }
}

fn no_type(name: &str) -> String {
    format!("a resource is TYPE/NAME, such as pipeline/{name}; `conveyor get resources` lists them")
}

/// What the words of a command line name.
pub(super) enum Named {
    /// Everything of a kind.
    All(Kind),
    /// These, one at least.
    These(Vec<Target>),
}

/// Reads `KIND`, `KIND NAME ...`, `TYPE/NAME ...` or `RUN ...`.
pub(super) fn parse(words: &[String]) -> Result<Named, Failure> {
    let (kind, names) = match words {
        [] => {
            return Err(Failure::Usage(
                "name something: KIND NAME, or TYPE/NAME".into(),
            ));
        }
        [first, ..] if first.contains('/') => (Kind::Resource, words),
        [first, ..] if is_run(first) => (Kind::Run, words),
        [first, names @ ..] => (first.parse()?, names),
    };
    if names.is_empty() {
        return Ok(Named::All(kind));
    }
    let targets = names.iter().map(|name| Target::of(kind, name));
    targets.collect::<Result<_, _>>().map(Named::These)
}

/// Reads the names of single things.
pub(super) fn these(words: &[String]) -> Result<Vec<Target>, Failure> {
    match parse(words)? {
        Named::These(targets) => Ok(targets),
        Named::All(_) => Err(Failure::Usage(format!(
            "which of the {}? Give names after it; `conveyor get {0}` lists them",
            words[0]
        ))),
    }
}

/// Reads the name of one thing.
pub(super) fn one(words: &[String]) -> Result<Target, Failure> {
    let targets = these(words)?;
    match <[Target; 1]>::try_from(targets) {
        Ok([target]) => Ok(target),
        Err(several) => Err(Failure::Usage(format!(
            "one at a time: {} were named",
            several.len()
        ))),
    }
}

fn is_run(word: &str) -> bool {
    word.parse::<uuid::Uuid>().is_ok()
}

/// The id of a run: as given, or that of the newest run of the resource `TYPE/NAME`.
pub(super) async fn run_id(client: &Client, word: &str) -> Result<String, Failure> {
    let Some((definition, name)) = word.split_once('/') else {
        return Ok(word.to_owned());
    };
    let query = Query {
        definition: definition.to_owned(),
        name: name.to_owned(),
        ..Query::default()
    };
    if let Some(run) = pages::first::<Run>(client, &query, 1).await?.pop() {
        return Ok(run.id);
    }
    let target = Target::of(Kind::Resource, word)?;
    let none = format!("resource \"{word}\" has no run");
    Err(nearest::explain(client, &target, tonic::Status::not_found(none)).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> String {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        match these(&words) {
            Ok(targets) => targets.iter().map(|it| format!("{it}; ")).collect(),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn words_name_things_by_kind_or_by_their_own_form() {
        assert_eq!(names("Definition a b"), "definition a; definition b; ");
        assert_eq!(
            names("pipeline/r any/x"),
            "resource pipeline/r; resource any/x; "
        );
        assert_eq!(names("resource pipeline/r"), "resource pipeline/r; ");
        assert_eq!(names("pipeline r"), "pipeline r; ");
        let run = "019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01";
        assert_eq!(names(run), format!("run {run}; "));
    }

    #[test]
    fn a_word_that_names_nothing_is_explained() {
        insta::assert_snapshot!(names("piplines x"), @"piplines is no kind of things; did you mean pipelines?");
        insta::assert_snapshot!(names("docker-resource x"), @"docker-resource is no kind of things: those are definitions, pipelines, resources, runs and drivers. If it is a definition, `conveyor get resources --type docker-resource` lists its resources, and docker-resource/NAME is one of them");
        insta::assert_snapshot!(names("resource x"), @"a resource is TYPE/NAME, such as pipeline/x; `conveyor get resources` lists them");
        insta::assert_snapshot!(names("any/r x"), @"a resource is TYPE/NAME, such as pipeline/x; `conveyor get resources` lists them");
        insta::assert_snapshot!(names("drivers"), @"which of the drivers? Give names after it; `conveyor get drivers` lists them");
    }
}
