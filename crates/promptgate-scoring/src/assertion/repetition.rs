//! `loop`: no step is repeated over and over.

use std::collections::HashMap;

use promptgate_core::Diagnostics;
use promptgate_core::answer::TraceStep;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::equality::Form;
use super::kind::pass_fail;
use super::steps::{PATTERN, Steps, TYPE, told};
use super::text::TextRule;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "loop",
    summary: "no step is repeated over and over: the same name and input at most `max` times; unscored where no steps are told, \
              or none is such a step",
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
            if steps.is_empty() {
                return Err("there is no such step".to_owned());
            }
            let (count, step) = most_repeated(&steps);
            let evidence = Evidence {
                expected: Some(format!("at most {} times the same", self.max)),
                found: Some(format!("{count} times")),
                note: step.map(|step| told(&[step])),
            };
            Ok(Scored::decided(count <= self.max, evidence))
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}

/// The step that was taken most often, the first of several, and how often. Inputs are the same where their values are,
/// however an application writes them.
fn most_repeated<'a>(steps: &[&'a TraceStep]) -> (usize, Option<&'a TraceStep>) {
    let mut places = HashMap::new();
    let mut counts: Vec<(usize, Option<&TraceStep>)> = Vec::new();
    for step in steps {
        let key = (&step.kind, &step.name, Form::of(&step.input, TextRule::default()));
        let at = *places.entry(key).or_insert(counts.len());
        if at == counts.len() {
            counts.push((0, Some(step)));
        }
        counts[at].0 += 1;
    }
    counts.into_iter().reduce(|most, next| if next.0 > most.0 { next } else { most }).unwrap_or((0, None))
}
