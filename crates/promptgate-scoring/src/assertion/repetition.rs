//! `loop`: no step is repeated over and over.

use std::collections::BTreeMap;

use promptgate_core::Diagnostics;
use promptgate_core::answer::TraceStep;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::kind::pass_fail;
use super::steps::{PATTERN, Steps, TYPE, told};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "loop",
    summary: "no step is repeated over and over: the same name and input at most `max` times; unscored where no steps are told",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[TYPE, PATTERN, Parameter { name: "max", doc: "how often the same step may be taken; default 3" }],
    passes: Example::of("type = \"tool\"", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    fails: Example::of("max = 1", "").response(
        r#"{"steps": [{"type": "tool", "name": "look", "input": 1}, {"type": "tool", "name": "look", "input": 1}]}"#,
    ),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(rename = "type")]
    kind: Option<String>,
    pattern: Option<String>,
    max: Option<usize>,
}

struct Repetition {
    steps: Steps,
    max: usize,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`loop`")?;
    let steps = Steps::read(spec, params.kind, params.pattern)?;
    let max = params.max.unwrap_or(3);
    if max == 0 {
        return Err(spec.params.mistake("max", "`max` is 0, so no step at all could be taken").into());
    }
    Ok(Box::new(Repetition { steps, max }))
}

impl Assertion for Repetition {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let steps = self.steps.of(trial)?;
            let mut counts: BTreeMap<String, (usize, &TraceStep)> = BTreeMap::new();
            for step in &steps {
                let key = format!("{:?}", (&step.kind, &step.name, &step.input));
                counts.entry(key).or_insert((0, *step)).0 += 1;
            }
            let most = counts.into_values().max_by_key(|(count, _)| *count);
            let (count, step) = most.ok_or("there is no such step")?;
            let evidence = Evidence {
                expected: Some(format!("at most {} times the same", self.max)),
                found: Some(format!("{count} times")),
                note: Some(told(&[step])),
            };
            Ok(Scored::decided(count <= self.max, evidence))
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
