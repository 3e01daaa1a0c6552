//! `gleu`: the answer shares its runs of words with what was expected.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::{References, Similarity, VALUE, VALUES};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};
use crate::similarity::gleu::gleu;
use crate::similarity::tokens::Tokenize;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "gleu",
    summary: "the answer shares its runs of up to 4 words with what was expected (GLEU: the smaller one of precision and recall); `threshold` 0.5 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[
        VALUE,
        VALUES,
        Parameter { name: "tokenize", doc: "`words` (default), `rouge-score`, `13a` or `whitespace`" },
    ],
    passes: Example::of("value = \"the cat sat on the mat\"", "The cat sat on the mat today."),
    fails: Example::of("value = \"the cat sat on the mat\"", "A dog."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
    #[serde(default)]
    tokenize: Tokenize,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`gleu`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    let tokenize = params.tokenize;
    Ok(Similarity::new(spec, references, 0.5, move |said, reference| {
        Ok(gleu(&tokenize.tokens(said), &tokenize.tokens(reference)))
    }))
}
