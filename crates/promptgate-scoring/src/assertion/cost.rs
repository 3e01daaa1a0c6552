//! `cost`: the call cost no more than allowed.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::price::NanoUsd;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::kind::pass_fail;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "cost",
    summary: "the call cost no more than allowed; unscored where the price or the tokens are unknown",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter { name: "max", doc: "the highest cost in US dollars, such as `0.002`" }],
    passes: Example::of("max = 0.002", "Yes.").response(r#"{"cost": 2000000}"#),
    fails: Example::of("max = 0.002", "Yes.").response(r#"{"cost": 2000001}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    max: f64,
}

struct Cost {
    max: NanoUsd,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { max } = spec.params.read("`cost`")?;
    if !(max.is_finite() && max >= 0.0) {
        return Err(spec.params.mistake("max", format!("`max` is {max}; a cost is 0 or more US dollars")).into());
    }
    Ok(Box::new(Cost { max: NanoUsd((max * 1e9).round() as u64) }))
}

impl Assertion for Cost {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let Some(cost) = trial.response.cost else {
            return Step::Done(Scored::unscored("the price of this call is unknown"));
        };
        let evidence =
            Evidence { expected: Some(format!("at most {}", self.max)), found: Some(cost.to_string()), note: None };
        Step::Done(Scored::decided(cost <= self.max, evidence))
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
