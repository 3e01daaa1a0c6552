//! `fuzzy`: the answer contains what was expected, or the other way round, once what does not matter is taken out.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::Scored;
use serde::Deserialize;
use serde_json::Value;

use super::kind::pass_fail;
use super::references::{References, VALUE, VALUES};
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Step, Trial};
use crate::similarity::squad;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "fuzzy",
    summary: "the answer contains what was expected, or the other way round: lower case, no punctuation, no articles",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[VALUE, VALUES],
    passes: Example::of("value = \"Paris\"", "It is paris, of course."),
    fails: Example::of("values = [\"Paris\", \"Lyon\"]", "It is Rome."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
}

struct Fuzzy(References);

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`fuzzy`")?;
    Ok(Box::new(Fuzzy(References::read(spec, params.value.as_ref(), params.values.as_ref())?)))
}

impl Assertion for Fuzzy {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (found, texts) = (trial.subject().text(), self.0.texts(trial.case)?);
            let passed = texts.iter().any(|text| squad::contains_either_way(&found, text));
            Ok(Scored::decided(passed, evidence(&texts.join(" | "), &found)))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.0.check(case)?)
    }
}
