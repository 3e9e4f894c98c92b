//! YAML for people and for `apply`: every number of the user's own JSON stays as it was written.
//!
//! Text stands without quotes only where each reader of YAML takes it for text.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::json;

/// Words that some reader of YAML takes for a boolean or null.
const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// The longest key, in bytes, that is written without `?` before it. YAML ends such keys at 1024 characters.
const MAX_SHORT_KEY: usize = 512;

/// Renders a value as one document.
pub(super) fn document(value: &impl Serialize) -> String {
    let mut out = "---".to_owned();
    tail(&json::whole(value), 0, &mut out);
    out
}

/// Writes a value after the `---`, `key:` or `-` that it belongs to.
fn tail(json: &RawValue, indent: usize, out: &mut String) {
    match json.get().as_bytes() {
        [b'{', ..] => {
            // Of keys that stand there twice the last one counts, as it does for the server.
            let entries: IndexMap<String, &RawValue> = read(json);
            out.push_str(if entries.is_empty() { " {}\n" } else { "\n" });
            for (key, value) in entries {
                out.push_str(&" ".repeat(indent));
                key_of_entry(&key, indent, out);
                tail(value, indent + 2, out);
            }
        }
        [b'[', ..] => {
            let items: Vec<&RawValue> = read(json);
            out.push_str(if items.is_empty() { " []\n" } else { "\n" });
            for item in items {
                out.push_str(&" ".repeat(indent));
                out.push('-');
                nested(item, indent + 2, out);
            }
        }
        [b'"', ..] => text(&read::<String>(json), indent, out),
        _ => {
            out.push(' ');
            out.push_str(json.get());
            out.push('\n');
        }
    }
}

/// Writes a value after `-`: the first line of what is nested stands on the same line.
fn nested(json: &RawValue, indent: usize, out: &mut String) {
    let start = out.len();
    tail(json, indent, out);
    if out[start..].starts_with('\n') {
        // The dash and a space are as wide as one step of indentation.
        out.replace_range(start..=start + indent, " ");
    }
}

fn key_of_entry(key: &str, indent: usize, out: &mut String) {
    let key = if is_plain(key) {
        key.to_owned()
    } else {
        quoted(key)
    };
    if key.len() > MAX_SHORT_KEY {
        out.push_str(&format!("? {key}\n{:indent$}:", ""));
    } else {
        out.push_str(&key);
        out.push(':');
    }
}

fn text(text: &str, indent: usize, out: &mut String) {
    if is_plain(text) {
        out.push_str(&format!(" {text}\n"));
    } else if is_block(text) {
        out.push_str(if text.ends_with('\n') {
            " |\n"
        } else {
            " |-\n"
        });
        for line in text.lines() {
            let indent = if line.is_empty() { 0 } else { indent };
            out.push_str(&format!("{:indent$}{line}\n", ""));
        }
    } else {
        out.push_str(&format!(" {}\n", quoted(text)));
    }
}

fn is_plain(text: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || " _-./:@+=()".contains(c);
    text.starts_with(char::is_alphabetic)
        && text.chars().all(inside)
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
        && !WORDS.contains(&text.to_lowercase().as_str())
}

/// Whether the text can stand as lines below `|`, without an indicator for its indentation or its end.
fn is_block(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !lines.is_empty()
        && !lines.starts_with([' ', '\t', '\n'])
        && !lines.ends_with('\n')
        && lines
            .split('\n')
            .all(|line| !line.trim().is_empty() || line.is_empty())
        && text.chars().all(|c| c == '\n' || is_printed(c))
}

/// The JSON of the text, which YAML reads the same way where what it does not print is escaped.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).expect("text is JSON");
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_printed(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    out
}

/// Whether YAML allows the character as it is and takes it for no line break.
fn is_printed(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn read<'a, T: Deserialize<'a>>(json: &'a RawValue) -> T {
    serde_json::from_str(json.get()).expect("the first byte tells the type of JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::documents::yaml::texts;
    use proptest::prelude::*;

    fn yaml(json: &str) -> String {
        document(&serde_json::from_str::<&RawValue>(json).unwrap())
    }

    #[test]
    fn tokens_stay_and_text_is_quoted_where_it_must_be() {
        let json = r#"{"n":1.10,"e":[1E+2,-0,123456789012345678901234567890],"s":["01234","1.10","no","NULL","a: b","a #b","","~","a:1","é ü","-x","\u2028","x:","\ud83d\ude00"],"o":{},"l":[[],{},[1,[2]],{"a":1,"b":[{"c":null}]}],"m":"two\n\n  lines\n","m2":"a\nb","m3":" a\nb","m4":"a\n\n"}"#;
        insta::assert_snapshot!(yaml(json), @r#"
        ---
        "n": 1.10
        e:
          - 1E+2
          - -0
          - 123456789012345678901234567890
        s:
          - "01234"
          - "1.10"
          - "no"
          - "NULL"
          - "a: b"
          - "a #b"
          - ""
          - "~"
          - a:1
          - é ü
          - "-x"
          - "\u2028"
          - "x:"
          - "😀"
        o: {}
        l:
          - []
          - {}
          - - 1
            - - 2
          - a: 1
            b:
              - c: null
        m: |
          two

            lines
        m2: |-
          a
          b
        m3: " a\nb"
        m4: "a\n\n"
        "#);
        assert_eq!(texts(&yaml(json)).unwrap().len(), 1);
    }

    #[test]
    fn a_long_key_comes_back() {
        let json = format!(
            r#"{{"o":{{"{}":{{"a":[1]}},"{}":2}}}}"#,
            "k ".repeat(2000) + "k",
            "1".repeat(600)
        );
        assert_eq!(texts(&yaml(&json)).unwrap(), [json]);
    }

    fn number() -> impl Strategy<Value = String> {
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?"
    }

    fn words() -> impl Strategy<Value = String> {
        let odd = "[-+:#~!&*?|>%@`'\"{}\\[\\],. \n\t\r0-9eExXo_nylf=<\u{85}\u{2028}\u{feff}\u{7f}\u{0}é😀]{0,12}";
        let lines = "([ a-z#:-]{0,4}\n){0,3}[a-z ]{0,3}";
        prop_oneof![
            odd,
            lines,
            number(),
            "(null|Yes|TRUE|off|~|<<|\\.inf|0x1F|1_0)",
            ".*"
        ]
    }

    fn json() -> impl Strategy<Value = String> {
        let string = words().prop_map(|text| serde_json::to_string(&text).unwrap());
        let leaf = prop_oneof![number(), string, "(null|true|false)"];
        leaf.prop_recursive(5, 40, 5, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..5);
            let map = prop::collection::btree_map(words(), inner, 0..5);
            prop_oneof![
                list.prop_map(|items| format!("[{}]", items.join(","))),
                map.prop_map(|entries| {
                    let entry = |(key, value)| format!("{}:{value}", serde_json::json!(key));
                    let entries: Vec<_> = entries.iter().rev().map(entry).collect();
                    format!("{{{}}}", entries.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn each_token_comes_back(value in json()) {
            let json = format!(r#"{{"value":{value}}}"#);
            let yaml = yaml(&json);
            let read = texts(&yaml);
            prop_assert_eq!(read, Ok(vec![json]), "{}", yaml);
        }
    }
}
