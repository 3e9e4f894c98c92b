//! The arrows between the rooms of `src/`: api -> engine -> store -> model, and which library belongs to which room.
//! Imports are read as text, so that an arrow that runs up fails here and not in a review.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room, a folder or a file of `src/`, and the rooms that it may name besides itself.
const ROOMS: [(&str, &[&str]); 21] = [
    ("aside", &[]),
    ("crash", &[]),
    // What is built with tests only: faults that are planted, and the simulation that finds them.
    ("sabotage", &[]),
    (
        "simulation",
        &[
            "api", "engine", "model", "proto", "sabotage", "store", "trace",
        ],
    ),
    ("meter", &[]),
    ("trace", &[]),
    ("model", &["error", "sabotage", "trace"]),
    ("error", &["model", "store"]),
    ("store", &["aside", "meter", "model", "sabotage", "trace"]),
    (
        "engine",
        &[
            "aside", "crash", "error", "meter", "model", "sabotage", "store", "trace",
        ],
    ),
    ("proto", &[]),
    (
        "api",
        &[
            "aside", "engine", "error", "meter", "model", "proto", "sabotage", "store", "trace",
        ],
    ),
    (
        "observe",
        &[
            "api", "config", "engine", "meter", "model", "store", "trace",
        ],
    ),
    ("config", &["model"]),
    ("drivers", &[]),
    (
        "server",
        &[
            "api", "config", "engine", "error", "meter", "model", "observe", "proto", "sabotage",
            "store", "trace",
        ],
    ),
    ("offline", &["store"]),
    (
        "cli",
        &["config", "drivers", "observe", "offline", "server"],
    ),
    (
        "fuzz",
        &[
            "api", "cli", "config", "model", "offline", "proto", "server", "store", "trace",
        ],
    ),
    ("lib", &[]),
    ("main", &[]),
];

