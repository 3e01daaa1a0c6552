//! `equals-any`: the answer is one of the values.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::Scored;
use serde::Deserialize;
use serde_json::Value;

use super::equals::equals;
use super::expected::{Expected, some_values, text_of};
use super::kind::pass_fail;
use super::text::{TextRule, evidence};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "equals-any",
    summary: "the answer is one of the values",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "values", doc: "a list, or one `{{path}}` that names a list of the case" },
        Parameter { name: "ignore_case", doc: "letter case does not count (Unicode case folding); default false" },
    ],
    passes: Example::of("values = [\"yes\", \"no\"]", "no"),
    fails: Example::of("values = \"{{expected}}\"", "perhaps").case(r#"{"expected": ["yes", "no"]}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    values: Value,
    #[serde(default)]
    ignore_case: bool,
}

struct EqualsAny {
    values: Expected,
    rule: TextRule,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`equals-any`")?;
    let values = Expected::read(&spec.params, "values", &params.values, some_values)?;
    Ok(Box::new(EqualsAny { values, rule: TextRule::case(params.ignore_case) }))
}

impl Assertion for EqualsAny {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let values = self.values.value(trial.case)?;
            let items = values.as_array().map_or(&[][..], Vec::as_slice);
            let passed = items.iter().any(|value| equals(trial.subject(), value, self.rule));
            Ok(Scored::decided(passed, evidence(&text_of(&values), &trial.subject().text())))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.values.check(case)?)
    }
}
