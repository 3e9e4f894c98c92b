//! Templates of JSONPath, as kubectl has them: text, and paths in braces.
//!
//! Paths are those of RFC 9535; what kubectl writes in another way (`{.a-b}`, `{@.name}`, `\.`) is rewritten first.
//! Numbers come out as they were written.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_json_path::JsonPath;

use super::json;

/// How deep a path or ranges may be nested: the parser of paths goes down into each bracket.
const DEPTH: usize = 32;

/// A template, read.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    /// Text as it is.
    Text(String),
    /// All that a path finds, with spaces between.
    Path(JsonPath),
    /// For each thing that a path finds, these.
    Range(JsonPath, Vec<Part>),
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = if text.contains('{') {
            let mut rest = text;
            let (parts, closed) = parts(&mut rest, 0)?;
            if closed {
                return Err("{end} without {range ...}".to_owned());
            }
            parts
        } else {
            vec![Part::Path(path(text)?)]
        };
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads parts to the end of the text, or to `{end}`; says whether that was met.
fn parts(rest: &mut &str, depth: usize) -> Result<(Vec<Part>, bool), String> {
    let mut parts = Vec::new();
    while let Some((text, after)) = rest.split_once('{') {
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let end = end_of(after, '{', '}').ok_or("a { without its }")?;
        let inside = after[..end].trim();
        *rest = &after[end + 1..];
        match inside {
            "end" => return Ok((parts, true)),
            text if text.starts_with('"') => {
                let text = serde_json::from_str(text);
                parts.push(Part::Text(
                    text.map_err(|error| format!("{inside}: {error}"))?,
                ));
            }
            _ => match inside.strip_prefix("range ") {
                None => parts.push(Part::Path(path(inside)?)),
                Some(_) if depth == DEPTH => {
                    return Err(format!("ranges are nested deeper than {DEPTH}"));
                }
                Some(over) => {
                    let (inner, closed) = self::parts(rest, depth + 1)?;
                    if !closed {
                        return Err(format!("{{range {over}}} without {{end}}"));
                    }
                    parts.push(Part::Range(path(over)?, inner));
                }
            },
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Text((*rest).to_owned()));
    }
    *rest = "";
    Ok((parts, false))
}

/// Where what was opened before the text is closed; quotes may hold either mark.
fn end_of(text: &str, open: char, close: char) -> Option<usize> {
    let (mut quote, mut escaped, mut depth) = (None, false, 0);
    for (at, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            _ if c == '\\' => escaped = true,
            Some(begun) if c == begun => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == open => depth += 1,
            None if c == close && depth == 0 => return Some(at),
            None if c == close => depth -= 1,
            None => {}
        }
    }
    None
}

fn path(text: &str) -> Result<JsonPath, String> {
    if depth(text) > DEPTH {
        return Err(format!("a path is nested deeper than {DEPTH}"));
    }
    let strict = strict(text.trim());
    JsonPath::parse(&strict).map_err(|error| format!("{text} is no JSONPath: {error}"))
}

/// How deep brackets are nested in a path; those in quotes count too.
fn depth(text: &str) -> usize {
    let (mut now, mut deepest) = (0_usize, 0);
    for c in text.chars() {
        match c {
            '(' | '[' => now += 1,
            ')' | ']' => now = now.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(now);
    }
    deepest
}

/// The path in the letters of RFC 9535: from `$`, and odd names in brackets.
fn strict(text: &str) -> String {
    let from_root = text.strip_prefix(['$', '@']).unwrap_or(text);
    let is_name = !from_root.is_empty() && !from_root.starts_with(['.', '[']);
    let from_root = format!("{}{from_root}", if is_name { "." } else { "" });
    let mut out = "$".to_owned();
    let mut rest = from_root.as_str();
    while let Some(at) = rest.find(['.', '[']) {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if rest[at..].starts_with('[') {
            // What stands in brackets is in those letters already.
            let end = end_of(after, '[', ']').map_or(after.len(), |end| end + 1);
            out.push_str(&rest[at..at + 1 + end]);
            rest = &after[end..];
            continue;
        }
        let (name, len) = name(after);
        if name.is_empty() || is_plain(&name) {
            out.push('.');
            out.push_str(&name);
        } else {
            out.push_str(&format!("[{}]", Value::from(name)));
        }
        rest = &after[len..];
    }
    out + rest
}

/// The name at the front, with `\.` read as a dot, and its length in the text.
fn name(text: &str) -> (String, usize) {
    let (mut name, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                name.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '.' | '[' => return (name, at),
            _ => name.push(c),
        }
    }
    (name, text.len())
}

