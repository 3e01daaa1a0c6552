//! `number`: the answer is a number within a tolerance of the value.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, text_of};
use super::kind::pass_fail;
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Subject, Trial};
use crate::extract::number::Numeric;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "number",
    summary: "the answer as a whole is a number (`$1,350.00` is 1350) equal to the value within a tolerance; to find a \
        number in other text, extract it first",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "value", doc: "a number, or a text that is one; may name a part of the case" },
        Parameter { name: "abs", doc: "the largest difference allowed; default 0" },
        Parameter {
            name: "rel",
            doc: "the largest difference allowed as a share of the value; default 0; the wider holds",
        },
    ],
    passes: Example::of("value = 3.14159\nabs = 0.01", "3.14"),
    fails: Example::of("value = \"{{expected}}\"", "41").case(r#"{"expected": "42"}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Value,
    #[serde(default)]
    abs: f64,
    #[serde(default)]
    rel: f64,
}

struct Number {
    value: Expected,
    abs: f64,
    rel: f64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`number`")?;
    for (key, tolerance) in [("abs", params.abs), ("rel", params.rel)] {
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            return Err(spec.params.mistake(key, format!("`{key}` is {tolerance}; a tolerance is 0 or more")).into());
        }
    }
    let value = Expected::read(&spec.params, "value", &params.value, a_number)?;
    Ok(Box::new(Number { value, abs: params.abs, rel: params.rel }))
}

fn a_number(value: &Value) -> Result<(), String> {
    Numeric::of_value(value).map(|_| ()).ok_or_else(|| format!("is {value}, which is not a number"))
}

impl Assertion for Number {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.value.value(trial.case)?;
            let wanted = Numeric::of_value(&value).ok_or("`value` is not a number")?;
            let shown = evidence(&text_of(&value), &trial.subject().text());
            Ok(match numeric(trial.subject()) {
                Some(found) => Scored::decided(self.is_near(found, wanted), shown),
                None => {
                    Scored::decided(false, Evidence { note: Some("the answer is not a number".to_owned()), ..shown })
                }
            })
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.value.check(case)?)
    }
}

impl Number {
    fn is_near(&self, found: Numeric, wanted: Numeric) -> bool {
        let allowed = self.abs.max(self.rel * wanted.as_f64().abs());
        found == wanted || (allowed > 0.0 && (found.as_f64() - wanted.as_f64()).abs() <= allowed)
    }
}

fn numeric(subject: &Subject<'_>) -> Option<Numeric> {
    match subject {
        Subject::Text(text) => Numeric::of_text(text),
        Subject::Value(value) => Numeric::of_value(value),
    }
}
