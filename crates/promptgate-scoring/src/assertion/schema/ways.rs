//! In how many ways one value is checked by a schema: through references and through the keywords that apply to the same
//! value. Keywords that go into the value (`properties`, `items`) begin anew there. References are resolved as the validator
//! resolves them, so that none leads where nothing was counted.

use std::collections::{HashMap, HashSet};

use jsonschema::{Draft, Registry};
use referencing::Resolver;
use serde_json::{Map, Value};

use super::unusable;

/// The most ways one value may have to be checked.
const MAX_WAYS: u64 = 100_000;
/// The longest chain of references and alternatives on one value. The validator follows it by recursion.
const MAX_CHAIN: usize = 200;
/// What a schema without an id is called.
const NAMELESS: &str = "json-schema:///";
/// Keywords whose values are schemas or lists of them, in any draft. What stands below another is data, whatever it looks
/// like, unless a reference leads there.
pub(super) const APPLIED: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose values are objects of schemas, whatever their keys are called.
pub(super) const MAPS: [&str; 6] =
    ["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];

/// Refuses a schema that has too many ways to check one value, or that refers to itself without going deeper into it.
pub(super) fn bounded(schema: &Value) -> Result<(), String> {
    let draft = Draft::default().detect(schema);
    let resource = draft.create_resource_ref(schema);
    let base = jsonschema::uri::from_str(resource.id().unwrap_or(NAMELESS)).map_err(unusable)?;
    let registry = Registry::new().draft(draft).add(base.as_str(), resource);
    let registry = registry.and_then(|registry| registry.prepare()).map_err(not_local)?;
    let root = Subschema { value: schema, resolver: registry.resolver(base), draft };
    Ways::of(root).walk()
}

/// A reference that leaves the schema, told as such; whatever else is wrong as it is.
fn not_local(error: referencing::Error) -> String {
    match error {
        referencing::Error::Unretrievable { uri, .. } => {
            format!("refers to {uri}, which is not in it, and nothing is fetched; put what is there into its `$defs`")
        }
        other => unusable(other),
    }
}

/// A part of a schema, and where its references begin.
#[derive(Clone)]
struct Subschema<'r> {
    value: &'r Value,
    resolver: Resolver<'r>,
    draft: Draft,
}

/// A part by its address, and the base of its references: one part may be reached under several.
type Place = (*const Value, String);

impl<'r> Subschema<'r> {
    fn place(&self) -> Place {
        (std::ptr::from_ref(self.value), self.resolver.base_uri().to_string())
    }

    /// A part directly in this one.
    fn part(&self, value: &'r Value) -> Self {
        let draft = self.draft.detect(value);
        let resource = draft.create_resource_ref(value);
        // What has an id that is none is refused by the compiler.
        let resolver = self.resolver.in_subresource(resource).unwrap_or_else(|_| self.resolver.clone());
        Self { value, resolver, draft }
    }

    /// The parts that are schemas. Others are looked at where a reference leads to them.
    fn parts(&self) -> Vec<Self> {
        let values: Vec<&Value> = match self.value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(map) => map.iter().flat_map(|(key, value)| schemas(key, value)).collect(),
            _ => Vec::new(),
        };
        values.into_iter().filter(|value| value.is_object() || value.is_array()).map(|value| self.part(value)).collect()
    }

    /// What a reference leads to.
    fn target(&self, reference: &str) -> Result<Self, String> {
        let nowhere = |error| unusable(format!("its reference `{reference}` leads nowhere: {error}"));
        let (value, resolver, draft) = self.resolver.lookup(reference).map_err(nowhere)?.into_inner();
        Ok(Self { value, resolver, draft: draft.detect(value) })
    }
}

/// The values of a keyword that are schemas.
fn schemas<'r>(key: &str, value: &'r Value) -> Vec<&'r Value> {
    match value {
        Value::Object(map) if MAPS.contains(&key) => map.values().collect(),
        _ if APPLIED.contains(&key) => vec![value],
        _ => Vec::new(),
    }
}

/// The parts that a reference may lead to by where the check comes from, whatever else it leads to.
#[derive(Default)]
struct Dynamic<'r> {
    anchors: HashMap<&'r str, Vec<Subschema<'r>>>,
    recursive: Vec<Subschema<'r>>,
}

impl<'r> Dynamic<'r> {
    fn of(root: &Subschema<'r>) -> Self {
        let (mut dynamic, mut waiting) = (Self::default(), vec![root.clone()]);
        while let Some(schema) = waiting.pop() {
            if let Some(name) = schema.value.get("$dynamicAnchor").and_then(Value::as_str) {
                dynamic.anchors.entry(name).or_default().push(schema.clone());
            }
            if schema.value.get("$recursiveAnchor") == Some(&Value::Bool(true)) {
                dynamic.recursive.push(schema.clone());
            }
            waiting.extend(schema.parts());
        }
        dynamic
    }

    fn targets(&self, kind: Reference<'_>) -> &[Subschema<'r>] {
        match kind {
            Reference::Dynamic(name) => self.anchors.get(name).map_or(&[], Vec::as_slice),
            Reference::Recursive => &self.recursive,
            Reference::Plain => &[],
        }
    }
}

