//! JSON for people: indented, while every token of the user's own JSON stays as it was written.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Renders a value with two spaces of indentation, for a place that is so deep.
///
/// serde_json copies a raw value through with the white space it came with; this renders all as text first and then
/// indents the text, so that the user's numbers, escapes and key order are untouched.
pub(super) fn pretty(value: &impl Serialize, depth: usize) -> String {
    let text = compact(value);
    let mut out = Vec::with_capacity(text.len() * 2);
    indent(&text, depth, &mut out).expect("writing to memory does not fail");
    String::from_utf8(out).expect("JSON text stays UTF-8")
}

/// Renders a value on one line: the user's JSON comes from the server without white space.
pub(in crate::cli) fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("documents are plain JSON")
}

/// A whole document as JSON.
pub(super) fn whole(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("documents are plain JSON")
}

/// The user's JSON, as the text that the server keeps. `None` for none, and for what cannot be read to its last letter.
pub(in crate::cli) fn raw(text: &str) -> Option<Box<RawValue>> {
    serde_json::from_str::<Value>(text).ok()?;
    serde_json::from_str(text).ok()
}

fn indent(text: &str, mut depth: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let mut in_string = false;
    let mut escaped = false;
    let mut empty = false;
    for byte in text.bytes() {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(byte, b'}' | b']');
        // A bracket that opened says no more until it is known not to close at once.
        if empty && !closes {
            newline(depth, out)?;
        }
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if !empty {
                    newline(depth, out)?;
                }
            }
            _ => {}
        }
        out.push(byte);
        match byte {
            b',' => newline(depth, out)?,
            b':' => out.push(b' '),
            b'"' => in_string = true,
            _ => {}
        }
        empty = matches!(byte, b'{' | b'[');
    }
    Ok(())
}

fn newline(depth: usize, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, "\n{:1$}", "", depth * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_tokens_stay_as_they_were_written() {
        let spec = "{\"b\" : 1.10,\n\t\"a\":[ ], \"q\\\"{\": \"\\u003c, [\\\\\",\"n\":9007199254740993, \"e\":{ }, \"l\":[1e2,{\"x\":null}]}";
        insta::assert_snapshot!(pretty(&raw(spec).unwrap(), 0), @r#"
        {
          "b": 1.10,
          "a": [],
          "q\"{": "\u003c, [\\",
          "n": 9007199254740993,
          "e": {},
          "l": [
            1e2,
            {
              "x": null
            }
          ]
        }
        "#);
    }

    proptest::proptest! {
        #[test]
        fn indented_json_means_the_same(texts in proptest::collection::vec(".*", 0..4)) {
            let value = serde_json::json!({"texts": texts, "empty": {}, "nested": [[], [texts.len()]]});
            let read: serde_json::Value = serde_json::from_str(&pretty(&value, 0)).unwrap();
            assert_eq!(read, value);
        }
    }
}
