//! Files that are gone, empty, or shorter than they were.

use super::{Files, Outcome, all_rows, each_case, judge, killed};

#[derive(Clone, Copy, Debug)]
enum Loss {
    Gone,
    Emptied,
    Halved,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_empty_or_short_is_named_or_harmless() {
    let files = killed().await;
    let whole = all_rows(&files);
    let cases: Vec<_> = files
        .keys()
        .flat_map(|name| {
            [Loss::Gone, Loss::Emptied, Loss::Halved].map(|loss| (name.as_str(), loss))
        })
        .collect();
    each_case(&cases, |&(name, loss)| {
        let what = format!("{name} {loss:?}");
        let outcome = judge(&with(&files, name, loss), &whole, &what);
        let needed = [".sst", ".log", "CURRENT", "MANIFEST-"]
            .iter()
            .any(|it| name.contains(it));
        if let Outcome::Named(text) = &outcome {
            println!("{what}: {text}");
        }
        assert_eq!(matches!(outcome, Outcome::Named(_)), needed, "{what}");
    });
}

fn with(files: &Files, name: &str, loss: Loss) -> Files {
    let mut files = files.clone();
    match loss {
        Loss::Gone => drop(files.remove(name)),
        Loss::Emptied => files.get_mut(name).unwrap().clear(),
        Loss::Halved => {
            let bytes = files.get_mut(name).unwrap();
            bytes.truncate(bytes.len() / 2);
        }
    }
    files
}
