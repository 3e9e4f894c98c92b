//! The user's JSON: kept as the text that was sent.
//!
//! Invariant: the text is valid JSON, nested at most [`MAX_DEPTH`] deep, without white space between tokens and
//! without duplicate keys (the last one won). Key order and the digits of numbers are as they were sent.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::Violation;

/// Deepest nesting of a user's JSON text. With the document around it that is 128 levels of a REST body.
pub const MAX_DEPTH: usize = 127;

/// A JSON text of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// The empty object.
    pub fn empty_object() -> Self {
        Self("{}".into())
    }

    /// Takes a text as it was sent, and what it says.
    pub fn parse(text: &str, field: &str) -> Result<(Self, Value), Violation> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let what = if error.to_string().contains("recursion limit") {
                format!("JSON is nested deeper than {MAX_DEPTH}")
            } else {
                format!("this is not JSON: {error}")
            };
            Violation::new(field, what)
        })?;
        let (compact, written) = compact(text);
        let text = if written == entries(&value) {
            compact
        } else {
            without_duplicates(&compact)
        };
        Ok((Self(text.into()), value))
    }

    /// Takes a text that was parsed before and comes from the store.
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// Writes a value as text.
    pub fn from_value(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// Whether both say the same with the same digits and key order, however their texts are escaped.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self == other || unescaped(&self.0) == unescaped(&other.0)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the text says.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).expect("the text was parsed when it came in")
    }
}

/// The text without white space between tokens, and how many object entries it writes.
fn compact(text: &str) -> (String, usize) {
    let mut out = String::with_capacity(text.len());
    let (mut entries, mut in_string, mut escaped, mut start) = (0, false, false, 0);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b':' => entries += 1,
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push_str(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push_str(&text[start..]);
    (out, entries)
}

/// The text with each string in one spelling.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let (before, from_quote) = rest.split_at(start);
        out.push_str(before);
        let mut tokens = serde_json::Deserializer::from_str(from_quote).into_iter::<String>();
        let Some(Ok(string)) = tokens.next() else {
            break;
        };
        out.push_str(&Value::from(string).to_string());
        rest = &from_quote[tokens.byte_offset()..];
    }
    out.push_str(rest);
    out
}

/// How many object entries a value holds, at all depths.
fn entries(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(entries).sum(),
        Value::Object(map) => map.len() + map.values().map(entries).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The same text with only the last of each duplicate key. The text is valid and not nested too deep.
fn without_duplicates(text: &str) -> String {
    match text.as_bytes().first() {
        Some(b'{') => {
            let map: IndexMap<String, &RawValue> =
                serde_json::from_str(text).expect("it was parsed before");
            let fields: Vec<String> = map
                .iter()
                .map(|(key, value)| {
                    format!(
                        "{}:{}",
                        Value::from(key.as_str()),
                        without_duplicates(value.get())
                    )
                })
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).expect("it was parsed before");
            let items: Vec<String> = items
                .iter()
                .map(|item| without_duplicates(item.get()))
                .collect();
            format!("[{}]", items.join(","))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        Json::parse(text, "spec")
            .expect("valid")
            .0
            .as_str()
            .to_owned()
    }

    #[test]
    fn digits_key_order_and_escapes_stay_as_sent() {
        let text =
            r#"{"z":1.50,"a":9007199254740993123456789,"e":1E+05,"s":"\u0041\/ : {","n":-0.0}"#;
        assert_eq!(kept(text), text);
    }

    #[test]
    fn white_space_between_tokens_goes() {
        assert_eq!(kept("{ \"a b\" :\n[ 1 ,\t2 ] }"), r#"{"a b":[1,2]}"#);
    }

    #[test]
    fn the_last_of_duplicate_keys_wins_at_any_depth() {
        assert_eq!(
            kept(r#"{"a":1.0,"b":[{"c":1,"c":2.50}],"a":3.10}"#),
            r#"{"a":3.10,"b":[{"c":2.50}]}"#
        );
    }

    #[test]
    fn spelling_of_a_string_makes_no_difference_but_digits_and_order_do() {
        let json = |text: &str| Json::parse(text, "spec").expect("valid").0;
        let written = json(r#"{"a\u0062":"\u003c\/\u2028","n":1.10}"#);
        assert!(written.says_the_same(&json("{\"ab\":\"</\u{2028}\",\"n\":1.10}")));
        assert!(!written.says_the_same(&json("{\"ab\":\"</\u{2028}\",\"n\":1.1}")));
        assert!(!json(r#"{"a":1,"b":2}"#).says_the_same(&json(r#"{"b":2,"a":1}"#)));
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert_eq!(kept(&nested(MAX_DEPTH)), nested(MAX_DEPTH));
        let refused = Json::parse(&nested(MAX_DEPTH + 1), "spec").expect_err("too deep");
        assert_eq!(refused.description, "JSON is nested deeper than 127");
    }
}
