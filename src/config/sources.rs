//! Where the text of a setting comes from: a flag, an environment variable, the config file or the table.
//!
//! Invariant: every key kept here stands in [`SETTINGS`], and every text knows its origin.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Spanned, UserMessageFormatter};

use super::error::Given;
use super::inherited;
use super::{ConfigError, Flags, SETTINGS};

/// Read when it exists and no other file is named.
pub(super) const DEFAULT_FILE: &str = "conveyor.yml";
/// Variables that name a config file: ours, and that of Conveyor CI.
const FILE_VARIABLES: [&str; 2] = ["CONVEYOR_CONFIG", "CONVEYOR_CONFIG_FILE"];

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

impl Origin {
    /// What wins is stronger.
    fn strength(&self) -> u8 {
        match self {
            Origin::Flag(_) => 3,
            Origin::Variable(_) => 2,
            Origin::File(..) => 1,
            Origin::Default => 0,
        }
    }
}

/// The winning text of every setting.
pub(super) struct Sources {
    texts: HashMap<&'static str, (String, Origin)>,
    /// Keys of Conveyor CI in the config file that mean nothing here, and their lines.
    unused: Vec<(String, Origin)>,
}

/// Which of two settings with one meaning counts.
pub(super) enum Winner {
    /// The first one.
    First,
    /// The second one.
    Second,
    /// They were given in the same place.
    Both,
}

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
            .or_else(|| FILE_VARIABLES.into_iter().find_map(env).map(PathBuf::from));
        let present = || {
            Path::new(DEFAULT_FILE)
                .exists()
                .then(|| PathBuf::from(DEFAULT_FILE))
        };
        let mut unused = Vec::new();
        if let Some(file) = named.or_else(present) {
            let read = read_file(&file)?;
            texts.extend(read.texts);
            unused = read.unused;
        }
        // Unknown variables are not refused: Kubernetes makes some up for a service of our name.
        for setting in SETTINGS {
            let name = variable(setting.key);
            if let Some(text) = env(&name).filter(|text| !is_service_link(&name, text)) {
                texts.insert(setting.key, (text, Origin::Variable(name)));
            }
        }
        for (key, text) in given(flags) {
            texts.insert(
                key,
                (text, Origin::Flag(format!("--{}", key.replace('_', "-")))),
            );
        }
        Ok(Sources { texts, unused })
    }

    /// What the config file says that means nothing here.
    pub(super) fn unused(&self) -> &[(String, Origin)] {
        &self.unused
    }

    /// The text of a setting and where it came from.
    pub(super) fn text(&self, key: &str) -> (&str, &Origin) {
        let (text, origin) = self
            .texts
            .get(key)
            .expect("every key that is read stands in the table");
        (text.trim(), origin)
    }

    /// Which of two settings that mean the same thing counts: the one given in the stronger place. One without a text
    /// was not given.
    pub(super) fn winner(&self, first: &str, second: &str) -> Winner {
        let strength = |key| {
            let (text, origin) = self.text(key);
            (!text.is_empty()).then(|| origin.strength())
        };
        match strength(first).cmp(&strength(second)) {
            Ordering::Greater => Winner::First,
            Ordering::Less => Winner::Second,
            Ordering::Equal => Winner::Both,
        }
    }

    /// That two settings with one meaning do not agree.
    pub(super) fn conflict(&self, one: &'static str, other: &'static str) -> ConfigError {
        let given = |key| {
            let (text, origin) = self.text(key);
            let (text, origin) = (text.to_owned(), origin.clone());
            Box::new(Given { key, text, origin })
        };
        ConfigError::Conflict {
            one: given(one),
            other: given(other),
        }
    }

    /// Reads a path. In a config file a relative one counts from the folder of the file, so that the file means the
    /// same wherever the server is started; elsewhere from the working directory.
    pub(super) fn path(&self, key: &'static str) -> Result<PathBuf, ConfigError> {
        let path = self.read(key, "a directory", |text| {
            (!text.is_empty()).then(|| PathBuf::from(text))
        })?;
        let (_, origin) = self.text(key);
        Ok(match origin {
            Origin::File(file, _) => file.parent().unwrap_or(Path::new("")).join(path),
            Origin::Flag(_) | Origin::Variable(_) | Origin::Default => path,
        })
    }

    /// Reads one setting; `expected` says what its text should have been.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let (text, origin) = self.text(key);
        parse(text).ok_or_else(|| ConfigError::Invalid {
            key,
            text: text.to_owned(),
            expected,
            origin: origin.clone(),
        })
    }
}

/// The environment variable of a setting.
pub fn variable(key: &str) -> String {
    format!("CONVEYOR_{}", key.replace('.', "_").to_uppercase())
}

/// Kubernetes sets CONVEYOR_API_PORT and its like to an address, for a service that is called conveyor-api.
fn is_service_link(name: &str, text: &str) -> bool {
    name.ends_with("_PORT") && text.contains("://")
}

/// The flags that were given, by the key of their setting.
fn given(flags: &Flags) -> Vec<(&'static str, String)> {
    let insecure = flags.insecure.then(|| "true".to_owned());
    let all = [
        ("listen", flags.listen.clone()),
        ("data", flags.data.clone()),
        ("insecure", insecure),
        ("log", flags.log.clone()),
        ("log_format", flags.log_format.clone()),
    ];
    all.into_iter()
        .filter_map(|(key, text)| Some((key, text?)))
        .collect()
}

/// What a config file says.
#[derive(Default)]
struct FileTexts {
    texts: Vec<(&'static str, (String, Origin))>,
    unused: Vec<(String, Origin)>,
}

fn read_file(file: &Path) -> Result<FileTexts, ConfigError> {
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
