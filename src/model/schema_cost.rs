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
const MAX_VISITS: u64 = 50_000_000;
/// Most different pairs of subschema and value that are looked at while counting.
const MAX_PAIRS: usize = 2_000_000;
/// Deepest chain of subschemas over one value.
const MAX_CHAIN: u32 = 512;

/// Facts about one schema that bound the cost of its checks.
pub(super) struct Cost {
    schema: Value,
    nodes: u64,
    has_refs: bool,
}

impl Cost {
    pub(super) fn of(schema: &Value) -> Self {
        let has_refs = any_object(schema, &|map| {
            ["$ref", "$dynamicRef", "$recursiveRef"]
                .iter()
                .any(|key| map.contains_key(*key))
        });
        Self {
            schema: schema.clone(),
            nodes: nodes(schema),
            has_refs,
        }
    }

    /// Refuses a check that costs too much.
    pub(super) fn check(&self, spec: &Value) -> Result<(), Violation> {
        let most = self.nodes.saturating_mul(nodes(spec));
        if !self.has_refs && most <= MAX_VISITS {
            return Ok(());
        }
        let mut count = Count {
            root: &self.schema,
            anchors: anchors(&self.schema),
            seen: HashMap::new(),
        };
        match count.visits(&self.schema, spec, 0) {
            Some(visits) if visits <= MAX_VISITS => Ok(()),
            _ => Err(Violation::new(
                "spec",
                "this would take too long to check against its schema",
            )),
        }
    }
}

struct Count<'a> {
    root: &'a Value,
    /// Subschemas that a `$ref` reaches by `#name`, an `$id`, or an anchor.
    anchors: HashMap<String, Vec<&'a Value>>,
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
            if sum > MAX_VISITS {
                return None;
            }
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
        match keyword {
            "$ref" | "$dynamicRef" | "$recursiveRef" => {
                let targets = self.targets(inner.as_str().unwrap_or_default());
                self.sum(targets.into_iter().map(|target| (target, value)), chain + 1)
            }
            "allOf" | "anyOf" | "oneOf" => {
                self.sum(values(inner).map(|schema| (schema, value)), chain + 1)
            }
            "not" | "if" | "then" | "else" => self.visits(inner, value, chain + 1),
            "dependentSchemas" | "dependencies" => {
                self.sum(values(inner).map(|schema| (schema, value)), chain + 1)
            }
            "properties" => {
                let children =
                    fields(inner).filter_map(|(name, schema)| Some((schema, value.get(name)?)));
                self.sum(children, 0)
            }
            "patternProperties" => {
                let children = values(inner)
                    .flat_map(|schema| values(value).map(move |child| (schema, child)));
                self.sum(children, 0)
            }
            "propertyNames" => {
                let names = value.as_object().map_or(0, |map| map.len() as u64);
                Some(self.visits(inner, value, chain + 1)?.saturating_mul(names))
            }
            "prefixItems" => self.sum(values(inner).zip(items(value)), 0),
            "items" if inner.is_array() => self.sum(values(inner).zip(items(value)), 0),
            "items" | "additionalItems" | "contains" | "unevaluatedItems" => {
                self.sum(items(value).map(|child| (inner, child)), 0)
            }
            "additionalProperties" | "unevaluatedProperties" if value.is_object() => {
                self.sum(values(value).map(|child| (inner, child)), 0)
            }
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

    /// Where a reference may lead. More than one where names repeat: counting too much is safe.
    fn targets(&self, reference: &str) -> Vec<&'a Value> {
        let fragment = reference
            .split_once('#')
            .map_or("", |(_, fragment)| fragment);
        if let Some(found) = self
            .anchors
            .get(reference)
            .or_else(|| self.anchors.get(fragment))
        {
            return found.clone();
        }
        let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
        self.root
            .pointer(&pointer)
            .map_or_else(|| vec![self.root], |target| vec![target])
    }
}

fn anchors(schema: &Value) -> HashMap<String, Vec<&Value>> {
    let mut found: HashMap<String, Vec<&Value>> = HashMap::new();
    let mut open = vec![schema];
    while let Some(node) = open.pop() {
        if let Value::Object(map) = node {
            for key in ["$id", "id", "$anchor", "$dynamicAnchor"] {
                if let Some(Value::String(name)) = map.get(key) {
                    found
                        .entry(name.trim_start_matches('#').to_owned())
                        .or_default()
                        .push(node);
                }
            }
        }
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
        assert!(Cost::of(&doubling(10)).check(&json!({})).is_ok());
        assert!(Cost::of(&doubling(40)).check(&json!({})).is_err());
    }

    #[test]
    fn doubling_per_level_of_the_value_is_refused() {
        let schema = json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        let deep = (0..60).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert!(Cost::of(&schema).check(&deep).is_err());
    }

    #[test]
    fn a_recursive_tree_costs_what_its_values_cost() {
        let schema = json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        let tree = (0..12).fold(json!({}), |inner, _| json!({"left": inner, "right": inner}));
        assert!(Cost::of(&schema).check(&tree).is_ok());
    }
}
