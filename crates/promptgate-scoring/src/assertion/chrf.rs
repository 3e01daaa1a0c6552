//! `chrf`: the answer shares its runs of letters with what was expected.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::{References, Similarity, VALUE, VALUES};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example};
use crate::similarity::chrf::chrf;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "chrf",
    summary: "the answer shares its runs of up to 6 letters with what was expected (chrF); `threshold` 0.5 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[VALUE, VALUES],
    passes: Example::of("value = \"the cat sat\"", "the cats sat"),
    fails: Example::of("value = \"the cat sat\"", "dogs"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`chrf`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    Ok(Similarity::new(spec, references, 0.5, |said, reference| Ok(chrf(said, reference))))
}
