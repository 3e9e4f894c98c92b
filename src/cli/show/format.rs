//! The forms of output, and the flag `-o` that picks one.

use std::fmt;
use std::str::FromStr;

use super::super::nearest;
use super::template::Template;

/// The form of the output.
#[derive(Debug, Clone)]
pub(in crate::cli) enum Format {
    /// Columns for people.
    Table,
    /// More columns.
    Wide,
    /// JSON: one object, or an array for a list.
    Json,
    /// YAML: one document for each object.
    Yaml,
    /// Names only, one on a line.
    Name,
    /// What a template picks from the JSON.
    JsonPath(Template),
}

/// The forms that are one word.
const WORDS: [(&str, Format); 5] = [
    ("table", Format::Table),
    ("wide", Format::Wide),
    ("json", Format::Json),
    ("yaml", Format::Yaml),
    ("name", Format::Name),
];

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        if let Some(template) = text.strip_prefix("jsonpath=") {
            return template.parse().map(Format::JsonPath);
        }
        if let Some((_, format)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(format.clone());
        }
        let known = "table, wide, json, yaml, name and jsonpath=TEMPLATE";
        Err(
            match nearest::word(text, WORDS.iter().map(|(word, _)| *word)) {
                Some(near) => format!("did you mean {near}? Forms are {known}"),
                None => format!("forms are {known}"),
            },
        )
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Table => "table",
            Format::Wide => "wide",
            Format::Json => "json",
            Format::Yaml => "yaml",
            Format::Name => "name",
            Format::JsonPath(template) => return write!(f, "jsonpath={template}"),
        })
    }
}

/// The flag `-o`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FormatArg {
    /// Form of the output: table, wide, json, yaml, name or jsonpath=TEMPLATE [default: of the context, or table]
    ///
    /// A template is text with JSONPath in braces, as kubectl has it: '{.name}', or for a list, whose elements are its
    /// `items`, '{range .items[*]}{.name}{"\n"}{end}'. Without braces all of it is one path.
    #[arg(short, long = "output", value_name = "FORMAT")]
    pub(in crate::cli) output: Option<Format>,
}
