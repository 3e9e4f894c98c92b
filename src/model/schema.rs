//! The JSON Schema of a definition, compiled: which draft it is read as, and what a spec breaks.
//!
//! Invariant: compiling and checking fetch nothing and take bounded time: patterns run on a linear engine of
//! bounded size, and `schema_cost` refuses checks whose cost explodes.

use std::fmt;
use std::str::FromStr;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::schema_cost::{Cost, Visits};
use crate::error::{Error, Result, Violation, cut};

/// Most bytes of all compiled patterns of a schema together, and of one.
const PATTERN_BYTES: (usize, usize) = (8 << 20, 1 << 20);
/// Most patterns of a schema.
const PATTERNS: usize = 1000;
/// Most `unevaluated...` keywords of a schema: compiling each looks at everything beside and below it.
const UNEVALUATED: usize = 100;
/// A check of more visits than this gathers no list: it names the first violation only.
const LIST_VISITS: u64 = 100_000;
/// Stack of the thread that compiles a schema, or makes a check that goes deep: a chain of `$ref` may be as long as
/// its text allows. Only what is used of it costs memory.
const STACK_BYTES: usize = 512 << 20;
/// Most violations that are gathered from one spec.
const MAX_VIOLATIONS: usize = 10_000;

/// The draft that a schema is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Draft 4.
    Draft4,
    /// Draft 6.
    Draft6,
    /// Draft 7.
    Draft7,
    /// Draft 2019-09.
    Draft201909,
    /// Draft 2020-12.
    Draft202012,
}

impl Dialect {
    const ALL: [Self; 5] = [
        Self::Draft4,
        Self::Draft6,
        Self::Draft7,
        Self::Draft201909,
        Self::Draft202012,
    ];
    /// Tried in this order where a schema does not say.
    const GUESSES: [Self; 3] = [Self::Draft202012, Self::Draft7, Self::Draft4];

    /// The word for it in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft4 => "draft4",
            Self::Draft6 => "draft6",
            Self::Draft7 => "draft7",
            Self::Draft201909 => "draft2019-09",
            Self::Draft202012 => "draft2020-12",
        }
    }

    fn of_uri(uri: &str) -> Option<Self> {
        let uri = uri.trim_end_matches('#');
        let uri = uri
            .strip_prefix("https://")
            .or_else(|| uri.strip_prefix("http://"))?;
        match uri {
            "json-schema.org/draft-04/schema" => Some(Self::Draft4),
            "json-schema.org/draft-06/schema" => Some(Self::Draft6),
            "json-schema.org/draft-07/schema" => Some(Self::Draft7),
            "json-schema.org/draft/2019-09/schema" => Some(Self::Draft201909),
            "json-schema.org/draft/2020-12/schema" => Some(Self::Draft202012),
            _ => None,
        }
    }

    fn draft(self) -> Draft {
        match self {
            Self::Draft4 => Draft::Draft4,
            Self::Draft6 => Draft::Draft6,
            Self::Draft7 => Draft::Draft7,
            Self::Draft201909 => Draft::Draft201909,
            Self::Draft202012 => Draft::Draft202012,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.as_str() == text)
            .ok_or(())
    }
}

/// A compiled schema.
pub struct Schema {
    dialect: Dialect,
    validator: Validator,
    cost: Cost,
}

impl Schema {
    /// Compiles a schema as the draft that its `$schema` names, or else as the first that fits. The error
    /// names `schema`.
    pub fn compile(schema: &Value) -> Result<Self> {
        match schema {
            Value::Object(_) | Value::Bool(_) => {}
            _ => {
                return Err(Error::invalid(
                    "schema",
                    "a schema is an object, true or false",
                ));
            }
        }
        match schema.get("$schema") {
            None => Self::guess(schema),
            Some(Value::String(uri)) => match Dialect::of_uri(uri) {
                Some(dialect) => Self::compile_as(schema, dialect),
                None => Err(Error::invalid(
                    "schema.$schema",
                    format!(
                        "{:?} is not known; drafts 4, 6, 7, 2019-09 and 2020-12 are, by their http://json-schema.org/ address",
                        cut(uri, 40)
                    ),
                )),
            },
            Some(_) => Err(Error::invalid(
                "schema.$schema",
                "the address of a draft is needed",
            )),
        }
    }

    /// Compiles a stored schema as the draft it was accepted with.
    pub fn compile_as(schema: &Value, dialect: Dialect) -> Result<Self> {
        let patterns = patterns(schema);
        if patterns > PATTERNS {
            let text = format!("{patterns} patterns are too many: {PATTERNS} at most");
            return Err(Error::invalid("schema", text));
        }
        let unevaluated = unevaluated(schema);
        if unevaluated > UNEVALUATED {
            let text =
                format!("{unevaluated} unevaluated keywords are too many: {UNEVALUATED} at most");
            return Err(Error::invalid("schema", text));
        }
        let (all, one) = PATTERN_BYTES;
        let most = (all / patterns.max(1)).min(one);
        let validator = deep(|| {
            jsonschema::options()
                .with_draft(dialect.draft())
                .with_pattern_options(
                    PatternOptions::regex()
                        .size_limit(most)
                        .dfa_size_limit(most),
                )
                .offline()
                .build(schema)
                .map_err(|error| Error::Invalid(vec![refusal(&error, dialect)]))
        })?;
        Ok(Self {
            dialect,
            validator,
            cost: Cost::of(schema),
        })
    }

