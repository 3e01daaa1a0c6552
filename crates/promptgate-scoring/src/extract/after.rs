//! `after`: the text behind a marker.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;

use super::{ExtractExample, Extractor, ExtractorKind, Which, WhichParams, part, text_argument};
use crate::assertion::text::line_feeds;
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "after",
    summary: "the text behind a marker, to the end",
    parameters: &[
        Parameter { name: "after", doc: "the marker, letter for letter" },
        Parameter { name: "which", doc: "behind the `first` (default) or the `last` marker" },
    ],
    finds: ExtractExample {
        table: "{ after = \"A:\", which = \"last\" }",
        output: "A: no\nA: 42",
        taken: Some("\" 42\""),
    },
    misses: ExtractExample { table: "{ after = \"A:\" }", output: "42", taken: None },
    build,
};

struct After {
    marker: String,
    which: Which,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: WhichParams = step.params.read("the extractor `after`")?;
    let marker = line_feeds(text_argument(step)?).into_owned();
    if marker.is_empty() {
        return Err(step.params.mistake("after", "the marker is empty, and every text begins behind it"));
    }
    Ok(Box::new(After { marker, which: params.which.unwrap_or_default() }))
}

impl Extractor for After {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let at = match self.which {
            Which::First => text.find(&self.marker),
            Which::Last => text.rfind(&self.marker),
        };
        let begin = at.ok_or_else(|| format!("the marker `{}` does not occur", self.marker))? + self.marker.len();
        let end = text.len();
        Ok(Subject::Text(part(text, begin..end)))
    }
}
