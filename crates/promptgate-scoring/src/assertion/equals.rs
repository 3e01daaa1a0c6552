//! `equals`: the answer is the value.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::record::Against;
use promptgate_core::score::Scored;
use serde::Deserialize;
use serde_json::Value;

use super::equality::same_value;
use super::expected::{Expected, anything, text_of};
use super::kind::pass_fail;
use super::text::{TextRule, evidence, line_feeds};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Subject, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "equals",
    summary: "the answer is the value; a list, table, number or truth value is compared with the answer read as JSON",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "value", doc: "what the answer must be; may name parts of the case" },
        Parameter { name: "ignore_case", doc: "letter case does not count (Unicode case folding); default false" },
        Parameter { name: "trim", doc: "white space at both ends does not count; default false" },
    ],
    passes: Example::of("value = \"{{expected.queue}}\"", "billing").case(r#"{"expected": {"queue": "billing"}}"#),
    fails: Example::of("value = \"billing\"", "Billing"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Value,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    trim: bool,
}

struct Equals {
    value: Expected,
    rule: TextRule,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`equals`")?;
    let rule = TextRule { ignore_case: params.ignore_case, trim: params.trim };
    Ok(Box::new(Equals { value: Expected::read(&spec.params, "value", &params.value, anything)?, rule }))
}

impl Assertion for Equals {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.value.value(trial.case)?;
            let passed = equals(trial.subject(), &value, self.rule);
            Ok(Scored::decided(passed, evidence(&text_of(&value), &trial.subject().text())))
        })
    }

    /// What is expected may be one of a few labels or any text; only what came tells (`fold::labels`).
    fn chooses(&self) -> Option<Against> {
        Some(Against::Expected)
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.value.check(case)?)
    }
}

/// Whether an answer is a value: as text where the value is text, else deeply, the answer read as JSON.
pub(super) fn equals(subject: &Subject<'_>, value: &Value, rule: TextRule) -> bool {
    match value {
        Value::String(text) => rule.same(&subject.text(), &line_feeds(text)),
        structured => subject.json().is_ok_and(|found| same_value(&found, structured, rule)),
    }
}
