//! Finds the documents: in files, in directories, on standard input; JSON or YAML, several in one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::document::Document;
use super::fields::Problem;
use super::yaml;

/// The largest file that is read, in bytes.
const MAX_INPUT: u64 = 64 << 20;

/// A document and where it stands.
#[derive(Debug)]
pub(in crate::cli) struct Found {
    /// The file and, where there are several, the number of the document in it.
    pub(in crate::cli) place: String,
    /// The document.
    pub(in crate::cli) document: Document,
}

/// Why documents cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file or directory cannot be read.
    #[error("{place}: {source}")]
    Unreadable {
        /// The file or directory.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file is larger than what is read at once.
    #[error("{place}: larger than {} MiB", MAX_INPUT >> 20)]
    TooLarge {
        /// The file.
        place: String,
    },
    /// A file is not the JSON or YAML that it should be.
    #[error("{place}: {message}")]
    Malformed {
        /// The file.
        place: String,
        /// What the parser said.
        message: String,
    },
    /// A document cannot be applied.
    #[error("{place}: {problem}")]
    Unfit {
        /// The file and the number of the document.
        place: String,
        /// What is wrong with it, in one line.
        problem: String,
    },
    /// Two documents are of one name: each apply would put one in place of the other.
    #[error("{place}: {title} stands in {first} already")]
    Twice {
        /// The file and the number of the second.
        place: String,
        /// The file and the number of the first.
        first: String,
        /// What both are of.
        title: String,
    },
    /// There is more than the one document that is wanted.
    #[error("{place}: more than one document in it")]
    Several {
        /// The file.
        place: String,
    },
    /// There is nothing to do.
    #[error("{place}: no document in it")]
    Nothing {
        /// The file or directory.
        place: String,
    },
}

/// Reads every document under the paths, in the order of work.
pub(in crate::cli) fn read(paths: &[PathBuf]) -> Result<Vec<Found>, InputError> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        for file in files(path)? {
            let place = if is_stdin(&file) {
                "stdin".to_owned()
            } else {
                file.display().to_string()
            };
            let text = read_text(&place, &file)?;
            found.extend(documents(&place, &file, &text)?);
        }
        if found.len() == before {
            return Err(InputError::Nothing {
                place: path.display().to_string(),
            });
        }
    }
    found.sort_by_key(|found| found.document.kind());
    no_name_twice(&found)?;
    Ok(found)
}

/// Reads the one document of a file.
pub(in crate::cli) fn single(file: &Path) -> Result<Document, InputError> {
    let place = file.display().to_string();
    let mut found = documents(&place, file, &read_text(&place, file)?)?;
    match (found.pop(), found.is_empty()) {
        (Some(found), true) => Ok(found.document),
        (None, _) => Err(InputError::Nothing { place }),
        (Some(_), false) => Err(InputError::Several { place }),
    }
}