/// Whether RFC 9535 takes the name after a dot.
fn is_plain(name: &str) -> bool {
    name == "*"
        || (name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !name.starts_with(char::is_numeric))
}

/// A document, and the numbers in it that would come out otherwise than they were written, by their places.
struct Source {
    root: Value,
    tokens: HashMap<String, String>,
}

impl Template {
    /// Fills the template from a document; ends with a line break if there is anything.
    pub(in crate::cli) fn fill(&self, document: &impl Serialize) -> String {
        let mut tokens = HashMap::new();
        let root = read(&json::whole(document), "", &mut tokens);
        let source = Source { root, tokens };
        let mut out = String::new();
        source.fill(&self.parts, &source.root, "", &mut out);
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }
}

/// Reads what stands at a place, and notes the numbers there that are not written as they are kept.
///
/// It is read level by level: a spec is nested as deep as a parser goes, and a document has a few levels more.
fn read(json: &RawValue, place: &str, tokens: &mut HashMap<String, String>) -> Value {
    let text = json.get();
    let known = "the first byte tells the type of JSON";
    match text.as_bytes() {
        [b'{', ..] => {
            let entries: IndexMap<String, &RawValue> = serde_json::from_str(text).expect(known);
            let entries = entries.into_iter().map(|(key, value)| {
                let value = read(value, &below(place, &key), tokens);
                (key, value)
            });
            Value::Object(entries.collect())
        }
        [b'[', ..] => {
            let items: Vec<&RawValue> = serde_json::from_str(text).expect(known);
            let items = items.into_iter().enumerate();
            let items =
                items.map(|(index, value)| read(value, &below(place, &index.to_string()), tokens));
            Value::Array(items.collect())
        }
        _ => {
            let kept: Value = serde_json::from_str(text).expect(known);
            if let Value::Number(number) = &kept
                && number.to_string() != text
            {
                tokens.insert(place.to_owned(), text.to_owned());
            }
            kept
        }
    }
}

