//! What it would cost to check a spec against a schema, before it is done.
//!
//! A few hundred bytes of nested `allOf` with `$ref` make a validator visit the same value more often than there
//! are atoms. So the visits are counted first, each pair of a subschema and a value once, and a check that would
//! go over the budget is refused.
//!
//! Invariant: counting itself looks at no more pairs than [`MAX_PAIRS`].

use std::collections::HashMap;

use serde_json::Value;

use crate::error::Violation;

/// Most visits of a value by a subschema in one check.
const MAX_VISITS: u64 = 10_000_000;
/// A check that cannot take more visits than this is not counted.
const FEW_VISITS: u64 = 100_000;
/// Most different pairs of subschema and value that are looked at while counting.
const MAX_PAIRS: usize = 2_000_000;
/// Deepest chain of subschemas over one value.
const MAX_CHAIN: u32 = 512;
/// Bytes of text that a pattern reads in the time of one visit.
const TEXT_BYTES: u64 = 16;

/// What a check costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visits {
    /// So few that it was not worth counting.
    Few,
    /// This many.
    Counted(u64),
}

/// Facts about one schema that bound the cost of its checks.
pub(super) struct Cost {
    schema: Value,
    /// Everything in the schema: no visit without `$ref` and without text costs more.
    weight: u64,
    /// Whether the weight alone says too little.
    is_tricky: bool,
}

impl Cost {
    pub(super) fn of(schema: &Value) -> Self {
        const TRICKY: [&str; 7] = [
            "$ref",
            "$dynamicRef",
            "$recursiveRef",
            "pattern",
            "patternProperties",
            "unevaluatedItems",
            "unevaluatedProperties",
        ];
        let is_tricky = any_object(schema, &|map| {
            TRICKY.iter().any(|key| map.contains_key(*key))
        });
        Self {
            schema: schema.clone(),
            weight: nodes(schema),
            is_tricky,
        }
    }

    /// Whether nothing in the schema makes the cost of a check hard to tell.
    pub(super) fn is_plain(&self) -> bool {
        !self.is_tricky
    }

    /// What checking a spec costs; refuses what costs too much.
    pub(super) fn of_check(&self, spec: &Value) -> Result<Visits, Violation> {
        if !self.is_tricky && self.weight.saturating_mul(nodes(spec)) <= FEW_VISITS {
            return Ok(Visits::Few);
        }
        let mut count = Count {
            root: &self.schema,
            resources: with_keys(&self.schema, &["$id", "id"]),
            anchors: with_keys(&self.schema, &["$anchor", "$dynamicAnchor", "$id", "id"]),
            seen: HashMap::new(),
        };
        match count.visits(&self.schema, spec, 0) {
            Some(visits) if visits <= MAX_VISITS => Ok(Visits::Counted(visits)),
            _ => Err(Violation::new(
                "spec",
                "this would take too long to check against its schema",
            )),
        }
    }
}

/// Subschemas by a name they carry.
type Named<'a> = Vec<(&'a str, &'a Value)>;

struct Count<'a> {
    root: &'a Value,
    /// Subschemas that are documents of their own, by their `$id`.
    resources: Named<'a>,
    /// Subschemas that carry an anchor, by its name.
    anchors: Named<'a>,
    seen: HashMap<(*const Value, *const Value), u64>,
}

impl<'a> Count<'a> {
    /// Visits of `value` and all in it under `schema`; `None` where there are too many to count.
    fn visits(&mut self, schema: &'a Value, value: &'a Value, chain: u32) -> Option<u64> {
        let Value::Object(keywords) = schema else {
            return Some(1);
        };
        let pair = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        if let Some(known) = self.seen.get(&pair) {
            return Some(*known);
        }
        if chain >= MAX_CHAIN || self.seen.len() >= MAX_PAIRS {
            return None;
        }
        // A pair that is met again while it is being counted is an endless $ref; validators stop there too.
        self.seen.insert(pair, 1);
        let mut sum: u64 = 1;
        for (keyword, inner) in keywords {
            sum = sum.saturating_add(self.keyword(keyword, inner, value, chain)?);
        }
        // To know what was evaluated, everything beside the keyword is evaluated once more.
        let unevaluated = ["unevaluatedItems", "unevaluatedProperties"];
        if unevaluated
            .iter()
            .any(|keyword| keywords.contains_key(*keyword))
        {
            sum = sum.saturating_mul(3);
        }
        if sum > MAX_VISITS {
            return None;
        }
        self.seen.insert(pair, sum);
        Some(sum)
    }