fn no_name_twice(found: &[Found]) -> Result<(), InputError> {
    let mut places = HashMap::new();
    for it in found {
        let title = it.document.title();
        if let Some(first) = places.insert(title.clone(), &it.place) {
            return Err(InputError::Twice {
                place: it.place.clone(),
                first: first.clone(),
                title,
            });
        }
    }
    Ok(())
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn unreadable(path: &Path, source: io::Error) -> InputError {
    InputError::Unreadable {
        place: path.display().to_string(),
        source,
    }
}

/// The files behind one path: itself, or those of a directory in name order.
fn files(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    if is_stdin(path) || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let list = || -> io::Result<Vec<PathBuf>> {
        path.read_dir()?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut files = list().map_err(|source| unreadable(path, source))?;
    // A link to nothing is kept: to read it fails, and the error names it.
    files.retain(|file| (file.is_file() || !file.exists()) && (is_json(file) || is_yaml(file)));
    files.sort();
    Ok(files)
}

fn read_text(place: &str, file: &Path) -> Result<String, InputError> {
    let read = |input: &mut dyn Read| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        input.take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = if is_stdin(file) {
        read(&mut io::stdin())
    } else {
        File::open(file).and_then(|mut file| read(&mut file))
    };
    let bytes = bytes.map_err(|source| unreadable(file, source))?;
    if bytes.len() as u64 > MAX_INPUT {
        let place = place.to_owned();
        return Err(InputError::TooLarge { place });
    }
    String::from_utf8(bytes)
        .map_err(|error| unreadable(file, io::Error::new(io::ErrorKind::InvalidData, error)))
}

fn is_json(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == "json")
}

fn is_yaml(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// The documents of a text; what the file is called tells whether it is JSON or YAML.
pub(in crate::cli) fn documents(
    place: &str,
    file: &Path,
    text: &str,
) -> Result<Vec<Found>, InputError> {
    // Without a telling name a bracket in front means JSON: YAML of that look is rare, and its errors are worse.
    let json = is_json(file) || (!is_yaml(file) && text.trim_start().starts_with(['{', '[']));
    let texts = if json {
        json_texts(text)
    } else {
        yaml::texts(text)
    };
    let texts = texts.map_err(|message| InputError::Malformed {
        place: place.to_owned(),
        message,
    })?;
    let several = texts.len() > 1;
    let found = |(n, json): (usize, &String)| {
        let place = if several {
            format!("{place} document {}", n + 1)
        } else {
            place.to_owned()
        };
        match Document::parse(json) {
            Ok(document) => Ok(Found { place, document }),
            Err(problem) => Err(unfit(place, &problem)),
        }
    };
    texts.iter().enumerate().map(found).collect()
}

fn unfit(place: String, problem: &Problem) -> InputError {
    InputError::Unfit {
        place,
        problem: problem.to_string(),
    }
}

/// The JSON documents of a text: one after the other, or the elements of arrays.
fn json_texts(text: &str) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| error.to_string())?.get();
        if value.starts_with('[') {
            let elements: Vec<&RawValue> =
                serde_json::from_str(value).map_err(|error| error.to_string())?;
            texts.extend(elements.into_iter().map(|element| element.get().to_owned()));
        } else {
            texts.push(value.to_owned());
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOURCE: &str = r#"{"name":"r","resource":"a","spec":{"b":1,"a":2}}"#;

    #[test]
    fn json_may_be_one_many_or_arrays() {
        assert_eq!(json_texts("{}").unwrap(), ["{}"]);
        assert_eq!(
            json_texts("{\"a\": 1.0}\n{}\n").unwrap(),
            ["{\"a\": 1.0}", "{}"]
        );
        assert_eq!(
            json_texts("[{\"b\":1 }, {}] {}").unwrap(),
            ["{\"b\":1 }", "{}", "{}"]
        );
        assert!(json_texts("{\"a\":}").is_err());
    }

    #[test]
    fn yaml_keeps_key_order_and_words() {
        let text = "# first\nz: 9007199254740993\na: {c: on, b: 0o17}\nd: 2024-01-01\ne: 1.5\nf: ~\n---\n---\n- g: \"1\"\n- h: 'yes'\n";
        assert_eq!(
            yaml::texts(text).unwrap(),
            [
                r#"{"z":9007199254740993,"a":{"c":"on","b":15},"d":"2024-01-01","e":1.5,"f":null}"#,
                r#"{"g":"1"}"#,
                r#"{"h":"yes"}"#,
            ]
        );
        assert!(yaml::texts("a: [1\n").unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_directory_is_read_in_name_order_and_sorted_by_kind() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("1.json", &format!("[{RESOURCE}]"));
        write(
            "2.yml",
            "name: p\nresource: a\nsteps: [{driver: d}]\n---\nname: z\nresource: a\nspec: {}\n",
        );
        write("3.yaml", "name: a\nschema: true\n");
        write("README.md", "# not a document");
        let found = read(&[dir.path().to_owned()]).unwrap();
        let titles: Vec<_> = found.iter().map(|found| found.document.title()).collect();
        assert_eq!(
            titles,
            ["definition a", "pipeline p", "resource a/r", "resource a/z"]
        );
        assert!(
            found[3].place.ends_with("2.yml document 2"),
            "{}",
            found[3].place
        );
    }

    #[test]
    fn errors_name_the_file_and_the_document() {
        let dir = tempfile::tempdir().unwrap();
        let empty = read(&[dir.path().to_owned()]).unwrap_err().to_string();
        assert!(empty.ends_with("no document in it"), "{empty}");
        let gone = read(&[dir.path().join("gone.json")])
            .unwrap_err()
            .to_string();
        assert!(gone.contains("gone.json: No such file"), "{gone}");
        let link = dir.path().join("link.yaml");
        std::os::unix::fs::symlink("gone.yaml", &link).unwrap();
        let broken = read(&[dir.path().to_owned()]).unwrap_err().to_string();
        assert!(broken.contains("link.yaml: No such file"), "{broken}");
        let large = dir.path().join("large.yaml");
        File::create(&large)
            .unwrap()
            .set_len(MAX_INPUT + 1)
            .unwrap();
        let large = read(&[large]).unwrap_err().to_string();
        assert!(large.ends_with("large.yaml: larger than 64 MiB"), "{large}");
        let file = dir.path().join("two.json");
        std::fs::write(&file, format!("{RESOURCE}\n{{\"name\":\"x\"}}")).unwrap();
        let unfit = read(&[file]).unwrap_err().to_string();
        assert!(
            unfit.contains("two.json document 2: has neither schema"),
            "{unfit}"
        );
    }
}
