//! What stands in deploy/: every figure that the dashboard and the rules name is served, and Prometheus takes the files.

use std::collections::BTreeSet;

use serde_json::Value;

use super::page::Page;
use super::promtool;
use crate::support::{Scripted, Server};

const DASHBOARD: &str = include_str!("../../../deploy/grafana/conveyor.json");
const RULES: &str = include_str!("../../../deploy/prometheus/conveyor.rules.yml");

/// The figures that a text names: every word with one of our beginnings.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = ["conveyor_", "http_", "process_"];
    words
        .filter(|word| ours.iter().any(|it| word.starts_with(it)))
        .collect()
}

#[tokio::test]
async fn every_figure_of_the_dashboard_and_the_rules_is_served() {
    let server = Server::start().await;
    server.define("t").await;
    let driver = Scripted::new(&server, "d", "t").await;
    server.create("t", "a").await;
    server.get("/health").await;
    let page = Page::of(&server).await;
    let served = page.names();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let expressions: Vec<&str> = targets
        .flatten()
        .map(|it| it["expr"].as_str().unwrap())
        .collect();
    assert!(expressions.len() > 50, "{expressions:?}");
    let named: BTreeSet<&str> = expressions
        .iter()
        .flat_map(|it| named(it))
        .chain(named(RULES))
        .collect();
    let unknown: Vec<_> = named.difference(&served).collect();
    assert!(unknown.is_empty(), "named but not served: {unknown:?}");
    drop(driver);
}

#[test]
fn prometheus_takes_the_configuration_and_every_expression_of_the_dashboard() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/prometheus");
    promtool(&["check", "config", &format!("{files}/prometheus.yml")], "").unwrap();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    // As rules, so that one call checks all of them. Grafana fills its variables in before Prometheus sees them.
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    for target in panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten()
    {
        let expression = target["expr"].as_str().unwrap();
        let expression = expression
            .replace("$__rate_interval", "5m")
            .replace("$instance", ".*");
        let legend = target["legendFormat"].as_str().unwrap();
        rules += &format!(
            "  - record: checked\n    labels: {{legend: {}}}\n    expr: {}\n",
            Value::from(legend),
            Value::from(expression)
        );
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, rules.as_bytes()).unwrap();
    promtool(
        &[
            "check",
            "rules",
            "--lint=none",
            file.path().to_str().unwrap(),
        ],
        "",
    )
    .unwrap();
}

#[test]
fn rules_alert_also_where_most_series_are_not_there_yet() {
    let tests = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/metrics/rules.test.yml"
    );
    promtool(&["test", "rules", tests], "").unwrap();
}
