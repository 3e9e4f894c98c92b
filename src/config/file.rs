//! What a config file says: its YAML as dotted keys with their lines, each a setting, or a key of Conveyor CI.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Spanned, UserMessageFormatter};

use super::inherited;
use super::sources::Origin;
use super::{ConfigError, SETTINGS};

/// What a config file says.
#[derive(Default)]
pub(super) struct FileTexts {
    /// The text of each setting that it has.
    pub(super) texts: Vec<(&'static str, (String, Origin))>,
    /// Keys of Conveyor CI that mean nothing here, and their lines.
    pub(super) unused: Vec<(String, Origin)>,
}

/// Reads a config file. A key that nobody knows is an error with the nearest known one.
pub(super) fn read_file(file: &Path) -> Result<FileTexts, ConfigError> {
    match std::fs::read_to_string(file) {
        Ok(text) => read_text(file, &text),
        Err(source) => Err(ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        }),
    }
}

/// Reads the text of a config file; `file` is for the errors.
pub(super) fn read_text(file: &Path, text: &str) -> Result<FileTexts, ConfigError> {
    let file = file.to_owned();
    let options = serde_saphyr::options! { with_snippet: false };
    let tree: Option<Spanned<Node>> = match serde_saphyr::from_str_with_options(text, options) {
        Ok(tree) => tree,
        Err(error) => {
            return Err(ConfigError::Malformed {
                file,
                message: error.render_with_formatter(&UserMessageFormatter),
            });
        }
    };
    let mut texts = FileTexts::default();
    match tree.map(|tree| tree.value) {
        None | Some(Node::Null) => {}
        Some(Node::Map(entries)) => texts.flatten("", entries, &file)?,
        Some(Node::Text(_) | Node::List(_)) => {
            let message = "expected settings as `key: value`".to_owned();
            return Err(ConfigError::Malformed { file, message });
        }
    }
    Ok(texts)
}

impl FileTexts {
    /// Turns nested keys into dotted ones and refuses those that are no setting.
    fn flatten(
        &mut self,
        prefix: &str,
        entries: Vec<(Spanned<String>, Node)>,
        file: &Path,
    ) -> Result<(), ConfigError> {
        for (name, node) in entries {
            let line = name.referenced.line();
            let key = format!("{prefix}{}", name.value);
            let text = match node {
                Node::Null if is_section(&key) => continue,
                Node::Null => None,
                Node::Map(entries) => {
                    self.flatten(&format!("{key}."), entries, file)?;
                    continue;
                }
                Node::Text(text) => Some(text),
                Node::List(words) => Some(words.join(",")),
            };
            self.take(key, text, file, line)?;
        }
        Ok(())
    }

    /// Takes one key of the file. One without a text is checked all the same.
    fn take(
        &mut self,
        key: String,
        text: Option<String>,
        file: &Path,
        line: u64,
    ) -> Result<(), ConfigError> {
        let origin = Origin::File(file.to_owned(), line);
        let known = SETTINGS.iter().find(|setting| setting.key == key);
        if let Some(setting) = known {
            self.texts
                .extend(text.map(|text| (setting.key, (text, origin))));
        } else if inherited::is_unused(&key) {
            self.unused.push((key, origin));
        } else {
            return Err(unknown(key, file.to_owned(), line));
        }
        Ok(())
    }
}

/// Whether settings stand below a key.
fn is_section(key: &str) -> bool {
    example_of(key).is_some() || inherited::is_section(key)
}

/// The first setting of a section.
fn example_of(section: &str) -> Option<&'static str> {
    let mut keys = SETTINGS.iter().map(|setting| setting.key);
    keys.find(|key| {
        key.strip_prefix(section)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn unknown(key: String, file: PathBuf, line: u64) -> ConfigError {
    if let Some(example) = example_of(&key) {
        return ConfigError::Section {
            file,
            line,
            key,
            example,
        };
    }
    let nearest = nearest(&key);
    ConfigError::UnknownKey {
        file,
        line,
        key,
        nearest,
    }
}

/// The setting or section most like a key: its last word counts most, then the section it stands in.
fn nearest(key: &str) -> &'static str {
    fn parts(key: &str) -> (&str, &str) {
        key.rsplit_once('.').unwrap_or(("", key))
    }
    let (section, word) = parts(key);
    let likeness = |known: &&str| {
        let (known_section, known_word) = parts(known);
        strsim::normalized_damerau_levenshtein(known_word, word)
            + strsim::normalized_damerau_levenshtein(known_section, section) / 4.0
    };
    let keys = SETTINGS.iter().map(|setting| setting.key);
    let sections = keys.clone().filter_map(|key| Some(key.split_once('.')?.0));
    let nearest = keys
        .chain(sections)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    nearest.expect("the table is not empty")
}

/// A YAML value, as far as settings need it; scalars are kept as text.
enum Node {
    Null,
    Text(String),
    List(Vec<String>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = seq.next_element()? {
            words.push(word);
        }
        Ok(Node::List(words))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}
