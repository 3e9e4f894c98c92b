//! Takes the fields of a JSON object one by one and names the field in every problem.
//!
//! JSON values that belong to the user (schema, spec, params) are taken as the text that stands in the document.

use std::collections::{BTreeMap, HashMap};

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What is wrong with a document, in one line.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(in crate::cli) enum Problem {
    /// It is no JSON object.
    #[error("expected an object, found {0}")]
    NoObject(String),
    /// A field is missing or empty.
    #[error("{0} is missing or empty")]
    Missing(String),
    /// A field has a value of another type.
    #[error("{field}: expected {expected}, found {found}")]
    Unexpected {
        /// The field, as a path from the document's root.
        field: String,
        /// What should stand there.
        expected: &'static str,
        /// What stands there, cut short.
        found: String,
    },
    /// A field has JSON that nobody can read, the server neither.
    #[error("{field}: {what}")]
    Unreadable {
        /// The field, as a path from the document's root.
        field: String,
        /// What the parser said.
        what: String,
    },
    /// A field that no document of this kind has.
    #[error("there is no field {field}; a {kind} has {known}")]
    Unknown {
        /// The field, as a path from the document's root.
        field: String,
        /// What the object is.
        kind: &'static str,
        /// The fields it can have.
        known: String,
    },
    /// Its kind cannot be told.
    #[error("{0}")]
    NoKind(String),
}

/// The fields of one object that were not taken yet.
pub(super) struct Fields<'a> {
    kind: &'static str,
    path: String,
    known: Vec<&'static str>,
    left: BTreeMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// Reads the object in `text`.
    pub(super) fn parse(text: &'a str) -> Result<Self, Problem> {
        Self::nested(text, String::new())
    }

    fn nested(text: &'a str, path: String) -> Result<Self, Problem> {
        let left = serde_json::from_str(text).map_err(|_| Problem::NoObject(short(text)))?;
        Ok(Self {
            kind: "document",
            path,
            known: Vec::new(),
            left,
        })
    }

    /// Says what the object is, for error texts.
    pub(super) fn set_kind(&mut self, kind: &'static str) {
        self.kind = kind;
    }

    /// Whether the field stands there and was not taken.
    pub(super) fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// The names of all fields that were not taken.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.left.keys().map(String::as_str)
    }

    /// A text; empty when absent.
    pub(super) fn text(&mut self, key: &'static str) -> Result<String, Problem> {
        self.value(key, "text in quotes")
            .map(Option::unwrap_or_default)
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: &'static str) -> Result<String, Problem> {
        let text = self.text(key)?;
        if text.is_empty() {
            return Err(Problem::Missing(self.at(key)));
        }
        Ok(text)
    }

    /// A JSON value as its own text; empty when absent. What is nested too deep, or has half a character, is found here:
    /// a text that is only passed on is not read.
    pub(super) fn json(&mut self, key: &'static str) -> Result<String, Problem> {
        self.known.push(key);
        let Some(raw) = self.left.remove(key) else {
            return Ok(String::new());
        };
        match serde_json::from_str::<Value>(raw.get()) {
            Ok(_) => Ok(raw.get().to_owned()),
            Err(error) => Err(Problem::Unreadable {
                field: self.at(key),
                what: error.to_string(),
            }),
        }
    }

    /// An object whose values are all text; empty when absent.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<HashMap<String, String>, Problem> {
        let values: Option<BTreeMap<String, &'a RawValue>> = self.value(key, "an object")?;
        let mut texts = HashMap::new();
        for (name, raw) in values.into_iter().flatten() {
            let field = format!("{}.{name}", self.at(key));
            texts.insert(name, read(raw, field, "text in quotes")?);
        }
        Ok(texts)
    }

    /// An object; `None` when absent.
    pub(super) fn object(&mut self, key: &'static str) -> Result<Option<Fields<'a>>, Problem> {
        let Some(raw) = self.value::<&'a RawValue>(key, "an object")? else {
            return Ok(None);
        };
        let unexpected = |_| Problem::Unexpected {
            field: self.at(key),
            expected: "an object",
            found: short(raw.get()),
        };
        let path = format!("{}.", self.at(key));
        Self::nested(raw.get(), path).map_err(unexpected).map(Some)
    }

    /// A number or a text, as text; empty when absent.
    pub(super) fn word(&mut self, key: &'static str) -> Result<String, Problem> {
        let Some(raw) = self.value::<&'a RawValue>(key, "a number or a text")? else {
            return Ok(String::new());
        };
        if raw.get().parse::<u64>().is_ok() {
            return Ok(raw.get().to_owned());
        }
        read(raw, self.at(key), "a number or a text")
    }

    /// A list of objects; empty when absent.
    pub(super) fn objects(&mut self, key: &'static str) -> Result<Vec<Fields<'a>>, Problem> {
        let items: Option<Vec<&'a RawValue>> = self.value(key, "a list")?;
        let nested = |(n, raw): (usize, &'a RawValue)| {
            let path = format!("{}[{n}]", self.at(key));
            let unexpected = |_| Problem::Unexpected {
                field: path.clone(),
                expected: "an object",
                found: short(raw.get()),
            };
            Self::nested(raw.get(), format!("{path}.")).map_err(unexpected)
        };
        items
            .into_iter()
            .flatten()
            .enumerate()
            .map(nested)
            .collect()
    }

    /// A time such as 30s.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
    ) -> Result<Option<prost_types::Duration>, Problem> {
        let Some(text) = self.value::<String>(key, "a time in quotes, such as \"30s\"")? else {
            return Ok(None);
        };
        let unexpected = || Problem::Unexpected {
            field: self.at(key),
            expected: "a time such as 30s, 500ms or 2m",
            found: short(&text),
        };
        let time: SignedDuration = text.parse().map_err(|_| unexpected())?;
        Ok(Some(prost_types::Duration {
            seconds: time.as_secs(),
            nanos: time.subsec_nanos(),
        }))
    }

    /// Drops fields that the server writes: what `get` prints can be applied again.
    pub(super) fn skip(&mut self, keys: &[&str]) {
        for key in keys {
            self.left.remove(*key);
        }
    }

    /// Refuses what is left.
    pub(super) fn end(self) -> Result<(), Problem> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(key) => Err(Problem::Unknown {
                field: self.at(key),
                kind: self.kind,
                known: self.known.join(", "),
            }),
        }
    }

    fn at(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    /// Takes one field. `null` counts as absent.
    fn value<T: Deserialize<'a>>(
        &mut self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, Problem> {
        self.known.push(key);
        let field = self.at(key);
        match self.left.remove(key) {
            None => Ok(None),
            Some(raw) if raw.get() == "null" => Ok(None),
            Some(raw) => read(raw, field, expected).map(Some),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    field: String,
    expected: &'static str,
) -> Result<T, Problem> {
    let found = |_| Problem::Unexpected {
        field,
        expected,
        found: short(raw.get()),
    };
    serde_json::from_str(raw.get()).map_err(found)
}

/// No more of a value than a person needs to find it.
fn short(text: &str) -> String {
    match text.char_indices().nth(40) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} ...", &text[..end]),
    }
}
