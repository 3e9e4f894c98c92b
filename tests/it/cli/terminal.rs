//! What a person at a terminal sees: colours, what is redrawn in place, progress lines. The terminal is that of
//! `script`, and `vt100` says what stands on its screen.

use std::process::Stdio;

use conveyor_client::proto::RunState;
use insta::assert_snapshot;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::tidied;
use crate::support::{Scripted, Server, soon};

/// A command on a terminal of its own.
struct Terminal {
    child: Child,
    screen: vt100::Parser,
    /// All that was written, as it was written.
    written: String,
}

const WIDTH: u16 = 140;
const HEIGHT: u16 = 40;

impl Terminal {
    fn new(server: &Server, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let conveyor = server.command(arguments);
        let line: Vec<_> = [conveyor.as_std().get_program()]
            .into_iter()
            .chain(conveyor.as_std().get_args())
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let line = format!("stty cols {WIDTH} rows {HEIGHT}; exec {}", line.join(" "));
        let mut command = Command::new("script");
        command
            .args([
                "--quiet",
                "--return",
                "--flush",
                "--command",
                &line,
                "/dev/null",
            ])
            .env_remove("NO_COLOR")
            .env("TERM", "xterm-256color")
            .envs(
                conveyor
                    .as_std()
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .envs(environment.iter().copied())
            .current_dir(server.place())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        Self {
            child: command.spawn().unwrap(),
            screen: vt100::Parser::new(HEIGHT, WIDTH, 0),
            written: String::new(),
        }
    }

    /// Reads on until this stands on the screen, spaces between columns aside; gives the screen.
    async fn shows(&mut self, what: &str) -> String {
        let shown = async {
            while !tidied(&self.text()).contains(what) {
                assert!(self.read().await, "the end came before {what:?}");
            }
        };
        soon(what, shown).await;
        self.text()
    }

    /// Reads to the end; gives what stands on the screen then, all that was written, and the exit code.
    async fn end(mut self) -> (String, String, i32) {
        soon("the end of a command on a terminal", async {
            while self.read().await {}
        })
        .await;
        let status = soon("the end of script", self.child.wait()).await.unwrap();
        (self.text(), self.written, status.code().unwrap())
    }

    async fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let stdout = self.child.stdout.as_mut().expect("it is piped");
        let count = stdout.read(&mut bytes).await.unwrap();
        self.screen.process(&bytes[..count]);
        self.written += &String::from_utf8_lossy(&bytes[..count]);
        count > 0
    }

    fn text(&self) -> String {
        self.screen.screen().contents().trim_end().to_owned()
    }
}

