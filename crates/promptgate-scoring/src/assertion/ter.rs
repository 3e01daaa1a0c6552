//! `ter`: few edits of words make the answer what was expected.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::{References, Similarity, VALUE, VALUES};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};
use crate::similarity::ter::ter;
use crate::similarity::tokens::Tokenize;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "ter",
    summary: "few edits of words make the answer what was expected (TER of sacreBLEU): 1 - edits and shifts / words; `threshold` 0.5 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[VALUE, VALUES, Parameter { name: "case_sensitive", doc: "true: letter case counts; default false" }],
    passes: Example::of("value = \"the cat sat on the mat\"", "On the mat the cat sat."),
    fails: Example::of("value = \"the cat sat on the mat\"", "A dog."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
    #[serde(default)]
    case_sensitive: bool,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`ter`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    Ok(Similarity::new(spec, references, 0.5, move |said, reference| {
        let tokens = |text: &str| match params.case_sensitive {
            true => Tokenize::Whitespace.tokens(text),
            false => Tokenize::Whitespace.tokens(&text.to_lowercase()),
        };
        Ok(1.0 - ter(&tokens(said), &tokens(reference))?)
    }))
}