    fn keyword(
        &mut self,
        keyword: &str,
        inner: &'a Value,
        value: &'a Value,
        chain: u32,
    ) -> Option<u64> {
        let chain = chain + 1;
        match keyword {
            "$ref" | "$dynamicRef" | "$recursiveRef" => {
                let targets = self.targets(inner.as_str().unwrap_or_default());
                self.sum(targets.into_iter().map(|target| (target, value)), chain)
            }
            "allOf" | "anyOf" | "oneOf" | "dependentSchemas" | "dependencies" => {
                self.sum(values(inner).map(|schema| (schema, value)), chain)
            }
            "not" | "if" | "then" | "else" => self.visits(inner, value, chain),
            "properties" => {
                let children =
                    fields(value).filter_map(|(name, child)| Some((inner.get(name)?, child)));
                let names = inner.as_object().map_or(0, serde_json::Map::len) as u64;
                Some(names.saturating_add(self.sum(children, 0)?))
            }
            "patternProperties" => {
                let keys: u64 = fields(value)
                    .map(|(key, _)| 1 + key.len() as u64 / TEXT_BYTES)
                    .sum();
                let patterns = inner.as_object().map_or(0, serde_json::Map::len) as u64;
                let children = values(inner)
                    .flat_map(|schema| values(value).map(move |child| (schema, child)));
                Some(
                    self.sum(children, 0)?
                        .saturating_add(keys.saturating_mul(patterns)),
                )
            }
            "propertyNames" => {
                let names = fields(value)
                    .map(|(key, _)| 1 + key.len() as u64 / TEXT_BYTES)
                    .sum::<u64>();
                let once = self.visits(inner, value, chain)?.max(nodes(inner));
                Some(once.saturating_mul(names))
            }
            "pattern" | "format" => Some(
                value
                    .as_str()
                    .map_or(0, |text| text.len() as u64 / TEXT_BYTES),
            ),
            "prefixItems" => self.sum(values(inner).zip(items(value)), 0),
            "items" if inner.is_array() => self.sum(values(inner).zip(items(value)), 0),
            "items" | "additionalItems" | "contains" | "unevaluatedItems" => {
                self.sum(items(value).map(|child| (inner, child)), 0)
            }
            "additionalProperties" | "unevaluatedProperties" => {
                self.sum(fields(value).map(|(_, child)| (inner, child)), 0)
            }
            "required" | "dependentRequired" | "enum" => Some(nodes(inner)),
            "uniqueItems" => Some(nodes(value)),
            _ => Some(0),
        }
    }

    fn sum(
        &mut self,
        pairs: impl Iterator<Item = (&'a Value, &'a Value)>,
        chain: u32,
    ) -> Option<u64> {
        let mut sum: u64 = 0;
        for (schema, value) in pairs {
            sum = sum.saturating_add(self.visits(schema, value, chain)?);
            if sum > MAX_VISITS {
                return None;
            }
        }
        Some(sum)
    }

    /// Where a reference may lead: every place that it could mean, since counting too much is safe.
    fn targets(&self, reference: &str) -> Vec<&'a Value> {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let name = address.trim_start_matches(['.', '/']);
        let meant = |id: &str| address.is_empty() || id.trim_end_matches('#').ends_with(name);
        let documents: Vec<&Value> = self
            .resources
            .iter()
            .filter(|(id, _)| meant(id))
            .map(|(_, document)| *document)
            .collect();
        let documents = || documents.iter().copied().chain([self.root]);
        if fragment.is_empty() {
            let own: Vec<&Value> = if address.is_empty() {
                vec![self.root]
            } else {
                documents().collect()
            };
            return own;
        }
        if fragment.starts_with('/') {
            let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
            return documents()
                .filter_map(|document| document.pointer(&pointer))
                .collect();
        }
        let anchored = self
            .anchors
            .iter()
            .filter(|(anchor, _)| anchor.trim_start_matches('#') == fragment);
        anchored.map(|(_, target)| *target).collect()
    }
}

