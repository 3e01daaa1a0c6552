//! `before`: the text before a marker.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;

use super::{ExtractExample, Extractor, ExtractorKind, Which, WhichParams, part, text_argument};
use crate::assertion::text::line_feeds;
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "before",
    summary: "the text before a marker, from the beginning",
    parameters: &[
        Parameter { name: "before", doc: "the marker, letter for letter" },
        Parameter { name: "which", doc: "before the `first` (default) or the `last` marker" },
    ],
    finds: ExtractExample { table: "{ before = \"---\" }", output: "42\n---\nsources", taken: Some("\"42\\n\"") },
    misses: ExtractExample { table: "{ before = \"---\" }", output: "42", taken: None },
    build,
};

struct Before {
    marker: String,
    which: Which,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: WhichParams = step.params.read("the extractor `before`")?;
    let marker = line_feeds(text_argument(step)?).into_owned();
    if marker.is_empty() {
        return Err(step.params.mistake("before", "the marker is empty, and nothing stands before it"));
    }
    Ok(Box::new(Before { marker, which: params.which.unwrap_or_default() }))
}

impl Extractor for Before {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let at = match self.which {
            Which::First => text.find(&self.marker),
            Which::Last => text.rfind(&self.marker),
        };
        let end = at.ok_or_else(|| format!("the marker `{}` does not occur", self.marker))?;
        Ok(Subject::Text(part(text, 0..end)))
    }
}
