//! A driver of thirty lines: greets each `person`, line by line, and stops when it is told to.
//!
//! Run it with `cargo run -p conveyor-client --example greeter` beside a server.

use std::time::Duration;

use conveyor_client::{Driver, Error, Manager, Outcome, Task};

#[derive(serde::Deserialize)]
struct Person {
    greetings: Vec<String>,
}

async fn greet(task: Task) -> Result<Outcome, serde_json::Error> {
    let person: Person = task.spec()?;
    for greeting in &person.greetings {
        let text = format!("{greeting}, {}", task.resource.name);
        task.log.line("stdout", text).await;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            why = task.cancel.cancelled() => {
                return Ok(Outcome::failure(format!("stopped: {:?}", why.reason)));
            }
        }
    }
    let count = person.greetings.len();
    Ok(Outcome::success("greeted").data(serde_json::json!({ "greetings": count })))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let greeter = Driver::new("greeter", greet)
        .definitions(["person"])
        .slots(4);
    Manager::default().driver(greeter).run_until_signal().await
}
