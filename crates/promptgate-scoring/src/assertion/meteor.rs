//! `meteor`: the answer has the words that were expected, or words of the same stem, in few chunks.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::{References, Similarity, VALUE, VALUES};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};
use crate::similarity::meteor::meteor;
use crate::similarity::tokens::Tokenize;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "meteor",
    summary: "the answer has the words that were expected, or of the same English stem, in few chunks (METEOR without synonyms, which would need WordNet); `threshold` 0.5 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[
        VALUE,
        VALUES,
        Parameter {
            name: "tokenize",
            doc: "`words` (default) or `rouge-score`, in lower case; `13a` or `whitespace`, as they stand",
        },
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
    let params: Params = spec.params.read("`meteor`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    let tokenize = params.tokenize;
    Ok(Similarity::new(spec, references, 0.5, move |said, reference| {
        Ok(meteor(&tokenize.tokens(said), &tokenize.tokens(reference)))
    }))
}