/// Libraries, by how their names begin, and the rooms that may use them.
const LIBRARIES: [(&str, &[&str]); 19] = [
    ("rocksdb", &["store"]),
    ("tikv_jemallocator", &["main"]),
    ("tonic", &["api", "cli", "proto", "simulation"]),
    ("axum", &["api", "simulation"]),
    ("hyper", &["api", "simulation"]),
    ("tower", &["api", "simulation"]),
    (
        "tokio",
        &[
            "api",
            "aside",
            "cli",
            "drivers",
            "engine",
            "main",
            "observe",
            "server",
            "simulation",
            "store",
            "trace",
        ],
    ),
    ("jsonschema", &["model"]),
    ("prometheus_client", &["observe"]),
    ("zstd", &["offline"]),
    ("opentelemetry", &["observe"]),
    ("tracing_subscriber", &["config", "observe"]),
    ("conveyor_client", &["cli", "drivers", "simulation"]),
    ("backon", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("indicatif", &["cli"]),
    ("serde_json_path", &["cli"]),
    ("similar", &["cli"]),
];

#[test]
fn arrows_run_from_api_to_engine_to_store_to_model() {
    let mut broken = Vec::new();
    for file in rust_files("src") {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root().join("src")).unwrap();
        for fault in faults(name, &text) {
            // Tests reach a server as its users do.
            let reaches = ["conveyor_client", "tonic"]
                .iter()
                .any(|it| fault.contains(it));
            if reaches
                && name
                    .iter()
                    .any(|part| part == "tests" || part == "tests.rs")
            {
                continue;
            }
            broken.push(format!("src/{}: {fault}", name.display()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn an_arrow_that_runs_up_is_found() {
    let planted = [
        ("model/run.rs", "use crate::engine::Engine;", "engine"),
        (
            "model/run/machine.rs",
            "use super::super::super::store::Batch;",
            "store",
        ),
        (
            "store/mod.rs",
            "    let hub = crate::engine::hub::Hub::default();",
            "engine",
        ),
        ("engine/mod.rs", "use super::api::router;", "api"),
        (
            "engine/runs.rs",
            "use crate::{api, model::run::Run};",
            "group",
        ),
        ("engine/runs.rs", "use rocksdb::DB;", "rocksdb"),
        ("engine/runs.rs", "-> Result<(), tonic::Status> {", "tonic"),
        ("model/name.rs", "use tokio::sync::Mutex;", "tokio"),
        (
            "drivers/command_runner/mod.rs",
            "use crate::engine::Engine;",
            "engine",
        ),
        ("cli/get.rs", "use crate::store::Store;", "store"),
        (
            "api/grpc/runs.rs",
            "use conveyor_client::proto::Run;",
            "conveyor_client",
        ),
    ];
    for (name, line, what) in planted {
        let found = faults(Path::new(name), line);
        assert!(
            found.len() == 1 && found[0].contains(what),
            "{name}: {line}: {found:?}"
        );
    }
}

#[test]
fn arrows_that_run_down_and_comments_are_let_be() {
    let fine = [
        ("api/grpc/runs.rs", "use crate::engine::Engine;"),
        (
            "engine/runs.rs",
            "use super::drivers::due; // not crate::api::router",
        ),
        ("store/commit.rs", "use rocksdb::{DB, WriteBatch};"),
        ("model/name.rs", "//! Names; `tonic::Status` is for others."),
        ("config.rs", "    use super::{Settings, Sources};"),
        (
            "drivers/command_runner/work.rs",
            "use super::engine::Engine;",
        ),
    ];
    for (name, line) in fine {
        assert_eq!(
            faults(Path::new(name), line),
            Vec::<String>::new(),
            "{name}: {line}"
        );
    }
}

#[test]
fn every_file_says_first_what_it_owns() {
    let folders = [
        "src",
        "build",
        "tests",
        "clients/rust/src",
        "clients/rust/tests",
    ];
    let silent: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| rust_files(folder))
        .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//! "))
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

/// What a file of `src/` names that its room may not.
fn faults(name: &Path, text: &str) -> Vec<String> {
    let room = room_of(name);
    let (_, allowed) = ROOMS
        .iter()
        .find(|(known, _)| *known == room)
        .unwrap_or_else(|| panic!("{room} is a new room: say here which rooms it may name"));
    let mut faults = Vec::new();
    let lines = text.lines().map(code_of);
    for (line, path) in lines.flat_map(|line| paths(line).map(move |path| (line, path))) {
        let parts: Vec<&str> = path.split("::").collect();
        if let Some(target) = target_of(&parts, depth_of(name, line)) {
            if target.is_empty() {
                faults.push(format!(
                    "{path}{{...}}: a group hides its rooms, name them one by one"
                ));
            } else if is_room(target) && target != room && !allowed.contains(&target) {
                faults.push(format!("{path}: {room} may not name {target}"));
            }
        }
        for (library, rooms) in LIBRARIES {
            if parts[0].starts_with(library) && !rooms.contains(&room) {
                faults.push(format!("{path}: {library} is not for {room}"));
            }
        }
    }
    faults
}

/// The first name below the crate's root that a path leads to; empty where a group follows, nothing where the path
/// stays inside the room or leads to a library.
fn target_of<'a>(parts: &[&'a str], depth: usize) -> Option<&'a str> {
    if parts[0] == "crate" {
        return parts.get(1).copied();
    }
    let climbed = parts.iter().take_while(|part| **part == "super").count();
    (climbed > 0 && climbed >= depth).then(|| parts.get(climbed).copied())?
}

/// How many modules deep a line stands. An import that is indented belongs to a module inside the file.
fn depth_of(name: &Path, line: &str) -> usize {
    let file = name.components().count() - usize::from(name.ends_with("mod.rs"));
    file + usize::from(line.starts_with("    use "))
}

/// The folder or file of `src/` that a file belongs to.
fn room_of(name: &Path) -> &str {
    let first = name
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs")
}

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|(room, _)| *room == name)
}

/// A line without its comment. Addresses such as `http://` are no comments.
fn code_of(line: &str) -> &str {
    let comment = line
        .match_indices("//")
        .find(|(at, _)| !line[..*at].ends_with(':'));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// The paths of a line: names joined by `::`. One that ends with `::` has a group after it.
fn paths(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .map(|path| path.trim_start_matches(':'))
        .filter(|path| path.contains("::"))
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "no Rust files under {folder}");
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