/// What a reference leads to beside what it names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reference<'r> {
    /// To nothing else.
    Plain,
    /// To every part with this dynamic name.
    Dynamic(&'r str),
    /// To every part that is marked as recursive.
    Recursive,
}

impl<'r> Reference<'r> {
    fn of(key: &str, reference: &'r str) -> Self {
        match key {
            "$dynamicRef" => Self::Dynamic(reference.rsplit_once('#').map_or("", |(_, name)| name)),
            "$recursiveRef" => Self::Recursive,
            _ => Self::Plain,
        }
    }
}

struct Ways<'r> {
    /// `None` while it is being counted.
    known: HashMap<Place, Option<u64>>,
    dynamic: Dynamic<'r>,
    /// The most that any part takes to which such references lead. Each is reckoned once: many may lead to many.
    most_dynamic: HashMap<Reference<'r>, u64>,
    /// Parts that a check may begin with.
    waiting: Vec<Subschema<'r>>,
    chain: usize,
}

impl<'r> Ways<'r> {
    fn of(root: Subschema<'r>) -> Self {
        let dynamic = Dynamic::of(&root);
        Self { known: HashMap::new(), dynamic, most_dynamic: HashMap::new(), waiting: vec![root], chain: 0 }
    }

    /// Every part that a check may begin with: those that stand in the schema, and those that references lead to.
    fn walk(&mut self) -> Result<(), String> {
        let mut walked = HashSet::new();
        while let Some(schema) = self.waiting.pop() {
            if walked.insert(schema.place()) {
                self.count(&schema)?;
                self.waiting.extend(schema.parts());
            }
        }
        Ok(())
    }

    fn count(&mut self, schema: &Subschema<'r>) -> Result<u64, String> {
        let Value::Object(map) = schema.value else { return Ok(1) };
        match self.known.get(&schema.place()) {
            Some(Some(count)) => return Ok(*count),
            Some(None) => return Err("refers to itself without going deeper into the value".to_owned()),
            None => self.known.insert(schema.place(), None),
        };
        if self.chain == MAX_CHAIN {
            return Err(format!("refers through more than {MAX_CHAIN} references and alternatives"));
        }
        self.chain += 1;
        let count = self.of_keywords(schema, map)?;
        self.chain -= 1;
        if count > MAX_WAYS {
            return Err(format!("checks one value in more than {MAX_WAYS} ways"));
        }
        self.known.insert(schema.place(), Some(count));
        Ok(count)
    }

    fn of_keywords(&mut self, schema: &Subschema<'r>, map: &'r Map<String, Value>) -> Result<u64, String> {
        let mut count: u64 = 1;
        for (key, value) in map {
            count = count.saturating_add(self.of_keyword(schema, key, value)?);
        }
        Ok(count)
    }

    fn of_keyword(&mut self, schema: &Subschema<'r>, key: &str, value: &'r Value) -> Result<u64, String> {
        match (key, value) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                self.of_reference(schema, key, reference)
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(branches)) => self.sum(schema, branches.iter()),
            ("not" | "if" | "then" | "else", branch) => self.count(&schema.part(branch)),
            ("dependentSchemas" | "dependencies", Value::Object(branches)) => self.sum(schema, branches.values()),
            _ => Ok(0),
        }
    }

    /// The most that any part takes which the reference may lead to.
    fn of_reference(&mut self, schema: &Subschema<'r>, key: &str, reference: &'r str) -> Result<u64, String> {
        let named = self.of_target(schema.target(reference)?)?;
        Ok(named.max(self.of_dynamic(Reference::of(key, reference))?))
    }

    fn of_dynamic(&mut self, reference: Reference<'r>) -> Result<u64, String> {
        if let Some(most) = self.most_dynamic.get(&reference) {
            return Ok(*most);
        }
        let mut most = 1;
        for target in self.dynamic.targets(reference).to_vec() {
            most = most.max(self.of_target(target)?);
        }
        self.most_dynamic.insert(reference, most);
        Ok(most)
    }

    fn of_target(&mut self, target: Subschema<'r>) -> Result<u64, String> {
        let count = self.count(&target)?;
        self.waiting.push(target);
        Ok(count)
    }

    fn sum(&mut self, schema: &Subschema<'r>, branches: impl Iterator<Item = &'r Value>) -> Result<u64, String> {
        let mut counts = branches.map(|branch| self.count(&schema.part(branch)));
        counts.try_fold(0_u64, |sum, count| Ok(sum.saturating_add(count?)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_with_a_dynamic_name_wait_once_however_many_references_lead_to_them() {
        let schema = json!({"$defs": {"a": {"prefixItems": vec![json!({"$dynamicAnchor": "a"}); 20]}}});
        let registry = Registry::new().add(NAMELESS, Draft::default().create_resource_ref(&schema)).unwrap();
        let registry = registry.prepare().unwrap();
        let resolver = registry.resolver(jsonschema::uri::from_str(NAMELESS).unwrap());
        let mut ways = Ways::of(Subschema { value: &schema, resolver, draft: Draft::default() });
        for _ in 0..30 {
            assert_eq!(ways.of_dynamic(Reference::Dynamic("a")), Ok(1));
        }
        assert_eq!(ways.waiting.len(), 1 + 20);
    }
}
