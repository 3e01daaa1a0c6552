//! `rouge-n`: the answer holds the runs of words expected.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::OverlapScore;
use super::references::{References, Similarity, VALUE, VALUES};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};
use crate::similarity::rouge::rouge_n;
use crate::similarity::tokens::Tokenize;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "rouge-n",
    summary: "the answer holds the runs of `n` words expected (ROUGE-N); `threshold` 0.75 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[
        VALUE,
        VALUES,
        Parameter { name: "n", doc: "words a run, 1 (default) to 9" },
        Parameter { name: "score", doc: "`recall` (default), `precision` or `f1`" },
        Parameter { name: "tokenize", doc: "`words` (default), `rouge-score`, `13a` or `whitespace`" },
    ],
    passes: Example::of("value = \"the cat sat\"", "The cat sat down."),
    fails: Example::of("value = \"the cat sat\"\nn = 2", "The cat."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
    n: Option<usize>,
    #[serde(default)]
    score: OverlapScore,
    #[serde(default)]
    tokenize: Tokenize,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`rouge-n`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    let n = params.n.unwrap_or(1);
    if !(1..=9).contains(&n) {
        return Err(spec.params.mistake("n", format!("`n` is {n}; a run has 1 to 9 words")).into());
    }
    let (score, tokenize) = (params.score, params.tokenize);
    Ok(Similarity::new(spec, references, 0.75, move |said, reference| {
        Ok(score.of(rouge_n(&tokenize.tokens(said), &tokenize.tokens(reference), n)))
    }))
}
