//! `trim`: without the white space at both ends.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;

use super::{ExtractExample, Extractor, ExtractorKind, NoParams, only_true, part};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "trim",
    summary: "the text without the white space at both ends",
    parameters: &[Parameter { name: "trim", doc: "`true`" }],
    finds: ExtractExample { table: "{ trim = true }", output: "  yes\n", taken: Some("\"yes\"") },
    misses: ExtractExample { table: "{ trim = true }", output: "a b", taken: Some("\"a b\"") },
    build,
};

struct Trim;

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `trim`")?;
    only_true(step)?;
    Ok(Box::new(Trim))
}

impl Extractor for Trim {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let begin = text.len() - text.trim_start().len();
        let end = begin + text.trim().len();
        Ok(Subject::Text(part(text, begin..end)))
    }
}