#[tokio::test]
async fn a_run_is_redrawn_in_its_place() {
    let server = Server::start().await;
    server.define("any").await;
    server
        .pipeline("two", "any", &[("1", "builder"), ("2", "pusher")])
        .await;
    let mut builder = Scripted::new(&server, "builder", "any").await;
    let run = server.create_in("two", "any", "r").await;
    let mut terminal = Terminal::new(&server, &["runs", &run, "--watch"], &[]);
    let task = builder.take().await;
    let picture = terminal.shows("1 | builder | RUNNING").await;
    assert_eq!(picture.matches("STEP").count(), 1, "{picture}");
    builder.succeed(&task).await;
    terminal.shows("waits for driver pusher").await;
    let mut pusher = Scripted::new(&server, "pusher", "any").await;
    let task = pusher.take().await;
    pusher.fail(&task, "no space left").await;
    let (screen, written, code) = terminal.end().await;
    assert_snapshot!(tidied(&screen), @r"
    RUN | RESOURCE | EVENT | STATE | AGE | DURATION | REASON
    <id> | any/r | create | FAILED | <span> | <span> | step 2 failed: its driver reported failure

    STEP | DRIVER | STATE | ATTEMPTS | DURATION | MESSAGE
    1 | builder | SUCCEEDED | 1 | <span>
    2 | pusher | FAILED | 1 | <span> | no space left
    ");
    assert!(
        written.contains("\u{1b}[38;5;9mFAILED"),
        "the state is red: {written:?}"
    );
    assert_eq!(code, 0);
}

#[tokio::test]
async fn the_same_in_a_pipe_is_a_line_for_each_change() {
    let server = Server::start().await;
    server.define("any").await;
    server.pipeline("one", "any", &[("1", "builder")]).await;
    let run = server.create_in("one", "any", "r").await;
    let mut command = server.command(&["runs", &run, "--watch"]);
    let watch = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut builder = Scripted::new(&server, "builder", "any").await;
    let task = builder.take().await;
    builder.succeed(&task).await;
    server.run_is(&run, RunState::Succeeded).await;
    let output = soon("the end of the watch", watch.wait_with_output())
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let last: Vec<_> = text.lines().rev().take(2).collect();
    assert_snapshot!(tidied(&last.join("\n")), @r"
    run SUCCEEDED in <span>
    step 1 (builder) SUCCEEDED
    ");
}

#[tokio::test]
async fn lines_of_drivers_have_colours_unless_none_are_wanted() {
    let server = Server::start().await;
    server.define("any").await;
    server
        .pipeline("two", "any", &[("1", "builder"), ("2", "pusher")])
        .await;
    let run = server.create_in("two", "any", "r").await;
    for driver in ["builder", "pusher"] {
        let mut driver = Scripted::new(&server, driver, "any").await;
        let task = driver.take().await;
        driver.log(&task, 0, &["hello"]).await;
        driver.report(Scripted::success(&task, 1)).await;
    }
    server.run_is(&run, RunState::Succeeded).await;
    let (screen, written, _) = Terminal::new(&server, &["logs", &run], &[]).end().await;
    assert_eq!(screen, "builder | hello\npusher  | hello");
    assert_eq!(
        written,
        "\u{1b}[36mbuilder | \u{1b}[39mhello\r\n\u{1b}[32mpusher  | \u{1b}[39mhello\r\n"
    );
    let plain = Terminal::new(&server, &["logs", &run], &[("NO_COLOR", "1")])
        .end()
        .await
        .1;
    assert_eq!(plain, "builder | hello\r\npusher  | hello\r\n");
    let table = Terminal::new(&server, &["get", "drivers"], &[("NO_COLOR", "1")])
        .end()
        .await
        .1;
    assert!(!table.contains('\u{1b}'), "{table:?}");
}

#[tokio::test]
async fn a_difference_is_red_and_green() {
    let server = Server::start().await;
    server
        .apply("name: any\nschema: true\n---\nname: r\nresource: any\nspec: {n: 1}\n")
        .await
        .said();
    server.file("r.yaml", "name: r\nresource: any\nspec: {n: 2}\n");
    let (_, written, code) = Terminal::new(&server, &["diff", "-f", "r.yaml"], &[])
        .end()
        .await;
    assert!(
        written.contains("\u{1b}[31m-  \"n\": 1\u{1b}[39m"),
        "{written:?}"
    );
    assert!(
        written.contains("\u{1b}[32m+  \"n\": 2\u{1b}[39m"),
        "{written:?}"
    );
    assert_eq!(code, 1);
}

#[tokio::test]
async fn long_work_has_a_progress_line_that_goes_away() {
    let server = Server::start().await;
    let mut documents = "name: any\nschema: true\n".to_owned();
    for n in 0..30 {
        documents += &format!("---\nname: r{n}\nresource: any\nspec: {{}}\n");
    }
    server.file("many.yaml", &documents);
    let (screen, written, code) = Terminal::new(&server, &["apply", "-f", "many.yaml"], &[])
        .end()
        .await;
    assert!(written.contains(" of 31 "), "{written:?}");
    assert!(!screen.contains(" of 31"), "{screen}");
    assert_eq!(screen.lines().count(), 31, "{screen}");
    assert_eq!(code, 0);
    let output = server.cli(&["delete", "-f", "many.yaml"]).await.said();
    assert!(!output.contains(" of 31 "), "none in a pipe: {output}");
}

#[tokio::test]
async fn a_wait_says_what_for() {
    let server = Server::start().await;
    server.define("any").await;
    let run = server.create("any", "r").await;
    let mut terminal = Terminal::new(&server, &["wait", "any/r", "--for=ended"], &[]);
    terminal.shows("until any/r is ended").await;
    server.cli(&["cancel", &run]).await.said();
    let (screen, _, code) = terminal.end().await;
    assert_snapshot!(tidied(&screen), @"run <id> CANCELLED");
    assert_eq!(code, 0);
}
