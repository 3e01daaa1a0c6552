//! `latency`: the answer came soon enough.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::duration::milliseconds;
use super::kind::pass_fail;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "latency",
    summary: "the whole answer came within a time; unscored where it was not measured",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter { name: "max", doc: "the longest time, such as `\"800ms\"`, `\"4s\"` or `\"1.5m\"`" }],
    passes: Example::of("max = \"4s\"", "Yes.").response(r#"{"latency_ms": 4000}"#),
    fails: Example::of("max = \"800ms\"", "Yes.").response(r#"{"latency_ms": 801}"#),
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