/// Every subschema that carries one of these keys, with its text.
fn with_keys<'a>(schema: &'a Value, keys: &[&str]) -> Named<'a> {
    let mut found = Vec::new();
    let mut open = vec![schema];
    while let Some(node) = open.pop() {
        let texts = keys.iter().filter_map(|key| node.get(*key)?.as_str());
        found.extend(texts.map(|text| (text, node)));
        open.extend(values(node));
    }
    found
}

fn any_object(value: &Value, holds: &impl Fn(&serde_json::Map<String, Value>) -> bool) -> bool {
    value.as_object().is_some_and(holds) || values(value).any(|child| any_object(child, holds))
}

fn nodes(value: &Value) -> u64 {
    1 + values(value).map(nodes).sum::<u64>()
}

/// The values in an array or an object.
fn values(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(map) => Box::new(map.values()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Box::new(std::iter::empty())
        }
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn doubling(levels: usize) -> Value {
        let mut defs = serde_json::Map::new();
        for level in 0..levels {
            let next = format!("#/$defs/d{}", level + 1);
            defs.insert(
                format!("d{level}"),
                json!({"allOf": [{"$ref": next}, {"$ref": next}]}),
            );
        }
        defs.insert(format!("d{levels}"), json!({"type": "object"}));
        json!({"$ref": "#/$defs/d0", "$defs": defs})
    }

    #[test]
    fn a_doubling_chain_is_refused_and_a_short_one_is_not() {
        assert!(Cost::of(&doubling(10)).of_check(&json!({})).is_ok());
        assert!(Cost::of(&doubling(40)).of_check(&json!({})).is_err());
    }

    #[test]
    fn doubling_per_level_of_the_value_is_refused() {
        let schema = json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        let deep = (0..60).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert!(Cost::of(&schema).of_check(&deep).is_err());
    }

    #[test]
    fn doubling_over_documents_inside_the_document_is_refused() {
        let mut defs = serde_json::Map::new();
        for level in 0..40 {
            let next = format!("d{}", level + 1);
            let both = json!({"$id": format!("http://x/d{level}"), "allOf": [{"$ref": next}, {"$ref": next}]});
            defs.insert(format!("d{level}"), both);
        }
        defs.insert("d40".to_owned(), json!({"$id": "http://x/d40"}));
        let schema = json!({"$id": "http://x/root", "$ref": "d0", "$defs": defs});
        assert!(Cost::of(&schema).of_check(&json!({})).is_err());
    }

    #[test]
    fn nested_unevaluated_properties_are_refused() {
        let mut schema = json!({"properties": {"a": true}});
        for _ in 0..20 {
            schema =
                json!({"anyOf": [schema, {"$ref": "#/$defs/q"}], "unevaluatedProperties": false});
        }
        schema["$defs"] = json!({"q": {"properties": {"b": true}}});
        assert!(Cost::of(&schema).of_check(&json!({"a": 1})).is_err());
    }

    #[test]
    fn many_names_over_many_items_are_refused_and_counted_quickly() {
        let names: serde_json::Map<String, Value> =
            (0..20_000).map(|n| (format!("n{n}"), json!({}))).collect();
        let schema = json!({"items": {"properties": names}});
        let spec = Value::Array(vec![json!({}); 100_000]);
        assert!(Cost::of(&schema).of_check(&spec).is_err());
    }

    #[test]
    fn many_patterns_over_a_long_text_are_refused() {
        let schema = json!({"allOf": vec![json!({"pattern": "(x+x+)+0"}); 900]});
        assert!(
            Cost::of(&schema)
                .of_check(&json!("x".repeat(4 << 20)))
                .is_err()
        );
    }

    #[test]
    fn a_recursive_tree_costs_what_its_values_cost() {
        let schema = json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        let tree = (0..12).fold(json!({}), |inner, _| json!({"left": inner, "right": inner}));
        assert!(Cost::of(&schema).of_check(&tree).is_ok());
    }
}
