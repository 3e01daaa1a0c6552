//! `rouge-l`: the answer holds the words expected in their order.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::OverlapScore;
use super::references::{References, Similarity, VALUE, VALUES};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};
use crate::similarity::rouge::rouge_l;
use crate::similarity::tokens::Tokenize;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "rouge-l",
    summary: "the answer holds the words expected in their order (ROUGE-L); `threshold` 0.75 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[
        VALUE,
        VALUES,
        Parameter { name: "score", doc: "`recall` (default), `precision` or `f1`" },
        Parameter { name: "tokenize", doc: "`words` (default), `rouge-score`, `13a` or `whitespace`" },
    ],
    passes: Example::of("value = \"the cat sat on the mat\"", "So the cat sat on the mat."),
    fails: Example::of("value = \"the cat sat on the mat\"", "On the mat."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
    #[serde(default)]
    score: OverlapScore,
    #[serde(default)]
    tokenize: Tokenize,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`rouge-l`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    let (score, tokenize) = (params.score, params.tokenize);
    Ok(Similarity::new(spec, references, 0.75, move |said, reference| {
        let overlap = rouge_l(&tokenize.tokens(said), &tokenize.tokens(reference))?;
        Ok(score.of(overlap))
    }))
}