    fn guess(schema: &Value) -> Result<Self> {
        let mut first = None;
        for dialect in Dialect::GUESSES {
            match Self::compile_as(schema, dialect) {
                Ok(schema) => return Ok(schema),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.expect("there is more than one guess"))
    }

    /// The draft that it is read as.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether a check costs no more than the size of the schema and the spec says.
    pub fn is_plain(&self) -> bool {
        self.cost.is_plain()
    }

    /// Checks a spec; the error lists everything that breaks the schema.
    pub fn check(&self, spec: &Value) -> Result<()> {
        match self
            .cost
            .of_check(spec)
            .map_err(|violation| Error::Invalid(vec![violation]))?
        {
            Visits::Few => self.list(spec),
            Visits::Counted(visits) if visits <= LIST_VISITS => deep(|| self.list(spec)),
            Visits::Counted(_) => deep(|| {
                let first = self.validator.validate(spec);
                first.map_err(|error| Error::Invalid(vec![violation(&error)]))
            }),
        }
    }

    fn list(&self, spec: &Value) -> Result<()> {
        if self.validator.is_valid(spec) {
            return Ok(());
        }
        let errors = self.validator.iter_errors(spec).take(MAX_VIOLATIONS);
        Err(Error::Invalid(
            errors.map(|error| violation(&error)).collect(),
        ))
    }
}

/// Runs `work` on a thread with a deep stack.
fn deep<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(Error::invalid("schema", "it cannot be worked with")),
        }
    })
}

/// How many `unevaluatedItems` and `unevaluatedProperties` a schema has.
fn unevaluated(schema: &Value) -> usize {
    match schema {
        Value::Object(map) => map
            .iter()
            .map(|(keyword, inner)| {
                usize::from(keyword.starts_with("unevaluated")) + unevaluated(inner)
            })
            .sum(),
        Value::Array(items) => items.iter().map(unevaluated).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// How many patterns a schema has.
fn patterns(schema: &Value) -> usize {
    match schema {
        Value::Object(map) => map
            .iter()
            .map(|(keyword, inner)| match (keyword.as_str(), inner) {
                ("pattern", Value::String(_)) => 1,
                ("patternProperties", Value::Object(by_pattern)) => {
                    by_pattern.len() + patterns(inner)
                }
                _ => patterns(inner),
            })
            .sum(),
        Value::Array(items) => items.iter().map(patterns).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

fn refusal(error: &ValidationError<'_>, dialect: Dialect) -> Violation {
    let field = path("schema", error);
    let why = match error.kind() {
        ValidationErrorKind::Referencing(why) => {
            format!("a $ref leads out of the document, or nowhere: {why}")
        }
        _ => describe(error),
    };
    Violation::new(field, format!("not a schema of {dialect}: {why}"))
}

fn violation(error: &ValidationError<'_>) -> Violation {
    let field = path("spec", error);
    match error.kind() {
        ValidationErrorKind::Required {
            property: Value::String(property),
        } => Violation::new(join(field, property), "is required"),
        _ => Violation::new(field, describe(error)),
    }
}

/// The error in words, with the value left out where it is long.
fn describe(error: &ValidationError<'_>) -> String {
    let short = match &**error.instance() {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.to_string().len() <= 40,
        Value::String(text) => text.chars().count() <= 38,
        Value::Array(_) | Value::Object(_) => false,
    };
    let text = if short {
        error.to_string()
    } else {
        error.masked_with("this value").to_string()
    };
    short_quotes(&text)
}

/// Cuts what stands between quotes to 40 characters.
fn short_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = if rest[start..].starts_with('"') {
            '"'
        } else {
            '\''
        };
        let (before, quoted) = rest.split_at(start + 1);
        out.push_str(before);
        let Some(end) = quoted.find(quote) else {
            rest = quoted;
            break;
        };
        out.push_str(&cut(&quoted[..end], 40));
        out.push(quote);
        rest = &quoted[end + 1..];
    }
    out.push_str(&cut(rest, 200));
    out
}

fn path(root: &str, error: &ValidationError<'_>) -> String {
    error
        .instance_path()
        .iter()
        .fold(root.to_owned(), |path, segment| match segment {
            LocationSegment::Index(index) => format!("{path}[{index}]"),
            LocationSegment::Property(name) => join(path, &name),
        })
}

fn join(path: String, property: &str) -> String {
    let plain = !property.is_empty()
        && property
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-$".contains(&b));
    if plain {
        format!("{path}.{property}")
    } else {
        format!("{path}[{:?}]", cut(property, 40))
    }
}
