//! `strip-articles`: the text without the English words `a`, `an` and `the`.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;

use super::{ExtractExample, Extractor, ExtractorKind, NoParams, only_true};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "strip-articles",
    summary: "the text without the English words a, an and the; white space between words becomes one space",
    parameters: &[Parameter { name: "strip-articles", doc: "`true`" }],
    finds: ExtractExample {
        table: "{ strip-articles = true }",
        output: "The answer is  an apple",
        taken: Some("\"answer is apple\""),
    },
    misses: ExtractExample { table: "{ strip-articles = true }", output: "theme", taken: Some("\"theme\"") },
    build,
};

struct StripArticles;

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `strip-articles`")?;
    only_true(step)?;
    Ok(Box::new(StripArticles))
}

impl Extractor for StripArticles {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let is_article = |word: &&str| ["a", "an", "the"].iter().any(|article| word.eq_ignore_ascii_case(article));
        let words: Vec<String> =
            subject.text().split_whitespace().filter(|word| !is_article(word)).map(str::to_owned).collect();
        Ok(Subject::Text(Cow::Owned(words.join(" "))))
    }
}
