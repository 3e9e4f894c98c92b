//! Reads YAML as JSON text: keys keep their order, and a number keeps every digit.
//!
//! Scalars follow the core schema of YAML 1.2. What other readers of YAML take for another number, and what JSON has no
//! number for, is refused rather than guessed.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::value::RawValue;
use serde_saphyr::granit_parser::{
    Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag, options,
};

/// The most JSON that aliases may unfold to, in bytes; and the most that all `<<` together may take in.
const MAX_UNFOLDED: usize = 64 << 20;

/// What an entry that `<<` takes in costs beside its key, in bytes.
const ENTRY_BYTES: usize = 64;

/// The deepest nesting. Aliases can nest deeper than the text does.
const MAX_DEPTH: usize = 255;

/// The documents of a text as JSON; elements of lists count as documents, empty documents do not.
pub(in crate::cli) fn texts(text: &str) -> Result<Vec<String>, String> {
    let options = options! { emit_comments: false };
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        merged: 0,
    };
    let mut texts = Vec::new();
    let mut left = MAX_UNFOLDED;
    while let Some(document) = reader.document()? {
        let elements = match &document.value {
            Value::Scalar(json) if json == "null" => continue,
            Value::List(elements) => elements.as_slice(),
            Value::Scalar(_) | Value::Map(_) => std::slice::from_ref(&document),
        };
        for element in elements {
            let mut json = String::new();
            element.write(&mut json, left)?;
            left -= json.len();
            texts.push(json);
        }
    }
    Ok(texts)
}

/// A value and how deep it is nested.
struct Node {
    depth: usize,
    value: Value,
}

enum Value {
    /// JSON of null, a boolean, a number or a string.
    Scalar(String),
    List(Vec<Rc<Node>>),
    Map(Vec<(String, Rc<Node>)>),
}

impl Node {
    fn new(value: Value) -> Node {
        let deepest = match &value {
            Value::Scalar(_) => None,
            Value::List(items) => items.iter().map(|item| item.depth).max(),
            Value::Map(entries) => entries.iter().map(|(_, value)| value.depth).max(),
        };
        let depth = deepest.map_or(0, |depth| depth + 1);
        Node { depth, value }
    }

    fn write(&self, out: &mut String, limit: usize) -> Result<(), String> {
        match &self.value {
            Value::Scalar(json) => out.push_str(json),
            Value::List(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    item.write(out, limit)?;
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (n, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    out.push_str(&quoted(key));
                    out.push(':');
                    value.write(out, limit)?;
                }
                out.push('}');
            }
        }
        if out.len() > limit {
            let most = MAX_UNFOLDED >> 20;
            return Err(format!("is more than {most} MiB as JSON"));
        }
        Ok(())
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Rc<Node>>,
    /// Bytes that `<<` has taken in so far, or looked at.
    merged: usize,
}

impl<'a> Reader<'a> {
    /// The next document; `None` at the end of the text.
    fn document(&mut self) -> Result<Option<Rc<Node>>, String> {
        loop {
            let (event, span) = match self.events.next_event() {
                None => return Ok(None),
                Some(next) => next.map_err(|error| scan_problem(&error))?,
            };
            if event.is_node() {
                return self.node(event, span).map(Some);
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), String> {
        let next = self.events.next_event();
        next.ok_or("ends in the middle of a value")?
            .map_err(|error| scan_problem(&error))
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Rc<Node>, String> {
        let anchor = event.anchor_id();
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                scalar(&text, style, tag.as_deref()).map(Value::Scalar)
            }
            Event::SequenceStart(_, _, tag) => {
                expect_tag(tag.as_deref(), "seq").map_err(|problem| at(span, &problem))?;
                Ok(self.list()?)
            }
            Event::MappingStart(_, _, tag) => {
                expect_tag(tag.as_deref(), "map").map_err(|problem| at(span, &problem))?;
                Ok(self.map()?)
            }
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => return Ok(node.clone()),
                None => Err("an alias of what it stands in has no end".to_owned()),
            },
            _ => Err("expected a value".to_owned()),
        };
        let node = Rc::new(Node::new(value.map_err(|problem| at(span, &problem))?));
        if node.depth > MAX_DEPTH {
            return Err(at(span, &format!("nested more than {MAX_DEPTH} deep")));
        }
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::List(items));
            }
            items.push(self.node(event, span)?);
        }
    }

    fn map(&mut self) -> Result<Value, String> {
        let mut entries = Vec::new();
        let mut keys = HashSet::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let (key, style) = match event {
                Event::MappingEnd => break,
                Event::Scalar(key, style, 0, None) => (key.into_owned(), style),
                _ => return Err(at(span, "a key must be text, without tag and anchor")),
            };
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span)?;
            if key == "<<" && style == ScalarStyle::Plain {
                self.merge(&value, &mut merged)
                    .map_err(|problem| at(value_span, &problem))?;
            } else if keys.insert(key.clone()) {
                entries.push((key, value));
            } else {
                return Err(at(span, &format!("the key {key} stands here twice")));
            }
        }
        // What stands in the map itself goes before what is merged, and the first merged before later ones.
        merged.retain(|(key, _)| keys.insert(key.clone()));
        entries.append(&mut merged);
        Ok(Value::Map(entries))
    }

    /// Takes the entries of a map, or of each map in a list, for the key `<<`.
    fn merge(&mut self, from: &Node, into: &mut Vec<(String, Rc<Node>)>) -> Result<(), String> {
        let Value::List(maps) = &from.value else {
            return self.merge_map(&from.value, into);
        };
        maps.iter()
            .try_for_each(|map| self.merge_map(&map.value, into))
    }

    fn merge_map(
        &mut self,
        from: &Value,
        into: &mut Vec<(String, Rc<Node>)>,
    ) -> Result<(), String> {
        let Value::Map(entries) = from else {
            return Err("<< takes a map or a list of maps".to_owned());
        };
        // A map without entries costs a look too.
        self.take(0)?;
        for (key, value) in entries {
            self.take(key.len())?;
            into.push((key.clone(), Rc::clone(value)));
        }
        Ok(())
    }

    fn take(&mut self, key: usize) -> Result<(), String> {
        self.merged += ENTRY_BYTES + key;
        if self.merged > MAX_UNFOLDED {
            let most = MAX_UNFOLDED >> 20;
            return Err(format!("<< takes in more than {most} MiB"));
        }
        Ok(())
    }
}

