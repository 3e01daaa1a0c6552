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
    summary: "each span of a name, or a percentile of them, takes at most so long; unscored where there is no such span, or \
              where it hangs on one without a time",
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

impl SpanDuration {
    /// How many of so many spans are to keep to the bound: so many percent, rounded up. Reckoned in whole numbers, since 55 %
    /// of 100 is more than 55 in floating point.
    fn needed(&self, spans: usize) -> usize {
        let millionths = (self.percentile * 1e6).round() as u128;
        (millionths * spans as u128).div_ceil(100_000_000) as usize
    }
}

/// How many keep to the bound, and the longest of all.
fn found(times: Vec<u64>, within: usize) -> String {
    let longest = times.into_iter().max().map(|time| format!(", the longest {time} ms")).unwrap_or_default();
    format!("{within}{longest}")
}

impl Assertion for SpanDuration {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let steps = self.steps.of(trial)?;
            if steps.is_empty() {
                return Err("there is no such span".to_owned());
            }
            let times: Vec<u64> = steps.iter().filter_map(|step| step.duration_ms).collect();
            let within = times.iter().filter(|time| **time <= self.max_ms).count();
            let (needed, untimed) = (self.needed(steps.len()), steps.len() - times.len());
            if within < needed && within + untimed >= needed {
                return Err(format!("{untimed} of {} spans have no time", steps.len()));
            }
            let evidence = Evidence {
                expected: Some(format!("{needed} of {} at most {} ms", steps.len(), self.max_ms)),
                found: Some(found(times, within)),
                note: Some(told(&steps)),
            };
            Ok(Scored::decided(within >= needed, evidence))
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
