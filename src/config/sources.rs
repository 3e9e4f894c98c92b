//! Where the text of a setting comes from: a flag, an environment variable, the config file or the table.
//!
//! Invariant: every key kept here stands in [`SETTINGS`], and every text knows its origin.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Spanned, UserMessageFormatter};

use super::{ConfigError, Flags, SETTINGS};

/// Read when it exists and no other file is named.
const DEFAULT_FILE: &str = "conveyor.yml";

/// Where a text came from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A flag, with its dashes.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A line of the config file, counted from 1.
    File(PathBuf, u64),
    /// The table of settings.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "flag {flag}"),
            Origin::Variable(name) => write!(f, "environment variable {name}"),
            Origin::File(file, line) => write!(f, "{} line {line}", file.display()),
            Origin::Default => write!(f, "the defaults"),
        }
    }
}

/// The winning text of every setting.
pub(super) struct Sources(HashMap<&'static str, (String, Origin)>);

impl Sources {
    /// Gathers the texts; what comes later wins.
    pub(super) fn gather(
        flags: &Flags,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Sources, ConfigError> {
        // An empty variable counts as not set: compose files pass variables on that nobody gave.
        let env = |name: &str| env(name).filter(|text| !text.is_empty());
        let mut texts = HashMap::new();
        for setting in SETTINGS {
            texts.insert(setting.key, (setting.default.to_owned(), Origin::Default));
        }
        let named = flags
            .config
            .clone()
            .or_else(|| env("CONVEYOR_CONFIG").map(PathBuf::from));
        let present = || {
            Path::new(DEFAULT_FILE)
                .exists()
                .then(|| PathBuf::from(DEFAULT_FILE))
        };
        if let Some(file) = named.or_else(present) {
            texts.extend(read_file(&file)?);
        }
        // Unknown variables are not refused: Kubernetes makes some up for a service of our name.
        for setting in SETTINGS {
            let name = variable(setting.key);
            if let Some(text) = env(&name) {
                texts.insert(setting.key, (text, Origin::Variable(name)));
            }
        }
        for (key, text) in given(flags) {
            texts.insert(key, (text, Origin::Flag(format!("--{key}"))));
        }
        Ok(Sources(texts))
    }

    /// Reads one setting; `expected` says what its text should have been.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let (text, origin) = self
            .0
            .get(key)
            .expect("every key that is read stands in the table");
        parse(text.trim()).ok_or_else(|| ConfigError::Invalid {
            key,
            text: text.clone(),
            expected,
            origin: origin.clone(),
        })
    }
}

/// The environment variable of a setting.
pub fn variable(key: &str) -> String {
    format!("CONVEYOR_{}", key.replace('.', "_").to_uppercase())
}

/// The flags that were given, by the key of their setting.
fn given(flags: &Flags) -> Vec<(&'static str, String)> {
    let insecure = flags.insecure.then(|| "true".to_owned());
    let all = [
        ("listen", flags.listen.clone()),
        ("data", flags.data.clone()),
        ("insecure", insecure),
        ("log", flags.log.clone()),
    ];
    all.into_iter()
        .filter_map(|(key, text)| Some((key, text?)))
        .collect()
}

type Texts = Vec<(&'static str, (String, Origin))>;

fn read_file(file: &Path) -> Result<Texts, ConfigError> {
    let file = file.to_owned();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(source) => return Err(ConfigError::Unreadable { file, source }),
    };
    let options = serde_saphyr::options! { with_snippet: false };
    let tree: Option<Spanned<Node>> = match serde_saphyr::from_str_with_options(&text, options) {
        Ok(tree) => tree,
        Err(error) => {
            return Err(ConfigError::Malformed {
                file,
                message: error.render_with_formatter(&UserMessageFormatter),
            });
        }
    };
    let mut texts = Vec::new();
    match tree.map(|tree| tree.value) {
        None | Some(Node::Null) => {}
        Some(Node::Map(entries)) => flatten("", entries, &file, &mut texts)?,
        Some(Node::Text(_) | Node::List(_)) => {
            let message = "expected settings as `key: value`".to_owned();
            return Err(ConfigError::Malformed { file, message });
        }
    }
    Ok(texts)
}

/// Turns nested keys into dotted ones and refuses those that are no setting.
fn flatten(
    prefix: &str,
    entries: Vec<(Spanned<String>, Node)>,
    file: &Path,
    texts: &mut Texts,
) -> Result<(), ConfigError> {
    for (name, node) in entries {
        let line = name.referenced.line();
        let key = format!("{prefix}{}", name.value);
        let text = match node {
            Node::Null => continue,
            Node::Map(entries) => {
                flatten(&format!("{key}."), entries, file, texts)?;
                continue;
            }
            Node::Text(text) => text,
            Node::List(words) => words.join(","),
        };
        let known = SETTINGS.iter().find(|setting| setting.key == key);
        let Some(setting) = known else {
            let file = file.to_owned();
            return Err(ConfigError::UnknownKey {
                file,
                line,
                nearest: nearest(&key),
                key,
            });
        };
        texts.push((setting.key, (text, Origin::File(file.to_owned(), line))));
    }
    Ok(())
}

/// The known key with the longest beginning in common.
fn nearest(key: &str) -> &'static str {
    let common = |known: &&str| {
        known
            .bytes()
            .zip(key.bytes())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let known = SETTINGS.iter().map(|setting| setting.key);
    known.max_by_key(common).expect("the table is not empty")
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
