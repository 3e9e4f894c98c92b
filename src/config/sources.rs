//! Where the text of a setting comes from: a flag, an environment variable, the config file (read by `file`) or the table.
//!
//! Invariant: every key kept here stands in [`SETTINGS`], and every text knows its origin.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::closed::AUTH;
use super::error::Given;
use super::file::read_file;
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
        let is_closed = texts[AUTH].1 != Origin::Default && texts[AUTH].0 != "false";
        for setting in SETTINGS.iter().filter(|it| !is_closed || it.key != AUTH) {
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
