//! `json-path`: the values at a JSONPath (RFC 9535).

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use serde::Deserialize;
use serde_json::Value;
use serde_json_path::JsonPath;

use super::{ExtractExample, Extractor, ExtractorKind, text_argument};
use crate::assertion::{Parameter, Subject};

/// The most searches below a value, or from the root anew, that one path may make.
const MAX_SEARCHES: usize = 2;
/// The largest answer, in JSON values, that a path may search more than once: searches multiply.
const MAX_VALUES: usize = 3_000;

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "json-path",
    summary: "the value at a JSONPath (RFC 9535, without the functions `match` and `search`) of the text read as JSON",
    parameters: &[
        Parameter { name: "json-path", doc: "the path, such as `$.items[?@.price > 10].name`" },
        Parameter { name: "all", doc: "`true`: the list of all values found; default false, which takes the first" },
    ],
    finds: ExtractExample {
        table: "{ json-path = \"$.items[?@.price > 10].name\", all = true }",
        output: r#"{"items": [{"name": "a", "price": 9}, {"name": "b", "price": 11}, {"name": "c", "price": 12}]}"#,
        taken: Some(r#"["b", "c"]"#),
    },
    misses: ExtractExample { table: "{ json-path = \"$.items[0]\" }", output: "{\"items\": []}", taken: None },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    all: bool,
}

struct Query {
    path: JsonPath,
    searches: usize,
    all: bool,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: Params = step.params.read("the extractor `json-path`")?;
    let text = text_argument(step)?;
    let mistake = |message: String| step.params.mistake("json-path", message);
    let path = JsonPath::parse(text).map_err(|error| {
        let mistake = mistake(format!("`{text}` is not a JSONPath: {error}"));
        if text.starts_with('$') { mistake } else { mistake.help("a path begins with `$`, such as `$.items[0].name`") }
    })?;
    let searches = searches(text);
    if searches > MAX_SEARCHES {
        let message =
            format!("`{text}` searches {searches} times (`..`, and `$` within a filter), {MAX_SEARCHES} may be");
        return Err(mistake(message).help("name the keys on the way"));
    }
    Ok(Box::new(Query { path, searches, all: params.all }))
}

/// How often a path visits values again: each `..`, and each `$` but the first. Quoted names count for nothing.
fn searches(path: &str) -> usize {
    let mut quote = None;
    let mut bare = String::new();
    let mut characters = path.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(characters.next()),
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, c) => bare.push(c),
        }
    }
    bare.matches("..").count() + bare.matches('$').count().saturating_sub(1)
}

impl Extractor for Query {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let value = subject.json().map_err(|error| format!("the text is not JSON: {error}"))?;
        if self.searches > 1 && more_values(&value, MAX_VALUES).is_none() {
            return Err(format!("the JSON has more than {MAX_VALUES} values, too many for a path that searches twice"));
        }
        let found = self.path.query(&value).all();
        let missing = || format!("the JSON has no value at `{}`", self.path);
        let first = found.first().ok_or_else(missing)?;
        Ok(Subject::Value(Cow::Owned(match self.all {
            true => found.into_iter().cloned().collect(),
            false => Value::clone(first),
        })))
    }
}

/// How many of so many values are left after counting those of this one.
fn more_values(value: &Value, left: usize) -> Option<usize> {
    let left = left.checked_sub(1)?;
    match value {
        Value::Array(items) => items.iter().try_fold(left, |left, item| more_values(item, left)),
        Value::Object(map) => map.values().try_fold(left, |left, item| more_values(item, left)),
        _ => Some(left),
    }
}

#[cfg(test)]
mod tests {
    use super::searches;

    #[test]
    fn what_stands_in_quotes_is_no_search() {
        for (path, expected) in [
            ("$.a.b", 0),
            ("$..a", 1),
            ("$..a..b", 2),
            ("$['..$..']", 0),
            ("$[\"a\\\"..\"]..b", 1),
            ("$.a[?@.b < $.limit]", 1),
        ] {
            assert_eq!(searches(path), expected, "{path}");
        }
    }
}
