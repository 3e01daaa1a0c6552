//! `ratio`: the letters of the answer are those expected.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::{References, Similarity, VALUE, VALUES};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};
use crate::similarity::ratio::Ratio;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "ratio",
    summary: "the letters of the answer are those expected, in order: twice those in common over all (rapidfuzz); `threshold` 0.8 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[
        VALUE,
        VALUES,
        Parameter {
            name: "mode",
            doc: "`plain` (default), `token-sort`: words sorted first, `token-set`: shared words count whatever else there is",
        },
    ],
    passes: Example::of("value = \"new york mets\"\nmode = \"token-sort\"", "mets new york"),
    fails: Example::of("value = \"new york mets\"", "boston"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
    #[serde(default)]
    mode: Ratio,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`ratio`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    let mode = params.mode;
    Ok(Similarity::new(spec, references, 0.8, move |said, reference| mode.of(said, reference)))
}
