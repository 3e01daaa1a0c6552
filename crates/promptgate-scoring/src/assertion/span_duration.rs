//! `span-duration`: spans take at most so long.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::duration::milliseconds;
use super::kind::pass_fail;
use super::steps::{PATTERN, Steps, told};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "span-duration",
    summary: "each span of a name, or a percentile of them, takes at most so long; unscored where no steps are told",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[PATTERN, Parameter { name: "max", doc: "the longest time, such as `\"800ms\"` or `\"4s\"`" }, Parameter { name: "percentile", doc: "1 to 100: so many percent of the spans; default 100, each of them" }],
    passes: Example::of("max = \"1s\"", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    fails: Example::of("max = \"500ms\"", "").response(
        r#"{"steps": [{"type": "search", "name": "web", "duration_ms": 40}, {"type": "tool", "name": "look", "duration_ms": 900, "error": "timed out"}]}"#,
    ),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    pattern: Option<String>,
    max: String,
    percentile: Option<f64>,
}

struct SpanDuration {
    steps: Steps,
    max_ms: u64,
    percentile: f64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`span-duration`")?;
    let steps = Steps::read(spec, None, params.pattern)?;
    let wrong = || {
        let mistake = spec.params.mistake("max", format!("`max` is `{}`, which is not a time above zero", params.max));
        mistake.help("write a number and a unit: `\"800ms\"`, `\"4s\"`")
    };
    let max_ms = milliseconds(&params.max).ok_or_else(wrong)?;
    let percentile = params.percentile.unwrap_or(100.0);
    if !(1.0..=100.0).contains(&percentile) {
        let message = format!("`percentile` is {percentile}; write a number from 1 to 100");
        return Err(spec.params.mistake("percentile", message).into());
    }
    Ok(Box::new(SpanDuration { steps, max_ms, percentile }))
}

impl Assertion for SpanDuration {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let steps = self.steps.of(trial)?;
            let mut times: Vec<u64> = steps.iter().filter_map(|step| step.duration_ms).collect();
            if times.is_empty() {
                return Err("none of these spans has a time".to_owned());
            }
            times.sort_unstable();
            // The nearest rank: the shortest time that so many percent do not exceed.
            let rank = (self.percentile / 100.0 * times.len() as f64).ceil() as usize;
            let took = times[rank.clamp(1, times.len()) - 1];
            let evidence = Evidence {
                expected: Some(format!("at most {} ms", self.max_ms)),
                found: Some(format!("{took} ms")),
                note: Some(told(&steps)),
            };
            Ok(Scored::decided(took <= self.max_ms, evidence))
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
