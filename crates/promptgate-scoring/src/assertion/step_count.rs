//! `step-count`: so many steps of a type or name are taken.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::bounds::Bounds;
use super::kind::pass_fail;
use super::steps::{PATTERN, Steps, TYPE, told};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "step-count",
    summary: "so many steps of a type or name are taken; unscored where no steps are told",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[TYPE, PATTERN, Parameter { name: "min", doc: "at least so many" }, Parameter { name: "max", doc: "at most so many" }],
    passes: Example::of("type = \"tool\"\nmax = 1", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    fails: Example::of("type = \"search\"\nmin = 2", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(rename = "type")]
    kind: Option<String>,
    pattern: Option<String>,
    min: Option<u64>,
    max: Option<u64>,
}

struct StepCount {
    steps: Steps,
    bounds: Bounds,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`step-count`")?;
    let steps = Steps::read(spec, params.kind, params.pattern)?;
    Ok(Box::new(StepCount { steps, bounds: Bounds::read(spec, params.min, params.max)? }))
}

impl Assertion for StepCount {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let steps = self.steps.of(trial)?;
            let scored = self.bounds.decide(steps.len() as u64, "steps");
            Ok(Scored { evidence: Evidence { note: Some(told(&steps)), ..scored.evidence }, ..scored })
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
