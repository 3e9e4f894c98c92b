//! A page of figures as a test reads it.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::Server;

/// What a server answered to `GET /metrics`.
pub(super) struct Page {
    pub(super) text: String,
    /// The value of each series, as it is written: name and labels.
    series: BTreeMap<String, f64>,
}

/// One figure as it is described.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) kind: String,
    /// Its labels, in their order.
    pub(super) labels: String,
    pub(super) help: String,
}

impl Page {
    pub(super) async fn of(server: &Server) -> Self {
        let answer = server.get("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let series = answer.body.lines().filter(|line| !line.starts_with('#'));
        let series = series.map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a value follows");
            (series.to_owned(), value.parse().expect("a number"))
        });
        Self {
            series: series.collect(),
            text: answer.body,
        }
    }

    /// The value of a series; 0 where it is not there.
    pub(super) fn value(&self, series: &str) -> f64 {
        self.series.get(series).copied().unwrap_or_default()
    }

    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    /// The names of all series.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.series.keys().map(|series| name_of(series)).collect()
    }

    /// All figures as they are described, with the labels that their series have.
    pub(super) fn described(&self) -> Vec<Described> {
        let lines = self.text.lines();
        let helps = lines.filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
        let kinds: BTreeMap<&str, &str> = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
            .collect();
        let describe = |(name, help): (&str, &str)| Described {
            name: name.to_owned(),
            kind: kinds[name].to_owned(),
            labels: self.labels(name),
            help: help.to_owned(),
        };
        helps.map(describe).collect()
    }

    fn labels(&self, name: &str) -> String {
        let of_it = |series: &&String| {
            let series = name_of(series);
            ["", "_bucket"]
                .iter()
                .any(|end| series == format!("{name}{end}"))
        };
        let series = self.series.keys().find(of_it);
        let series = series.unwrap_or_else(|| panic!("{name} has no series"));
        let Some((_, labels)) = series.split_once('{') else {
            return String::new();
        };
        let names = labels
            .split("\",")
            .filter_map(|label| label.split_once('='));
        let names = names.map(|(name, _)| name).filter(|name| *name != "le");
        names.collect::<Vec<_>>().join(", ")
    }
}

fn name_of(series: &str) -> &str {
    series.split('{').next().expect("there is always a first")
}