/// The JSON pointer to what stands under a key.
fn below(place: &str, key: &str) -> String {
    format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl Source {
    fn fill(&self, parts: &[Part], from: &Value, place: &str, out: &mut String) {
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Path(path) => {
                    for (nth, found) in path.query_located(from).iter().enumerate() {
                        out.push_str(if nth == 0 { "" } else { " " });
                        let place = format!("{place}{}", found.location().to_json_pointer());
                        match found.node() {
                            Value::String(text) => out.push_str(text),
                            other => self.write(other, &place, out),
                        }
                    }
                }
                Part::Range(path, parts) => {
                    for found in path.query_located(from).iter() {
                        let place = format!("{place}{}", found.location().to_json_pointer());
                        self.fill(parts, found.node(), &place, out);
                    }
                }
            }
        }
    }

    /// Writes JSON, with numbers as they were written.
    fn write(&self, value: &Value, place: &str, out: &mut String) {
        match value {
            Value::Array(items) => {
                out.push('[');
                for (nth, item) in items.iter().enumerate() {
                    out.push_str(if nth == 0 { "" } else { "," });
                    self.write(item, &below(place, &nth.to_string()), out);
                }
                out.push(']');
            }
            Value::Object(entries) => {
                out.push('{');
                for (nth, (key, item)) in entries.iter().enumerate() {
                    out.push_str(if nth == 0 { "" } else { "," });
                    out.push_str(&Value::from(key.as_str()).to_string());
                    out.push(':');
                    self.write(item, &below(place, key), out);
                }
                out.push('}');
            }
            Value::Number(number) => match self.tokens.get(place) {
                Some(token) => out.push_str(token),
                None => out.push_str(&number.to_string()),
            },
            Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"{"items":[{"name":"a","spec":{"n":1.10,"big":123456789012345678901234567890,"a-b":{"c.d":true}}},{"name":"b","spec":{"n":2,"l":[1e2,{"x":"y"}],"q":"}"}}]}"#;

    fn filled(template: &str) -> String {
        let document = json::raw(LIST).unwrap();
        match template.parse::<Template>() {
            Ok(template) => template.fill(&document),
            Err(error) => error,
        }
    }

    #[test]
    fn paths_are_filled_in_and_numbers_stay_as_they_were_written() {
        assert_eq!(filled("{.items[*].name}"), "a b\n");
        assert_eq!(filled("$.items[0].spec.n"), "1.10\n");
        assert_eq!(
            filled("items[0].spec.big"),
            "123456789012345678901234567890\n"
        );
        assert_eq!(
            filled("{.items[1].spec}"),
            "{\"n\":2,\"l\":[1e2,{\"x\":\"y\"}],\"q\":\"}\"}\n"
        );
        assert_eq!(filled(r"{.items[0].spec.a-b.c\.d}"), "true\n");
        assert_eq!(
            filled("{.items[?@.name=='b'].spec.q} is {\"}\"}"),
            "} is }\n"
        );
        assert_eq!(filled("{.nothing}"), "");
        assert_eq!(filled("{$..n}"), "1.10 2\n");
    }

    #[test]
    fn a_range_repeats_its_parts() {
        let rows = r#"{range .items[*]}{.name}{"\t"}{@.spec.n}{"\n"}{end}"#;
        assert_eq!(filled(rows), "a\t1.10\nb\t2\n");
        assert_eq!(
            filled("{range .items[*].spec.l[*]}<{@}>{end}"),
            "<1e2><{\"x\":\"y\"}>\n"
        );
    }

    #[test]
    fn a_template_that_is_nested_without_end_is_refused() {
        for open in ["(", "[?(", "[?!(", "["] {
            let text = format!("$[?{}", open.repeat(20_000));
            assert_eq!(filled(&text), "a path is nested deeper than 32");
        }
        let ranges = "{range .items[*]}".repeat(20_000);
        assert_eq!(filled(&ranges), "ranges are nested deeper than 32");
    }

    /// Found by reading: a spec as deep as the server takes it, in a document around it, was too deep.
    #[test]
    fn a_document_around_the_deepest_spec_is_filled_in() {
        let deep = "[".repeat(127) + "1.10" + &"]".repeat(127);
        let list = format!(r#"{{"items":[{{"resource_snapshot":{{"spec":{deep}}},"name":"a"}}]}}"#);
        let document: Box<RawValue> = serde_json::from_str(&list).unwrap();
        let filled = |template: &str| template.parse::<Template>().unwrap().fill(&document);
        assert_eq!(filled("{.items[*].name}"), "a\n");
        let spec = filled("{.items[0].resource_snapshot.spec}");
        assert_eq!(spec.trim_end(), deep);
    }

    #[test]
    fn a_wrong_template_is_explained() {
        assert_eq!(filled("{.items"), "a { without its }");
        assert_eq!(filled("{end}"), "{end} without {range ...}");
        assert_eq!(
            filled("{range .items[*]}x"),
            "{range .items[*]} without {end}"
        );
        assert!(filled("{.items[}").contains("is no JSONPath"));
    }
}
