//! The known word that a mistyped one may stand for.

use conveyor_client::Client;
use conveyor_client::proto::{Driver, Pipeline, Resource, ResourceDefinition};
use tonic::{Code, Status};

use super::Failure;
use super::pages::{self, Query};
use super::show::Shown;
use super::target::Target;

/// The most names that are looked through for one that is near: a page.
const MOST_NAMES: usize = 1000;

/// The known word that differs in a third of its letters at most, if any.
pub(super) fn word<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance =
        |word: &str| strsim::damerau_levenshtein(&given.to_lowercase(), &word.to_lowercase());
    let near = known.into_iter().map(|word| (distance(word), word));
    let (distance, word) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= (given.chars().count() / 3).max(1)).then_some(word)
}

/// What to say of a call about one thing that failed. Of one that is not there, which name is near.
pub(super) async fn explain(client: &Client, target: &Target, status: Status) -> Failure {
    if status.code() != Code::NotFound {
        return status.into();
    }
    let names = match target {
        Target::Definition(_) => names::<ResourceDefinition>(client, Query::default()).await,
        Target::Pipeline(_) => names::<Pipeline>(client, Query::default()).await,
        Target::Driver(_) => names::<Driver>(client, Query::default()).await,
        Target::Resource { definition, .. } => {
            let of_type = Query {
                definition: definition.clone(),
                ..Query::default()
            };
            let mut names = names::<Resource>(client, of_type).await;
            if names.is_empty() {
                names = self::names::<Resource>(client, Query::default()).await;
            }
            names
        }
        Target::Run(_) => Vec::new(),
    };
    match word(&target.name(), names.iter().map(String::as_str)) {
        Some(near) => Failure::Missing(format!("{}; did you mean {near}?", status.message())),
        None => status.into(),
    }
}

/// Names to choose from; none where they cannot be had, since the failure is another.
async fn names<T: pages::Paged>(client: &Client, query: Query) -> Vec<String> {
    let found = pages::first::<T>(client, &query, MOST_NAMES).await;
    found.unwrap_or_default().iter().map(Shown::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let known = ["definitions", "pipelines", "runs"];
        assert_eq!(word("piplines", known), Some("pipelines"));
        assert_eq!(word("RUN", known), Some("runs"));
        assert_eq!(word("docker-resource", known), None);
        assert_eq!(word("x", []), None);
    }
}
