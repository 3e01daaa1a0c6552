//! `span-errors`: few spans failed.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::kind::pass_fail;
use super::steps::{PATTERN, Steps, told};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "span-errors",
    summary: "at most so many spans of a name failed, or such a share of them; unscored where no steps are told",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[PATTERN, Parameter { name: "max", doc: "at most so many; default 0, unless `max_share` is given" }, Parameter { name: "max_share", doc: "at most such a share, 0 to 1" }],
    passes: Example::of("max = 1", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    fails: Example::of("max_share = 0.2", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    pattern: Option<String>,
    max: Option<usize>,
    max_share: Option<f64>,
}

struct SpanErrors {
    steps: Steps,
    max: Option<usize>,
    max_share: Option<f64>,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`span-errors`")?;
    let steps = Steps::read(spec, None, params.pattern)?;
    if let Some(share) = params.max_share.filter(|share| !(0.0..=1.0).contains(share)) {
        return Err(spec
            .params
            .mistake("max_share", format!("`max_share` is {share}; write a share from 0 to 1"))
            .into());
    }
    let max = params.max.or(params.max_share.is_none().then_some(0));
    Ok(Box::new(SpanErrors { steps, max, max_share: params.max_share }))
}

impl Assertion for SpanErrors {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let steps = self.steps.of(trial)?;
            let failed: Vec<_> = steps.iter().copied().filter(|step| step.error.is_some()).collect();
            let share = failed.len() as f64 / steps.len().max(1) as f64;
            let passed = self.max.is_none_or(|max| failed.len() <= max)
                && self.max_share.is_none_or(|most| share <= most + 1e-12);
            let found = format!("{} of {} failed", failed.len(), steps.len());
            let note = (!failed.is_empty()).then(|| told(&failed));
            Ok(Scored::decided(passed, Evidence { expected: None, found: Some(found), note }))
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