fn at(span: Span, problem: &str) -> String {
    let (line, column) = (span.start.line(), span.start.col() + 1);
    format!("line {line} column {column}: {problem}")
}

fn scan_problem(error: &ScanError) -> String {
    at(Span::empty(*error.marker()), &error.info())
}

fn expect_tag(tag: Option<&Tag>, expected: &str) -> Result<(), String> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema_tag(expected) => Err(foreign(tag)),
        Some(_) | None => Ok(()),
    }
}

fn foreign(tag: &Tag) -> String {
    format!("the tag {} has no meaning here", tag.original())
}

/// The JSON of a scalar.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<String, String> {
    let Some(tag) = tag else {
        return match style {
            ScalarStyle::Plain => plain(text),
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Ok(quoted(text)),
        };
    };
    if tag.is_yaml_core_schema_tag("str") || tag.original() == "!" {
        return Ok(quoted(text));
    }
    let json = plain(text)?;
    let number = json.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let fits = match tag.core_suffix() {
        Some("null") => json == "null",
        Some("bool") => json == "true" || json == "false",
        Some("int") => number && !json.contains(['.', 'e', 'E']),
        Some("float") => number,
        Some(_) | None => return Err(foreign(tag)),
    };
    if !fits {
        return Err(format!("{text} is not what {} says", tag.original()));
    }
    Ok(json)
}

/// The JSON of a scalar without quotes and tag.
fn plain(text: &str) -> Result<String, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok("null".to_owned()),
        "true" | "True" | "TRUE" => Ok("true".to_owned()),
        "false" | "False" | "FALSE" => Ok("false".to_owned()),
        _ if is_json_number(text) => Ok(text.to_owned()),
        _ => match core_integer(text).or_else(|| core_number(text)) {
            Some(number) => Ok(number),
            None if looks_like_number(text) => Err(format!(
                "{text} is no number that JSON has: put it in quotes for text (\"{text}\"), or write the number as in JSON"
            )),
            None => Ok(quoted(text)),
        },
    }
}

/// Whether the whole text is a number in the grammar of JSON, of any length.
fn is_json_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok()
}

/// The value of `0x1f` and `0o17`.
fn core_integer(text: &str) -> Option<String> {
    let (digits, radix) = match text.split_at_checked(2)? {
        ("0x", digits) => (digits, 16),
        ("0o", digits) => (digits, 8),
        _ => return None,
    };
    let unsigned = digits.starts_with(|c: char| c.is_ascii_hexdigit());
    let value = u64::from_str_radix(digits, radix).ok().filter(|_| unsigned);
    value.map(|value| value.to_string())
}

