//! `span-count`: so many spans of a name are recorded.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::bounds::Bounds;
use super::kind::pass_fail;
use super::steps::{PATTERN, Steps, told};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "span-count",
    summary: "so many spans of a name are recorded; unscored where no steps are told",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[PATTERN, Parameter { name: "min", doc: "at least so many" }, Parameter { name: "max", doc: "at most so many" }],
    passes: Example::of("pattern = \"l*\"\nmin = 1", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    fails: Example::of("max = 1", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    pattern: Option<String>,
    min: Option<u64>,
    max: Option<u64>,
}

struct SpanCount {
    steps: Steps,
    bounds: Bounds,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`span-count`")?;
    let steps = Steps::read(spec, None, params.pattern)?;
    Ok(Box::new(SpanCount { steps, bounds: Bounds::read(spec, params.min, params.max)? }))
}

impl Assertion for SpanCount {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let steps = self.steps.of(trial)?;
            let scored = self.bounds.decide(steps.len() as u64, "spans");
            Ok(Scored { evidence: Evidence { note: Some(told(&steps)), ..scored.evidence }, ..scored })
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
