//! `labels`: free text that must become one of a few words. Patterns are tried in the order written, and the first that
//! matches anywhere wins, however early in the text a later one would match.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{ExtractExample, Extractor, ExtractorKind, NoParams, pattern};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "labels",
    summary: "the label of the first pattern, in the order written, that matches the text",
    parameters: &[Parameter { name: "labels", doc: "a list of `{ pattern = \"...\", label = \"...\" }`" }],
    finds: ExtractExample {
        table: "{ labels = [{ pattern = '(?i)\\bbilling\\b', label = \"billing\" }, { pattern = \"\", label = \"other\" }] }",
        output: "This one is for Billing.",
        taken: Some("\"billing\""),
    },
    misses: ExtractExample {
        table: "{ labels = [{ pattern = '(?i)\\bbilling\\b', label = \"billing\" }] }",
        output: "No idea.",
        taken: None,
    },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    pattern: String,
    label: String,
}

struct Labels(Vec<(Regex, String)>);

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `labels`")?;
    let mistake = |problem: String| step.params.mistake("labels", problem);
    let Value::Array(items) = &step.argument else {
        return Err(mistake("`labels` must be a list of `{ pattern, label }`".to_owned()));
    };
    if items.is_empty() {
        return Err(mistake("`labels` is an empty list, which never finds anything".to_owned()));
    }
    let read = |(index, item): (usize, &Value)| {
        let label = Label::deserialize(item).map_err(|error| mistake(format!("label {}: {error}", index + 1)))?;
        let pattern = pattern::compile(&label.pattern, "")
            .map_err(|problem| mistake(format!("the pattern of label {} (`{}`) {problem}", index + 1, label.label)))?;
        Ok((pattern, label.label))
    };
    Ok(Box::new(Labels(items.iter().enumerate().map(read).collect::<Result<_, Diagnostic>>()?)))
}

impl Extractor for Labels {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let found = self.0.iter().find(|(pattern, _)| pattern.is_match(&subject.text()));
        let (_, label) = found.ok_or_else(|| format!("none of the {} patterns of `labels` matches", self.0.len()))?;
        Ok(Subject::Text(Cow::Owned(label.clone())))
    }
}
