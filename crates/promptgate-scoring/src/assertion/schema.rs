//! JSON Schemas, compiled once: no reference leaves the schema, patterns are bounded, and a schema whose checking could
//! explode is refused when it is read, since a validator cannot be stopped half-way.

use std::collections::HashMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// The largest schema, in JSON values.
const MAX_VALUES: usize = 20_000;
/// The most ways one value may have to be checked, counted through references and alternatives.
const MAX_WAYS: u64 = 100_000;
/// Steps a backtracking pattern (one with look-around) may take on one text.
const MAX_BACKTRACKS: usize = 100_000;
/// The largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 256 << 10;

/// A schema, compiled.
pub(crate) struct Schema {
    validator: Validator,
}

/// What a schema says of a value.
pub(crate) enum Validity {
    /// Valid.
    Valid,
    /// Not valid: where and why.
    Invalid(String),
    /// A pattern took too many steps to decide.
    Undecided(String),
}

impl Schema {
    /// Compiles a schema of any draft up to 2020-12, which is the default.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        bounded(schema)?;
        let patterns = PatternOptions::fancy_regex().backtrack_limit(MAX_BACKTRACKS).size_limit(MAX_COMPILED);
        let built = jsonschema::options().offline().with_pattern_options(patterns).build(schema);
        Ok(Self { validator: built.map_err(|error| format!("is not a JSON Schema that can be used: {error}"))? })
    }

    /// Reads the text of a file.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let schema = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
        Self::compile(&schema)
    }

    /// Checks a value.
    pub(crate) fn check(&self, value: &Value) -> Validity {
        let Err(error) = self.validator.validate(value) else { return Validity::Valid };
        let path = error.instance_path().as_str();
        let place = if path.is_empty() { "the whole value" } else { path };
        let reason = format!("{place}: {error} (schema: {})", error.schema_path());
        match error.kind() {
            ValidationErrorKind::BacktrackLimitExceeded { .. } | ValidationErrorKind::RegexEngineFailure { .. } => {
                Validity::Undecided(reason)
            }
            _ => Validity::Invalid(reason),
        }
    }
}

/// Refuses a schema that is too large, that refers to itself without going deeper into the value, or that has too many
/// ways to check one value.
fn bounded(schema: &Value) -> Result<(), String> {
    if values(schema) > MAX_VALUES {
        return Err(format!("has more than {MAX_VALUES} values"));
    }
    let mut ways = Ways { root: schema, known: HashMap::new() };
    ways.walk(schema)
}

fn values(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(map) => map.values().map(values).sum(),
        _ => 0,
    }
}

/// Counts in how many ways one value is checked by a subschema: through references and through the keywords that apply
/// to the same value. Keywords that go into the value (`properties`, `items`) begin anew there.
struct Ways<'a> {
    root: &'a Value,
    /// By address of the subschema; `None` while it is being counted.
    known: HashMap<*const Value, Option<u64>>,
}

impl<'a> Ways<'a> {
    /// Every subschema, wherever it stands.
    fn walk(&mut self, schema: &'a Value) -> Result<(), String> {
        self.count(schema)?;
        match schema {
            Value::Array(items) => items.iter().try_for_each(|item| self.walk(item)),
            Value::Object(map) => map.values().try_for_each(|value| self.walk(value)),
            _ => Ok(()),
        }
    }

    fn count(&mut self, schema: &'a Value) -> Result<u64, String> {
        let Value::Object(map) = schema else { return Ok(1) };
        match self.known.get(&std::ptr::from_ref(schema)) {
            Some(Some(count)) => return Ok(*count),
            Some(None) => return Err("refers to itself without going deeper into the value".to_owned()),
            None => self.known.insert(schema, None),
        };
        let mut count: u64 = 1;
        for (key, value) in map {
            count = count.saturating_add(self.of_keyword(key, value)?);
        }
        if count > MAX_WAYS {
            return Err(format!("checks one value in more than {MAX_WAYS} ways"));
        }
        self.known.insert(schema, Some(count));
        Ok(count)
    }

    fn of_keyword(&mut self, key: &str, value: &'a Value) -> Result<u64, String> {
        match (key, value) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => match self.target(reference) {
                Some(target) => self.count(target),
                None => Ok(1),
            },
            ("allOf" | "anyOf" | "oneOf", Value::Array(branches)) => self.sum(branches.iter()),
            ("not" | "if" | "then" | "else", branch) => self.count(branch),
            ("dependentSchemas" | "dependencies", Value::Object(branches)) => self.sum(branches.values()),
            _ => Ok(0),
        }
    }

    fn sum(&mut self, branches: impl Iterator<Item = &'a Value>) -> Result<u64, String> {
        branches.map(|branch| self.count(branch)).try_fold(0_u64, |sum, count| Ok(sum.saturating_add(count?)))
    }

    /// The subschema a local reference points to; other references are the compiler's to resolve or refuse.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(schema: Value, expected: &str) {
        let said = Schema::compile(&schema).map_or_else(|problem| problem, |_| "fine".to_owned());
        assert!(said.starts_with(expected), "{said}");
    }

    #[test]
    fn a_schema_that_could_explode_is_refused() {
        check(json!({"$ref": "#"}), "refers to itself");
        check(
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}),
            "refers",
        );
        let step = |n: usize| json!({"anyOf": [{"$ref": format!("#/$defs/a{}", n + 1)}, {"$ref": format!("#/$defs/a{}", n + 1)}]});
        let mut defs: serde_json::Map<String, Value> = (0..30).map(|n| (format!("a{n}"), step(n))).collect();
        defs.insert("a30".to_owned(), json!({"type": "string"}));
        check(json!({"$ref": "#/$defs/a0", "$defs": defs}), "checks one value in more than");
        check(Value::Array(vec![json!(1); MAX_VALUES]), "has more than");
    }

    #[test]
    fn a_schema_that_goes_deeper_may_refer_to_itself() {
        let tree = json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": false});
        let schema = Schema::compile(&tree).map_err(|problem| panic!("{problem}")).unwrap();
        assert!(matches!(schema.check(&json!({"next": {"next": {}}})), Validity::Valid));
        assert!(matches!(schema.check(&json!({"next": {"last": 1}})), Validity::Invalid(_)));
    }

    #[test]
    fn nothing_is_fetched() {
        check(json!({"$ref": "https://example.com/schema.json"}), "is not a JSON Schema that can be used");
        check(json!({"$ref": "file:///etc/passwd"}), "is not a JSON Schema that can be used");
        check(json!({"$ref": "other.json"}), "is not a JSON Schema that can be used");
        check(json!({"$schema": "http://127.0.0.1:9/x"}), "is not a JSON Schema that can be used");
    }

    #[test]
    fn a_pattern_that_backtracks_without_end_is_undecided() {
        let schema =
            Schema::compile(&json!({"pattern": "^(?=(a+)+$)b"})).map_err(|problem| panic!("{problem}")).unwrap();
        let verdict = schema.check(&json!(format!("{}!", "a".repeat(60))));
        assert!(matches!(verdict, Validity::Undecided(_) | Validity::Invalid(_)));
        check(json!({"pattern": "(a"}), "is not a JSON Schema that can be used");
    }
}
