//! `lowercase`: in small letters.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;

use super::{ExtractExample, Extractor, ExtractorKind, NoParams, only_true};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "lowercase",
    summary: "the text in small letters",
    parameters: &[Parameter { name: "lowercase", doc: "`true`" }],
    finds: ExtractExample { table: "{ lowercase = true }", output: "Ja, ÄRGER", taken: Some("\"ja, ärger\"") },
    misses: ExtractExample { table: "{ lowercase = true }", output: "ja", taken: Some("\"ja\"") },
    build,
};

struct Lowercase;

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `lowercase`")?;
    only_true(step)?;
    Ok(Box::new(Lowercase))
}

impl Extractor for Lowercase {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        Ok(Subject::Text(Cow::Owned(subject.text().to_lowercase())))
    }
}
