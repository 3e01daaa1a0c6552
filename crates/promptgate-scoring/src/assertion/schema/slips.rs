//! Keywords of a schema that are likely slips of the hand: `requried` says nothing, and whatever it was to refuse passes. A
//! schema may have keywords of its own, so only what is close to a known one is told, and told only.

use std::collections::HashMap;

use promptgate_core::Diagnostic;
use promptgate_core::nearest::slipped;
use serde_json::Value;
use serde_json::value::RawValue;

use super::ways::{APPLIED, MAPS};

/// The keywords of all drafts up to 2020-12.
const KNOWN: [&str; 61] = [
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$ref",
    "$schema",
    "$vocabulary",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "definitions",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "deprecated",
    "description",
    "else",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "readOnly",
    "required",
    "then",
    "title",
    "type",
    "unevaluatedItems",
    "unevaluatedProperties",
    "writeOnly",
];

/// What others write beside them: draft 4's id, and OpenAPI's words.
const FREE: [&str; 2] = ["id", "example"];

/// Shorter ones are one letter away from too many words of anybody's.
const SHORTEST: usize = 4;

/// Slips that are told.
const MOST: usize = 10;

/// A keyword that is likely a slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slip {
    /// The keys, and the places in lists, that lead to it; the last one is the keyword.
    path: Vec<String>,
    meant: &'static str,
}

impl Slip {
    /// The warning, at its place in the text of a file.
    pub(super) fn in_file(&self, file: &str, text: &str) -> Diagnostic {
        match offset_of(text, &self.path) {
            Some(offset) => self.told("").at_offset(file, text, offset),
            None => self.told(&format!(" in {file}")),
        }
    }

    /// The warning, which says where in the schema it is.
    pub(super) fn in_table(&self) -> Diagnostic {
        let above = &self.path[..self.path.len() - 1];
        let place = above.iter().map(|step| format!("/{step}")).collect::<String>();
        self.told(&if place.is_empty() { place } else { format!(" at `{place}`") })
    }

    fn told(&self, place: &str) -> Diagnostic {
        let key = self.path.last().map(String::as_str).unwrap_or_default();
        let message = format!("`{key}`{place} is no keyword of JSON Schema, so it asks for nothing");
        Diagnostic::new(message).help(format!("did you mean `{}`?", self.meant))
    }
}

/// The likely slips of a schema, in its order: the first few, since for each the text of the file is read again.
pub(super) fn slips(schema: &Value) -> Vec<Slip> {
    let (mut found, mut path) = (Vec::new(), Vec::new());
    look(schema, &mut path, &mut found);
    found
}

fn look(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Slip>) {
    let Value::Object(map) = schema else { return };
    for (key, value) in map {
        if found.len() >= MOST {
            return;
        }
        path.push(key.clone());
        found.extend(meant(key).map(|meant| Slip { path: path.clone(), meant }));
        for (steps, schema) in below(key, value) {
            let depth = path.len();
            path.extend(steps);
            look(schema, path, found);
            path.truncate(depth);
        }
        path.pop();
    }
}

/// The schemas below a keyword, and what leads to each.
fn below<'v>(key: &str, value: &'v Value) -> Vec<(Option<String>, &'v Value)> {
    match value {
        Value::Object(map) if MAPS.contains(&key) => {
            map.iter().map(|(step, value)| (Some(step.clone()), value)).collect()
        }
        Value::Array(list) if APPLIED.contains(&key) => {
            list.iter().enumerate().map(|(at, value)| (Some(at.to_string()), value)).collect()
        }
        _ if APPLIED.contains(&key) => vec![(None, value)],
        _ => Vec::new(),
    }
}

fn meant(key: &str) -> Option<&'static str> {
    if KNOWN.contains(&key) || FREE.contains(&key) {
        return None;
    }
    let known = || KNOWN.into_iter().filter(|known| known.len() >= SHORTEST);
    known().find(|known| known.eq_ignore_ascii_case(key)).or_else(|| slipped(key, known()))
}

/// Where a key stands in the text of a schema.
fn offset_of(text: &str, path: &[String]) -> Option<usize> {
    let begin = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let (last, above) = path.split_last()?;
    let mut part = text;
    for step in above {
        part = inner(part, step)?;
    }
    let value = begin(inner(part, last)?);
    // Between the key and its value stands nothing but a colon and white space.
    let behind_key = text[..value].trim_end_matches(|c: char| c.is_whitespace() || c == ':');
    behind_key[..behind_key.len().checked_sub(1)?].rfind('"')
}

/// The text of a member of an object, or of a list.
fn inner<'t>(text: &'t str, step: &str) -> Option<&'t str> {
    if let Ok(map) = serde_json::from_str::<HashMap<String, &'t RawValue>>(text) {
        return map.get(step).map(|value| value.get());
    }
    let list: Vec<&'t RawValue> = serde_json::from_str(text).ok()?;
    list.get(step.parse::<usize>().ok()?).map(|value| value.get())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: &Value, expected: &[(&str, &str)]) {
        let found = slips(schema);
        let found: Vec<_> = found.iter().map(|slip| (format!("/{}", slip.path.join("/")), slip.meant)).collect();
        let expected: Vec<_> = expected.iter().map(|(path, meant)| ((*path).to_owned(), *meant)).collect();
        assert_eq!(found, expected, "{schema}");
    }

    #[test]
    fn a_keyword_that_is_one_slip_away_from_a_known_one_is_told() {
        check(&json!({"requried": ["a"]}), &[("/requried", "required")]);
        check(&json!({"propertes": {"a": {"tpye": "x"}}}), &[("/propertes", "properties")]);
        check(&json!({"additionalproperties": false}), &[("/additionalproperties", "additionalProperties")]);
        let deep = json!({"properties": {"a": {"items": {"tpye": "string"}}}, "anyOf": [{}, {"minlength": 1}]});
        check(&deep, &[("/properties/a/items/tpye", "type"), ("/anyOf/1/minlength", "minLength")]);
        check(&json!({"$defs": {"requried": {"maxItem": 3}}}), &[("/$defs/requried/maxItem", "maxItems")]);
    }

    #[test]
    fn keywords_of_ones_own_and_data_are_free() {
        let own = ["x-type", "example", "note", "id", "nullable", "discriminator", "unit", "order", "label", "node"];
        for key in own {
            check(&json!({key: 1}), &[]);
        }
        check(&json!({"properties": {"requried": {}, "tpye": true}}), &[]);
        check(&json!({"default": {"requried": 1}, "const": {"tpye": 1}, "enum": [{"itmes": 1}]}), &[]);
        check(&json!({"dependencies": {"a": ["requried"]}, "required": ["tpye"]}), &[]);
        check(&json!(true), &[]);
        KNOWN.iter().for_each(|known| check(&json!({*known: 1}), &[]));
    }

    #[test]
    fn a_warning_says_where_it_is() {
        let text = "{\n  \"anyOf\": [\n    {},\n    {\"a\": 1, \"tpye\" :\n \"string\"}\n  ]\n}";
        let slips = slips(&serde_json::from_str(text).unwrap());
        let told = slips[0].in_file("suites/s/x.json", text).to_string();
        assert!(told.starts_with("suites/s/x.json:4:14: `tpye` is no keyword"), "{told}");
        let told = slips[0].in_table().to_string();
        assert!(told.starts_with("`tpye` at `/anyOf/1` is no keyword"), "{told}");
    }
}
