//! `map`: a value by table.

use std::borrow::Cow;
use std::collections::BTreeMap;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use serde_json::Value;

use super::{ExtractExample, Extractor, ExtractorKind, NoParams};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "map",
    summary: "what a table says for the text; a text it does not name is nothing to extract",
    parameters: &[Parameter { name: "map", doc: "a table such as `{ A = \"billing\", B = \"technical\" }`" }],
    finds: ExtractExample { table: "{ map = { A = \"billing\" } }", output: " A ", taken: Some("\"billing\"") },
    misses: ExtractExample { table: "{ map = { A = \"billing\" } }", output: "C", taken: None },
    build,
};

struct Map(BTreeMap<String, Value>);

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `map`")?;
    match &step.argument {
        Value::Object(table) if !table.is_empty() => {
            Ok(Box::new(Map(table.iter().map(|(key, value)| (key.trim().to_owned(), value.clone())).collect())))
        }
        other => {
            let mistake = step.params.mistake("map", format!("`map` is {other}, and no table with something in it"));
            Err(mistake.help("write `map = { A = \"billing\", B = \"technical\" }`"))
        }
    }
}

impl Extractor for Map {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.text();
        let found = self.0.get(text.trim()).ok_or_else(|| format!("`map` says nothing of `{}`", text.trim()))?;
        Ok(match found {
            Value::String(text) => Subject::Text(Cow::Owned(text.clone())),
            other => Subject::Value(Cow::Owned(other.clone())),
        })
    }
}
