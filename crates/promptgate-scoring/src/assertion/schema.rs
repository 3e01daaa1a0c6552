//! JSON Schemas, compiled once: no reference leaves the schema, patterns are bounded, and a schema whose checking could
//! explode is refused when it is read, since a validator cannot be stopped half-way.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Validator};
use promptgate_core::Diagnostic;
use serde_json::Value;

mod slips;
mod ways;

/// The largest schema, in JSON values.
const MAX_VALUES: usize = 20_000;
/// Steps a backtracking pattern (one with look-around) may take on one text.
const MAX_BACKTRACKS: usize = 100_000;
/// The largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 256 << 10;

/// A schema, compiled.
pub(crate) struct Schema {
    validator: Validator,
    /// Of keywords that are likely slips, at their places in a file, or in the schema where that stands in a table.
    warnings: Vec<Diagnostic>,
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
        Self::of(schema, slips::Slip::in_table)
    }

    /// Reads the text of a file, whose path is for warnings.
    pub(crate) fn read(text: &str, file: &str) -> Result<Self, String> {
        let schema = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
        Self::of(&schema, |slip| slip.in_file(file, text))
    }

    /// What is too large is refused before anything else looks at it.
    fn of(schema: &Value, warning: impl Fn(&slips::Slip) -> Diagnostic) -> Result<Self, String> {
        bounded(schema)?;
        let patterns = PatternOptions::fancy_regex().backtrack_limit(MAX_BACKTRACKS).size_limit(MAX_COMPILED);
        let built = jsonschema::options().offline().with_pattern_options(patterns).build(schema);
        let validator = built.map_err(unusable)?;
        Ok(Self { validator, warnings: slips::slips(schema).iter().map(warning).collect() })
    }

    /// What is likely a slip.
    pub(crate) fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
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

fn unusable(error: impl std::fmt::Display) -> String {
    format!("is not a JSON Schema that can be used: {error}")
}

/// Refuses a schema that is too large, that refers to itself without going deeper into the value, or that has too many
/// ways to check one value.
fn bounded(schema: &Value) -> Result<(), String> {
    if values(schema) > MAX_VALUES {
        return Err(format!("has more than {MAX_VALUES} values"));
    }
    ways::bounded(schema)
}

