//! `json`: the value at a JSON Pointer.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use serde::Deserialize;
use serde_json::Value;

use super::{ExtractExample, Extractor, ExtractorKind, text_argument};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "json",
    summary: "the value at a JSON Pointer of the text read as JSON",
    parameters: &[
        Parameter { name: "json", doc: "the pointer, such as `/queue` or `/items/0`; empty for the whole value" },
        Parameter {
            name: "within",
            doc: "`true`: the first object or list inside other text in which the pointer finds something; default false",
        },
    ],
    finds: ExtractExample {
        table: "{ json = \"/queue\", within = true }",
        output: "Sure! {\"queue\": \"billing\"}",
        taken: Some("\"billing\""),
    },
    misses: ExtractExample { table: "{ json = \"/queue\" }", output: "{\"urgent\": true}", taken: None },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    within: bool,
}

struct Pointer {
    pointer: String,
    within: bool,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: Params = step.params.read("the extractor `json`")?;
    let pointer = text_argument(step)?.to_owned();
    if !(pointer.is_empty() || pointer.starts_with('/')) {
        let mistake = step.params.mistake("json", format!("`{pointer}` is not a JSON Pointer, which begins with `/`"));
        return Err(mistake.help(format!("write `/{}`", pointer.trim_start_matches("$.").replace('.', "/"))));
    }
    Ok(Box::new(Pointer { pointer, within: params.within }))
}

impl Extractor for Pointer {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let value = match subject {
            Subject::Value(Cow::Borrowed(value)) => return self.borrowed(value),
            Subject::Value(Cow::Owned(value)) => value,
            Subject::Text(text) => self.read(&text)?,
        };
        let found = at(value, &self.pointer).ok_or_else(|| self.missing())?;
        Ok(Subject::Value(Cow::Owned(found)))
    }
}

impl Pointer {
    fn borrowed<'a>(&self, value: &'a Value) -> Result<Subject<'a>, String> {
        let found = value.pointer(&self.pointer).ok_or_else(|| self.missing())?;
        Ok(Subject::Value(Cow::Borrowed(found)))
    }

    fn read(&self, text: &str) -> Result<Value, String> {
        match serde_json::from_str(text) {
            Ok(value) => Ok(value),
            Err(_) if self.within => first_within(text, |value| value.pointer(&self.pointer).is_some())
                .ok_or_else(|| format!("there is no JSON with a value at `{}` in the text", self.pointer)),
            Err(error) => Err(format!("the text is not JSON: {error}")),
        }
    }

    fn missing(&self) -> String {
        format!("the JSON has no value at `{}`", self.pointer)
    }
}

/// The value at a pointer, moved out.
fn at(mut value: Value, pointer: &str) -> Option<Value> {
    if pointer.is_empty() {
        return Some(value);
    }
    value.pointer_mut(pointer).map(Value::take)
}

/// The first object or list inside a text that is accepted. Work is bounded by a multiple of the text's length: a text
/// made of openings alone would otherwise be read anew from each of them.
pub(crate) fn first_within(text: &str, accept: impl Fn(&Value) -> bool) -> Option<Value> {
    let mut budget = 16 * text.len();
    let mut from = 0;
    while let Some(found) = text[from..].find(['{', '[']) {
        let begin = from + found;
        let mut values = serde_json::Deserializer::from_str(&text[begin..]).into_iter::<Value>();
        let value = values.next();
        let read = match &value {
            Some(Err(error)) => bytes_until(&text[begin..], error),
            _ => values.byte_offset(),
        };
        budget = budget.checked_sub(read)?;
        from = match value {
            Some(Ok(value)) if accept(&value) => return Some(value),
            Some(Ok(_)) => begin + read,
            _ => begin + 1,
        };
    }
    None
}

/// How far the reader came before it gave up: the error's line and column, as bytes.
fn bytes_until(text: &str, error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    (lines + error.column()).clamp(1, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let found = first_within(text, |_| true).map(|value| value.to_string());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn the_first_object_or_list_in_other_text_is_found() {
        check("so {\"a\": 1} and {\"b\": 2}", Some("{\"a\":1}"));
        check("{not json} but [1, 2]", Some("[1,2]"));
        check("```json\n{\"ä\": [1]}\n```", Some("{\"ä\":[1]}"));
        check("{\"open\": [1, 2", None);
        check("{ broken {\"a\": {}}", Some("{\"a\":{}}"));
        check("no json, 12 \"x\"", None);
    }

    #[test]
    fn a_text_of_openings_alone_is_given_up_soon() {
        for piece in ["[", "{", "[1,", "{\"a\":[", "[\""] {
            assert_eq!(first_within(&piece.repeat(50_000 / piece.len()), |_| true), None, "{piece}");
        }
    }
}