/// A decimal number of the core schema with what JSON asks for put in: `.5` is `0.5`, `1.` is `1.0`, `+1` is `1`.
fn core_number(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    let end = digits.find(['e', 'E']).unwrap_or(digits.len());
    let (mantissa, exponent) = digits.split_at(end);
    let number = match mantissa.split_once('.') {
        None => format!("{sign}{mantissa}{exponent}"),
        Some(("", "")) => return None,
        Some(("", fraction)) => format!("{sign}0.{fraction}{exponent}"),
        Some((whole, "")) => format!("{sign}{whole}.0{exponent}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}{exponent}"),
    };
    // The sign was taken off once: `+-1` is text.
    (digits.starts_with(|c: char| c == '.' || c.is_ascii_digit()) && is_json_number(&number))
        .then_some(number)
}

/// Whether some reader of YAML takes the text for a number: leading zeros, underscores, other bases, infinity.
fn looks_like_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
        return false;
    }
    let bare = digits.replace('_', "").to_lowercase();
    let based = |prefix: &str, radix: u32| {
        let digits = bare.strip_prefix(prefix).unwrap_or_default();
        !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix))
    };
    let trimmed = bare.trim_start_matches('0');
    let zeros = trimmed != bare && core_number(&format!("0{trimmed}")).is_some();
    matches!(bare.as_str(), ".inf" | ".nan")
        || based("0x", 16)
        || based("0o", 8)
        || based("0b", 2)
        || zeros
        || core_number(trimmed).is_some()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(yaml: &str) -> String {
        let mut texts = texts(&format!("v: {yaml}\n")).unwrap();
        let json = texts.pop().unwrap();
        json["{\"v\":".len()..json.len() - 1].to_owned()
    }

    fn refusal(yaml: &str) -> String {
        texts(yaml).unwrap_err()
    }

    #[test]
    fn numbers_of_json_keep_their_text() {
        for number in [
            "0",
            "-0",
            "1.10",
            "1E+2",
            "-1.50e-07",
            "1e400",
            "9007199254740993",
            "123456789012345678901234567890",
            "0.1000000000000000055511151231257827",
        ] {
            assert_eq!(value(number), number);
        }
    }

    #[test]
    fn other_numbers_of_the_core_schema_become_json() {
        for (yaml, json) in [
            ("+1", "1"),
            (".5", "0.5"),
            ("-.50", "-0.50"),
            ("1.", "1.0"),
            ("+1.e3", "1.0e3"),
            ("0x1F", "31"),
            ("0o17", "15"),
        ] {
            assert_eq!(value(yaml), json, "{yaml}");
        }
    }

    #[test]
    fn what_may_be_another_number_is_refused() {
        for text in [
            "01234",
            "-01",
            "00",
            "00.5",
            "12_000",
            "1_0.5",
            "0x1_0",
            "0X10",
            "-0x10",
            "0b11",
            ".inf",
            "-.INF",
            ".nan",
            "0xfffffffffffffffff",
            "010e3",
        ] {
            let refusal = refusal(&format!("a: 1\nv: {text}\n"));
            assert!(refusal.starts_with("line 2 column 4: "), "{refusal}");
            assert!(refusal.contains(&format!("put it in quotes for text (\"{text}\")")));
            assert_eq!(value(&format!("'{text}'")), format!("\"{text}\""));
        }
    }

    #[test]
    fn other_plain_scalars_are_text() {
        for text in [
            "2024-01-01",
            "1.2.3",
            "08:30",
            "12ab",
            "_1",
            ".",
            "..",
            "+",
            "-x",
            "+-1",
            "on",
            "no",
            "1e",
            "0x",
            "0xg",
            "v1.0",
            "1 2",
            ".e5",
            "inf",
            "é",
        ] {
            assert_eq!(value(text), format!("\"{text}\""));
        }
        assert_eq!(
            value("[~, Null, '', True, FALSE]"),
            r#"[null,null,"",true,false]"#
        );
        assert_eq!(value(""), "null");
    }

    #[test]
    fn keys_are_text_as_written() {
        assert_eq!(
            value("{01: a, 1.10: b, ~: c, no: d}"),
            r#"{"01":"a","1.10":"b","~":"c","no":"d"}"#
        );
        insta::assert_snapshot!(refusal("a: 1\nb: 2\na: 3\n"), @"line 3 column 1: the key a stands here twice");
        insta::assert_snapshot!(refusal("? [a]\n: 1\n"), @"line 1 column 3: a key must be text, without tag and anchor");
    }

    #[test]
    fn core_tags_are_obeyed_and_others_refused() {
        assert_eq!(
            value("[!!str 1.10, ! 1, !!int \"12\", !!float 1.50, !!seq [], !!map {}]"),
            r#"["1.10","1",12,1.50,[],{}]"#
        );
        insta::assert_snapshot!(refusal("v: !!binary aGk=\n"), @"line 1 column 13: the tag !!binary has no meaning here");
        insta::assert_snapshot!(refusal("v: !env HOME\n"), @"line 1 column 9: the tag !env has no meaning here");
        insta::assert_snapshot!(refusal("v: !set {a, b}\n"), @"line 1 column 9: the tag !set has no meaning here");
        insta::assert_snapshot!(refusal("v: !!int 1.5\n"), @"line 1 column 10: 1.5 is not what !!int says");
    }

    #[test]
    fn aliases_and_merges_unfold() {
        let text = "base: &base {a: 1.10, b: 2}\nmore: &more {c: 3, a: 9}\nv: {b: 4, <<: [*base, *more]}\nw: *base\n";
        assert_eq!(
            texts(text).unwrap(),
            [
                r#"{"base":{"a":1.10,"b":2},"more":{"c":3,"a":9},"v":{"b":4,"a":1.10,"c":3},"w":{"a":1.10,"b":2}}"#
            ]
        );
        insta::assert_snapshot!(refusal("v: &a [*a]\n"), @"line 1 column 8: an alias of what it stands in has no end");
        insta::assert_snapshot!(refusal("v: {<<: 1}\n"), @"line 1 column 9: << takes a map or a list of maps");
    }

    #[test]
    fn aliases_cannot_unfold_without_end() {
        let mut wide = "a0: &a0 [xxxxxxxxxxxxxxxx]\n".to_owned();
        let mut deep = wide.clone();
        for n in 1..300 {
            let inner = format!("*a{} ,", n - 1);
            wide += &format!("a{n}: &a{n} [{}]\n", inner.repeat(10));
            deep += &format!("a{n}: &a{n} [*a{}]\n", n - 1);
        }
        let wide: String = wide
            .lines()
            .take(20)
            .map(|line| format!("{line}\n"))
            .collect();
        insta::assert_snapshot!(refusal(&wide), @"is more than 64 MiB as JSON");
        assert!(refusal(&deep).contains("nested more than 255 deep"));
    }

    /// Text of a map with so many entries, that has an anchor.
    fn base(entries: usize) -> String {
        let entries: String = (0..entries).map(|n| format!("  key-{n}: 1\n")).collect();
        format!("base: &base\n{entries}")
    }

    #[test]
    fn merges_cannot_unfold_without_end() {
        let begun = std::time::Instant::now();
        let many = "*base,".repeat(100_000);
        let one_map = format!("{}more: {{<<: [{many}]}}\n", base(10_000));
        let again = format!(
            "{}more: {{{}}}\n",
            base(10_000),
            "<<: *base,".repeat(50_000)
        );
        let many_maps = format!(
            "{}more:\n{}",
            base(10_000),
            "- {<<: *base}\n".repeat(50_000)
        );
        let nothing = format!(
            "base: &base {{}}\nlist: &list [{many}]\nmore:\n{}",
            "- {<<: *list}\n".repeat(50_000)
        );
        let mut doubled = base(2);
        for n in 0..60 {
            let from = if n == 0 {
                "base".to_owned()
            } else {
                format!("m{}", n - 1)
            };
            doubled += &format!("m{n}: &m{n} {{own-{n}: 1, <<: [*{from}, *{from}]}}\n");
        }
        for bomb in [one_map, again, many_maps, nothing] {
            let refusal = refusal(&bomb);
            assert!(
                refusal.contains("<< takes in more than 64 MiB"),
                "{refusal}"
            );
        }
        // Each map has one key more than the one before, however often it is taken in.
        assert_eq!(texts(&doubled).unwrap().len(), 1);
        // Without a limit it would not end, on any machine.
        assert!(begun.elapsed() < std::time::Duration::from_secs(600));
    }

    #[test]
    fn one_long_text_cannot_unfold_without_end() {
        let long = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(1 << 20),
            "*a,".repeat(200_000)
        );
        insta::assert_snapshot!(refusal(&long), @"is more than 64 MiB as JSON");
    }

    #[test]
    fn nesting_without_end_is_refused_and_overflows_no_stack() {
        for bomb in [
            "[".repeat(1_000_000),
            "{a: ".repeat(300_000),
            "- ".repeat(300_000),
            (0..3000)
                .map(|n| format!("{}a:\n", " ".repeat(n)))
                .collect(),
        ] {
            let refusal = refusal(&bomb);
            assert!(refusal.ends_with("recursion limit exceeded"), "{refusal}");
        }
    }

    #[test]
    fn a_large_list_is_read() {
        let text = format!("v:\n{}", "- 1.0\n".repeat(300_000));
        let json = format!("{{\"v\":[{}1.0]}}", "1.0,".repeat(299_999));
        assert!(texts(&text).unwrap() == [json]);
    }

    #[test]
    fn a_problem_of_the_parser_names_the_line() {
        let refusal = refusal("a: 1\nb: [1\n");
        assert!(refusal.starts_with("line "), "{refusal}");
    }
}
