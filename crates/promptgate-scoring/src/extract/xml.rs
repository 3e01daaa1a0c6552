//! `xml`: the text of an element.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use serde::Deserialize;

use super::{ExtractExample, Extractor, ExtractorKind, text_argument};
use crate::assertion::{Parameter, Subject};

mod document;

pub(crate) use document::{Document, ElementPath};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "xml",
    summary: "the text of the first element at a path of the text read as XML (no document type, no entities of its own)",
    parameters: &[
        Parameter { name: "xml", doc: "the names from the root element on, as written, such as `order/item`" },
        Parameter {
            name: "within",
            doc: "`true`: of the first well-formed element inside other text that has the path; default false",
        },
    ],
    finds: ExtractExample {
        table: "{ xml = \"answer/label\", within = true }",
        output: "Sure! <answer><label>A &amp; B</label></answer>",
        taken: Some("\"A & B\""),
    },
    misses: ExtractExample { table: "{ xml = \"answer\" }", output: "Sure! <answer>A</answer>", taken: None },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    within: bool,
}

struct ElementText {
    path: ElementPath,
    within: bool,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: Params = step.params.read("the extractor `xml`")?;
    let path = ElementPath::read(text_argument(step)?).map_err(|problem| step.params.mistake("xml", problem))?;
    Ok(Box::new(ElementText { path, within: params.within }))
}

impl Extractor for ElementText {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let document = match Document::read(&text) {
            Ok(document) => document,
            Err(_) if self.within => Document::first_within(&text, |document| document.has(&self.path))
                .ok_or_else(|| format!("there is no XML with an element at `{}` in the text", self.path))?,
            Err(why) => return Err(format!("the text is not XML: {why}")),
        };
        let found = document.text(&self.path).ok_or_else(|| format!("the XML has no element `{}`", self.path))?;
        Ok(Subject::Text(Cow::Owned(found.to_owned())))
    }
}
