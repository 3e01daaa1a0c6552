//! `strip-punctuation`: the text without ASCII and general punctuation.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;

use super::{ExtractExample, Extractor, ExtractorKind, NoParams, only_true};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "strip-punctuation",
    summary: "the text without punctuation: that of ASCII, dashes, quotes, and the signs of Chinese and Japanese",
    parameters: &[Parameter { name: "strip-punctuation", doc: "`true`" }],
    finds: ExtractExample {
        table: "{ strip-punctuation = true }",
        output: "“Paris,” (France)!",
        taken: Some("\"Paris France\""),
    },
    misses: ExtractExample { table: "{ strip-punctuation = true }", output: "Paris", taken: Some("\"Paris\"") },
    build,
};

struct StripPunctuation;

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `strip-punctuation`")?;
    only_true(step)?;
    Ok(Box::new(StripPunctuation))
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}')
        || matches!(u32::from(c), 0x2010..=0x2027 | 0x2030..=0x205e | 0x3001..=0x3003 | 0x3008..=0x3011 | 0x3014..=0x301f | 0xff01..=0xff0f | 0xff1a..=0xff20)
}

impl Extractor for StripPunctuation {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        Ok(Subject::Text(Cow::Owned(subject.text().chars().filter(|c| !is_punctuation(*c)).collect())))
    }
}
