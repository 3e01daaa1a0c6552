//! Picoschema, the short form of JSON Schema in Dotprompt: `name?: string, what it is`, `tags(array): string`,
//! `kind(enum): [a, b]`, `(*): any`. A schema that already is JSON Schema passes as it is.

use serde_json::{Map, Value, json};

use crate::nearest::did_you_mean;

const SCALARS: [&str; 6] = ["string", "boolean", "null", "number", "integer", "any"];
const WILDCARD: &str = "(*)";

/// A mistake in a schema, at a path of keys below it.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The keys that lead to it, with `/` between them and before the first.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Mistake {
    fn new(path: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into(), help: help.into() }
    }
}

/// Looks up a schema by name; an error says why there is none, and which there are.
pub type Named<'a> = &'a dyn Fn(&str) -> Result<Option<Value>, String>;

/// The JSON Schema that a schema in either form stands for.
pub fn expand(schema: &Value, named: Named<'_>) -> Result<Value, Mistake> {
    match schema {
        Value::Object(map) if is_json_schema(map) => Ok(schema.clone()),
        Value::Object(map) if map.get("properties").is_some_and(Value::is_object) => {
            let mut whole = map.clone();
            whole.insert("type".to_owned(), json!("object"));
            Ok(Value::Object(whole))
        }
        _ => pico(schema, "", named),
    }
}

fn is_json_schema(map: &Map<String, Value>) -> bool {
    let known = |kind: &str| SCALARS.contains(&kind) || matches!(kind, "object" | "array");
    map.get("type").and_then(Value::as_str).is_some_and(known)
}

fn pico(schema: &Value, path: &str, named: Named<'_>) -> Result<Value, Mistake> {
    match schema {
        Value::String(text) => scalar(text, path, named),
        Value::Object(fields) => object(fields, path, named),
        _ => {
            let message = format!("{schema} is not a type");
            Err(Mistake::new(path, message, "write a type such as `string`, or a mapping of fields"))
        }
    }
}

/// `number`, `number, a description`, or the name of a schema.
fn scalar(text: &str, path: &str, named: Named<'_>) -> Result<Value, Mistake> {
    let (kind, description) = described(text);
    let mut schema = match kind {
        "any" => Map::new(),
        _ if SCALARS.contains(&kind) => Map::from_iter([("type".to_owned(), json!(kind))]),
        _ => by_name(kind, path, named)?,
    };
    if let Some(description) = description {
        schema.insert("description".to_owned(), json!(description));
    }
    Ok(Value::Object(schema))
}

fn by_name(name: &str, path: &str, named: Named<'_>) -> Result<Map<String, Value>, Mistake> {
    match named(name) {
        Ok(Some(Value::Object(schema))) => Ok(schema),
        Ok(Some(_)) => {
            Err(Mistake::new(path, format!("the schema `{name}` is not an object"), "write a JSON Schema object"))
        }
        Ok(None) => {
            let help = format!(
                "{}; a schema of your own stands in `{name}.schema.json` beside the prompt",
                did_you_mean(name, SCALARS)
            );
            Err(Mistake::new(path, format!("there is no type `{name}`"), help))
        }
        Err(why) => {
            Err(Mistake::new(path, format!("the schema `{name}` does not read: {why}"), "write a JSON Schema object"))
        }
    }
}

fn object(fields: &Map<String, Value>, path: &str, named: Named<'_>) -> Result<Value, Mistake> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut additional = json!(false);
    for (key, value) in fields {
        let path = format!("{path}/{key}");
        if key == WILDCARD {
            additional = pico(value, &path, named)?;
            continue;
        }
        let field = Field::read(key, &path)?;
        if !field.optional {
            required.push(json!(field.name));
        }
        properties.insert(field.name.to_owned(), property(&field, value, &path, named)?);
    }
    let mut schema = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), Value::Object(properties)),
        ("additionalProperties".to_owned(), additional),
    ]);
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    Ok(Value::Object(schema))
}

/// A key such as `tags?(array, list of tags)`.
struct Field<'a> {
    name: &'a str,
    optional: bool,
    /// What stands in the parentheses: a type and a description.
    wrap: Option<(&'a str, Option<&'a str>)>,
}

