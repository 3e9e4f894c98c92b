//! docs/metrics.md lists each figure that is served, and no other.

use super::page::{Described, Page};
use crate::support::{Scripted, Server, resource};

#[tokio::test]
async fn the_reference_lists_exactly_what_is_served() {
    let server = Server::start().await;
    server.define("t").await;
    server.pipelines();
    let driver = Scripted::new(&server, "d", "t").await;
    server.try_create(resource("t", "a")).await.unwrap();
    server.get("/health").await;
    let page = Page::of(&server).await;
    let row = |it: Described| {
        let labels = match it.labels.as_str() {
            "" => String::new(),
            labels => labels
                .split(", ")
                .map(|label| format!("`{label}`"))
                .collect::<Vec<_>>()
                .join(", "),
        };
        format!("| `{}` | {} | {labels} | {} |", it.name, it.kind, it.help)
    };
    let served: Vec<String> = page.described().into_iter().map(row).collect();
    let reference = include_str!("../../../docs/metrics.md");
    let listed: Vec<&str> = reference
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(
        listed,
        served,
        "docs/metrics.md should have:\n{}\n",
        served.join("\n")
    );
    drop(driver);
}
