//! `f1`: the words of the answer are those expected.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::{References, Similarity, VALUE, VALUES};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example};
use crate::similarity::squad;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "f1",
    summary: "the words of the answer are those expected, by the F1 of SQuAD: lower case, no punctuation, no articles; `threshold` 0.5 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[VALUE, VALUES],
    passes: Example::of("value = \"the Eiffel Tower\"", "Eiffel tower."),
    fails: Example::of("value = \"the Eiffel Tower\"", "The Louvre."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`f1`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    Ok(Similarity::new(spec, references, 0.5, |said, reference| Ok(squad::f1(said, reference))))
}
