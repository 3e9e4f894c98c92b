//! The documents that name tests: SECURITY.md, ARCHITECTURE.md and docs/reliability.md. Each test they name is there.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn each_limit_of_the_security_page_has_a_test_that_is_there() {
    let rows = rows(&read("SECURITY.md"), "## Limits");
    assert!(rows.len() > 30, "{} rows", rows.len());
    let settings = read("docs/settings.md");
    for row in &rows {
        let [what, _, setting, tests] = &row[..] else {
            panic!("four columns: {row:?}");
        };
        if setting != "fixed" {
            assert!(
                settings.contains(&format!("| {setting} |")),
                "{what}: {setting}"
            );
        }
        assert_ne!(named(tests).count(), 0, "{what}: no test");
    }
    all_there(&rows);
}

#[test]
fn each_test_of_the_invariants_is_there() {
    all_there(&rows(&read("ARCHITECTURE.md"), "## Invariants"));
}

#[test]
fn each_test_that_reliability_names_is_there() {
    let text = read("docs/reliability.md");
    // What has a space is a command.
    let tests = named(&text).filter(|name| name.contains("::") && !name.contains(' '));
    assert_eq!(missing(tests), Vec::<String>::new());
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    let here =
        "`security::a_test_that_is_not_there_is_missed` and `src/model/name.rs` and `layers`";
    assert_eq!(missing(named(here)), Vec::<String>::new());
    let gone = "`security::gone`, `gone::here`, `src/model/name.rs::gone`, `gone`";
    assert_eq!(missing(named(gone)).len(), 4);
}

fn all_there(rows: &[Vec<String>]) {
    let last = rows.iter().filter_map(|row| row.last());
    let missing: Vec<String> = last.flat_map(|tests| missing(named(tests))).collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// The cells of the table below a heading, without its head.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, below) = text.split_once(heading).expect("the heading is there");
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|').split('|');
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    table.map(cells).collect()
}

/// What stands between backticks.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn missing<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names
        .filter(|name| !is_there(name))
        .map(str::to_owned)
        .collect()
}

/// Tests are named as `file::test` below `tests/it/`, or by their whole path; a file or a folder alone stands for all in it.
fn is_there(name: &str) -> bool {
    let (file, test) = name
        .split_once("::")
        .map_or((name, None), |(file, test)| (file, Some(test)));
    let file = if file.ends_with(".rs") {
        root().join(file)
    } else {
        root().join("tests/it").join(format!("{file}.rs"))
    };
    let Ok(text) = fs::read_to_string(&file) else {
        return test.is_none() && file.with_extension("").is_dir();
    };
    test.is_none_or(|test| text.contains(&format!("fn {test}(")))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
