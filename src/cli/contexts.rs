//! The contexts of the command line: a YAML file of named servers. What the commands do with it is theirs.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Failure, nearest, show};

/// One server, and how its answers are shown.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Context {
    /// Its address.
    pub(super) server: String,
    /// The form of output unless `-o` says another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<String>,
}

/// The file.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contexts {
    /// The name of the context that is used unless another is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<String>,
    /// The contexts by their names.
    #[serde(default)]
    pub(super) contexts: BTreeMap<String, Context>,
}

impl Contexts {
    /// Reads the file; one that is not there has no contexts.
    pub(super) fn read() -> Result<Contexts, Failure> {
        let Some(path) = path() else {
            return Ok(Contexts::default());
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Contexts::default()),
            Err(error) => return Err(unusable(&path, &error)),
        };
        Contexts::parse(&text).map_err(|error| unusable(&path, &error))
    }

    /// Reads the text of the file.
    pub(super) fn parse(text: &str) -> Result<Contexts, serde_saphyr::Error> {
        if text.trim().is_empty() {
            return Ok(Contexts::default());
        }
        let options = serde_saphyr::options! { with_snippet: false };
        serde_saphyr::from_str_with_options(text, options)
    }

    /// Writes the file whole or not at all.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let path = path().ok_or_else(|| {
            Failure::Usage(
                "there is no home directory: name the file by CONVEYOR_CLI_CONFIG".into(),
            )
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let save = || {
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            std::io::Write::write_all(&mut file, show::yaml(self).as_bytes())?;
            file.persist(&path).map_err(|error| error.error)
        };
        save().map(drop).map_err(|error| unusable(&path, &error))
    }

    /// The context of this name, or the current one.
    pub(super) fn choose(mut self, name: Option<&str>) -> Result<Option<Context>, Failure> {
        match name.or(self.current.as_deref()).map(str::to_owned) {
            None => Ok(None),
            Some(name) => match self.contexts.remove(&name) {
                Some(context) => Ok(Some(context)),
                None => Err(self.unknown(&name)),
            },
        }
    }

    /// Says that there is no context of this name.
    pub(super) fn unknown(&self, name: &str) -> Failure {
        let names = self.contexts.keys().map(String::as_str);
        let hint = match nearest::word(name, names) {
            Some(near) => format!("did you mean {near}?"),
            None => "`conveyor context list` shows them, `conveyor context set` makes one".into(),
        };
        Failure::Missing(format!("there is no context {name}; {hint}"))
    }
}

/// Where the file is; `None` without a home directory.
fn path() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(file) = variable("CONVEYOR_CLI_CONFIG") {
        return Some(file.into());
    }
    let config = match variable("XDG_CONFIG_HOME") {
        Some(config) => PathBuf::from(config),
        None => PathBuf::from(variable("HOME")?).join(".config"),
    };
    Some(config.join("conveyor/config.yml"))
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::Usage(format!("contexts in {}: {error}", path.display()))
}