fn values(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(map) => map.values().map(values).sum(),
        _ => 0,
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
    fn of_many_slips_a_few_are_told_and_none_of_what_is_too_large() {
        let slipped = |count: usize| {
            let properties = (0..count).map(|n| (format!("p{n:05}"), json!({"tpye": "string"})));
            json!({"properties": properties.collect::<serde_json::Map<_, _>>()}).to_string()
        };
        let read = |count| Schema::read(&slipped(count), "x.json").map(|schema| schema.warnings().len());
        assert_eq!((read(3), read(2_000)), (Ok(3), Ok(10)));
        assert_eq!(read(MAX_VALUES), Err(format!("has more than {MAX_VALUES} values")));
        let compiled = Schema::compile(&serde_json::from_str(&slipped(2_000)).unwrap());
        assert_eq!(compiled.map(|schema| schema.warnings().len()), Ok(10));
    }

    /// Definitions `a 0` to `a 30`, each with two references to the next one.
    fn exploding(refer: impl Fn(usize) -> Value, name: impl Fn(usize) -> Value) -> Value {
        let step = |n: usize| {
            let mut step = name(n);
            step["anyOf"] = if n == 30 { json!([{"type": "string"}]) } else { json!([refer(n + 1), refer(n + 1)]) };
            (format!("a {n}"), step)
        };
        let mut schema = refer(0);
        schema["$defs"] = (0..=30).map(step).collect::<serde_json::Map<_, _>>().into();
        schema
    }

    #[test]
    fn a_schema_that_could_explode_is_refused_however_it_refers() {
        let nameless = |_| json!({});
        check(exploding(|n| json!({"$ref": format!("#/$defs/a%20{n}")}), nameless), "checks one value in more than");
        check(exploding(|n| json!({"$ref": format!("#%2F$defs%2Fa%20{n}")}), nameless), "is not a JSON Schema");
        for (refer, name) in [("$ref", "$anchor"), ("$ref", "$dynamicAnchor"), ("$dynamicRef", "$dynamicAnchor")] {
            let schema = exploding(|n| json!({refer: format!("#a{n}")}), |n| json!({name: format!("a{n}")}));
            check(schema, "checks one value in more than");
        }
        let by_id = |refer: fn(usize) -> String, id: fn(usize) -> String, draft: &str| {
            let mut schema = exploding(|n| json!({"$ref": refer(n)}), |n| json!({"$id": id(n)}));
            schema["$id"] = json!("https://example.com/root");
            schema["$schema"] = json!(draft);
            schema
        };
        let newest = "https://json-schema.org/draft/2020-12/schema";
        check(by_id(|n| format!("a{n}"), |n| format!("a{n}"), newest), "checks one value in more than");
        check(
            by_id(|n| format!("/a{n}#"), |n| format!("https://example.com/a{n}"), newest),
            "checks one value in more",
        );
        let mut older = by_id(|n| format!("#a{n}"), |n| format!("#a{n}"), "http://json-schema.org/draft-07/schema#");
        older["definitions"] = older["$defs"].take();
        older["allOf"] = json!([{"$ref": older["$ref"].take()}]);
        older.as_object_mut().unwrap().retain(|key, _| key != "$ref" && key != "$defs");
        check(older, "checks one value in more than");
        check(json!({"properties": {"default": {"$ref": "#/$defs/a 0"}}, "$defs": {}}), "is not a JSON Schema");
    }

    #[test]
    fn a_bomb_is_found_where_only_a_reference_leads() {
        let refer = |n: usize| json!({"$ref": format!("#/x-parts/a%20{n}")});
        let mut schema = exploding(refer, |_| json!({}));
        schema["x-parts"] = schema["$defs"].take();
        let first = schema["$ref"].take();
        schema["x-parts"]["deep"] = json!({"properties": {"p": {"$ref": first}}});
        let schema = json!({"$ref": "#/x-parts/deep", "x-parts": schema["x-parts"]});
        check(schema, "checks one value in more than");
        let chain: serde_json::Map<String, Value> =
            (0..9_000).map(|n| (format!("a{n}"), json!({"$ref": format!("#/$defs/a{}", n + 1)}))).collect();
        check(json!({"$ref": "#/$defs/a0", "$defs": chain}), "refers through more than");
    }

    #[test]
    fn references_to_names_and_ids_are_fine() {
        let tree = json!({
            "$id": "https://example.com/tree", "$dynamicAnchor": "node", "type": "object",
            "properties": {"children": {"type": "array", "items": {"$dynamicRef": "#node"}}, "a b": {"$anchor": "word", "type": "string"}, "c": {"$ref": "#word"}},
            "$defs": {"point": {"$id": "point", "properties": {"x": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "number"}}}},
            "additionalProperties": {"anyOf": [{"$ref": "point"}, {"$ref": "/point#/$defs/n"}, {"$ref": "#/properties/a%20b"}]},
            "default": {"$ref": "#/nothing"}, "enum": [{"$ref": "#nothing"}], "x-note": {"$ref": "elsewhere"}
        });
        check(tree, "fine");
        check(json!({"$ref": "https://json-schema.org/draft/2020-12/schema"}), "fine");
        for id in ["schema.json", "a/b.json", "urn:x:y", "https://example.com/a#", "http://example.com"] {
            let schema = json!({"$id": id, "$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#b"}, "b": {"$anchor": "b"}}});
            check(schema, "fine");
        }
        check(
            json!({"$id": "http://example.com/a/", "$ref": "b/c", "$defs": {"d": {"$id": "b/", "$defs": {
                "e": {"$id": "c", "not": {"$ref": "c#/$defs/f"}, "$defs": {"f": {"$ref": "../"}}}}}}}),
            "refers to itself",
        );
        check(
            json!({"$id": "http://example.com/a/", "$ref": "b/c", "$defs": {"d": {"$id": "b/", "$defs": {
                "e": {"$id": "c", "items": {"$ref": "c#/$defs/f"}, "$defs": {"f": {"items": {"$ref": "../"}}}}}}}}),
            "fine",
        );
        check(
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a", "definitions": {"a": {"$ref": "http://json-schema.org/draft-07/schema#"}}}),
            "fine",
        );
        check(
            json!({"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": true, "properties": {"a": {"$recursiveRef": "#"}}}),
            "fine",
        );
    }

    #[test]
    fn what_stands_below_no_keyword_of_schemas_is_data_unless_a_reference_leads_there() {
        let refers = |to: &str| json!({"$ref": to});
        for keyword in ["example", "x-note", "meta", "default", "const"] {
            check(json!({"type": "object", keyword: refers("#/components/x")}), "fine");
            check(json!({"properties": {"a": {keyword: [refers("#nothing"), {"items": refers("#/b")}]}}}), "fine");
        }
        check(json!({"example": {"$ref": "https://example.com/a"}}), "fine");
        let led_to = json!({"$ref": "#/parts/a", "parts": {"a": {"items": refers("#/parts/b")}}});
        check(led_to, "is not a JSON Schema that can be used: its reference `#/parts/b` leads nowhere");
        check(json!({"not": refers("#/components/x")}), "is not a JSON Schema that can be used: its reference `#/comp");
    }

    #[test]
    fn a_schema_that_goes_deeper_may_refer_to_itself() {
        let tree = json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": false});
        let schema = Schema::compile(&tree).map_err(|problem| panic!("{problem}")).unwrap();
        assert!(matches!(schema.check(&json!({"next": {"next": {}}})), Validity::Valid));
        assert!(matches!(schema.check(&json!({"next": {"last": 1}})), Validity::Invalid(_)));
    }

    /// As the drafts say; the reference of `json-schema` tells it.
    #[test]
    fn format_is_held_to_in_older_drafts_alone() {
        let is_valid = |draft: &str| {
            let schema = json!({"$schema": draft, "format": "date"});
            let schema = Schema::compile(&schema).map_err(|problem| panic!("{problem}")).unwrap();
            matches!(schema.check(&json!("no date")), Validity::Valid)
        };
        for draft in ["draft-04", "draft-06", "draft-07"] {
            assert!(!is_valid(&format!("http://json-schema.org/{draft}/schema#")), "{draft}");
        }
        for draft in ["2019-09", "2020-12"] {
            assert!(is_valid(&format!("https://json-schema.org/draft/{draft}/schema")), "{draft}");
        }
        let nameless = Schema::compile(&json!({"format": "date"})).map_err(|problem| panic!("{problem}")).unwrap();
        assert!(matches!(nameless.check(&json!("no date")), Validity::Valid));
    }

    #[test]
    fn nothing_is_fetched() {
        check(
            json!({"$ref": "https://example.com/schema.json"}),
            "refers to https://example.com/schema.json, which is",
        );
        check(json!({"$ref": "file:///etc/passwd"}), "refers to file:///etc/passwd, which is not in it");
        check(json!({"$ref": "other.json"}), "refers to ");
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