impl<'a> Field<'a> {
    fn read(key: &'a str, path: &str) -> Result<Self, Mistake> {
        let (name, wrap) = match key.split_once('(') {
            Some((name, rest)) => match rest.strip_suffix(')') {
                Some(inner) => (name, Some(described(inner))),
                None => return Err(Mistake::new(path, format!("`{key}` opens a parenthesis"), "close it with `)`")),
            },
            None => (key, None),
        };
        let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
        if name.is_empty() {
            return Err(Mistake::new(
                path,
                "a field without a name",
                "write `name: type`, or `(*): type` for any other",
            ));
        }
        Ok(Self { name, optional, wrap })
    }
}

fn property(field: &Field<'_>, value: &Value, path: &str, named: Named<'_>) -> Result<Value, Mistake> {
    let Some((kind, description)) = field.wrap else {
        return Ok(nullable(pico(value, path, named)?, field.optional));
    };
    let mut schema = match kind {
        "array" => json!({ "type": "array", "items": pico(value, path, named)? }),
        "object" => pico(value, path, named)?,
        "enum" => enumeration(value, field.optional, path)?,
        _ => {
            let help = did_you_mean(kind, ["array", "object", "enum"]);
            return Err(Mistake::new(path, format!("`({kind})` is not known here"), help));
        }
    };
    schema = nullable(schema, field.optional);
    if let (Some(description), Some(map)) = (description, schema.as_object_mut()) {
        map.insert("description".to_owned(), json!(description));
    }
    Ok(schema)
}

fn enumeration(value: &Value, optional: bool, path: &str) -> Result<Value, Mistake> {
    let Value::Array(values) = value else {
        return Err(Mistake::new(path, "an enum is a list of its values", "write `kind(enum): [a, b]`"));
    };
    let mut values = values.clone();
    if optional && !values.contains(&Value::Null) {
        values.push(Value::Null);
    }
    Ok(json!({ "enum": values }))
}

/// A field that may be absent may be null as well.
fn nullable(mut schema: Value, optional: bool) -> Value {
    if optional && let Some(Value::String(kind)) = schema.get("type") {
        schema["type"] = json!([kind, "null"]);
    }
    schema
}

/// Splits at the first comma: a type, and its description.
fn described(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((kind, description)) => (kind.trim(), Some(description.trim())),
        None => (text.trim(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: Value, expected: Value) {
        assert_eq!(expand(&schema, &|_| Ok(None)).unwrap(), expected);
    }

    fn check_mistake(schema: Value, expected: &str) {
        let mistake = expand(&schema, &|_| Ok(None)).unwrap_err();
        assert_eq!(format!("{}: {}; {}", mistake.path, mistake.message, mistake.help), expected);
    }

    #[test]
    fn fields_are_required_unless_marked_and_nothing_else_is_allowed() {
        check(
            json!({"a": "string", "b?": "number, how many"}),
            json!({"type": "object", "additionalProperties": false, "required": ["a"], "properties": {
                "a": {"type": "string"}, "b": {"type": ["number", "null"], "description": "how many"}}}),
        );
    }

    #[test]
    fn json_schema_passes_as_it_is() {
        check(json!({"type": "array", "items": {}}), json!({"type": "array", "items": {}}));
        check(
            json!({"properties": {"type": {"type": "string"}}}),
            json!({"properties": {"type": {"type": "string"}}, "type": "object"}),
        );
    }

    #[test]
    fn a_field_called_type_does_not_make_it_json_schema() {
        check(
            json!({"type": "string, the kind", "n": "integer"}),
            json!({"type": "object", "additionalProperties": false, "required": ["type", "n"], "properties": {
                "type": {"type": "string", "description": "the kind"}, "n": {"type": "integer"}}}),
        );
    }

    #[test]
    fn a_mistake_names_its_path_and_the_nearest_type() {
        check_mistake(
            json!({"a": {"b": "strin"}}),
            "/a/b: there is no type `strin`; did you mean `string`?; a schema of your own stands in `strin.schema.json` beside the prompt",
        );
        check_mistake(json!({"a(arry)": "string"}), "/a(arry): `(arry)` is not known here; did you mean `array`?");
        check_mistake(json!({"a(enum)": "x"}), "/a(enum): an enum is a list of its values; write `kind(enum): [a, b]`");
        check_mistake(json!({"a(array": "x"}), "/a(array: `a(array` opens a parenthesis; close it with `)`");
        check_mistake(json!({"a": 1}), "/a: 1 is not a type; write a type such as `string`, or a mapping of fields");
    }
}
