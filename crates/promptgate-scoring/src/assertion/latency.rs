//! `latency`: the answer came soon enough.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::kind::pass_fail;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "latency",
    summary: "the whole answer came within a time; unscored where it was not measured",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter { name: "max", doc: "the longest time, such as `\"800ms\"`, `\"4s\"` or `\"1.5m\"`" }],
    passes: Example { params: "max = \"4s\"", output: "Yes.", response: r#"{"latency_ms": 4000}"#, case: "{}" },
    fails: Example { params: "max = \"800ms\"", output: "Yes.", response: r#"{"latency_ms": 801}"#, case: "{}" },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    max: String,
}

struct Latency {
    max_ms: u64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`latency`")?;
    let problem = || {
        let message = format!("`max` is `{}`, which is not a time above zero", params.max);
        spec.params.mistake("max", message).help("write a number and a unit: `\"800ms\"`, `\"4s\"` or `\"1.5m\"`")
    };
    Ok(Box::new(Latency { max_ms: milliseconds(&params.max).ok_or_else(problem)? }))
}

/// Reads `800ms`, `4s`, `1.5m`.
fn milliseconds(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let factor = match &text[unit_at..] {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        _ => return None,
    };
    let value = text[..unit_at].trim_end().parse::<f64>().ok()? * factor;
    (value.is_finite() && value >= 1.0).then_some(value.round() as u64)
}

impl Assertion for Latency {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let Some(took) = trial.response.latency_ms else {
            return Step::Done(Scored::unscored("the time was not measured"));
        };
        let evidence = Evidence {
            expected: Some(format!("at most {} ms", self.max_ms)),
            found: Some(format!("{took} ms")),
            note: None,
        };
        Step::Done(Scored::decided(took <= self.max_ms, evidence))
    }

    fn needs_answer(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_are_above_zero() {
        assert_eq!(milliseconds("800ms"), Some(800));
        assert_eq!(milliseconds("1.5 s"), Some(1500));
        assert_eq!(milliseconds("2m"), Some(120_000));
        for text in ["", "4", "s", "-1s", "0s", "NaNs", "infs", "1h", "1e400s"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
