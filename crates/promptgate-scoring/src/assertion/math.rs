//! `math`: the answer and the value are the same mathematics, however they are written. Formulas are read into trees
//! and compared by exact normal forms; nothing is evaluated as code, and everything is bounded.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use self::compare::Comparison;
use self::tree::{Formula, Unread};
use super::expected::{Expected, text_of};
use super::kind::pass_fail;
use super::text::{evidence, excerpt};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

mod algebra;
mod bare;
mod compare;
mod complex;
mod function;
mod normal;
mod parse;
mod points;
mod power;
mod rational;
mod token;
mod tree;
mod value;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "math",
    summary: "the answer as a whole is the same mathematics as the value, in plain notation or LaTeX: an expression, \
        an equation, a tuple, an interval, a set, or a list in any order; exact, bounded, never run as code",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "value", doc: "a formula, as text or a number; may name parts of the case" },
        Parameter { name: "abs", doc: "the largest difference allowed between two values; default 0, which is exact" },
    ],
    passes: Example::of("value = '\\frac{\\sqrt{2}}{2}'", "$\\boxed{1/\\sqrt{2}}$"),
    fails: Example::of("value = '(x+1)^2'", "x^2 + 1"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Value,
    #[serde(default)]
    abs: f64,
}

struct Math {
    value: Expected,
    abs: f64,
}

/// What is no mathematics, and the byte of the text it stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mistake {
    at: usize,
    problem: String,
}

/// Why a formula has no normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Halt {
    /// It is beyond the bounds.
    Beyond(&'static str),
    /// It has no value.
    Undefined(&'static str),
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`math`")?;
    if !(params.abs.is_finite() && params.abs >= 0.0) {
        return Err(spec.params.mistake("abs", format!("`abs` is {}; a tolerance is 0 or more", params.abs)).into());
    }
    let value = Expected::read(&spec.params, "value", &params.value, a_formula)?;
    Ok(Box::new(Math { value, abs: params.abs }))
}

/// A formula that can be read and has a value. One whose normal form is out of bounds may still be met word by word.
fn a_formula(value: &Value) -> Result<(), String> {
    let (Value::String(_) | Value::Number(_)) = value else {
        return Err(format!("is {value}, which is no formula; write a text or a number"));
    };
    let text = text_of(value);
    let formula = Formula::read(&text).map_err(|unread| match unread {
        Unread::Mistake(mistake) => format!("cannot be read {}", mistake.words(&text)),
        Unread::Beyond(reason) => format!("is out of bounds: {reason}"),
    })?;
    match Comparison::within(0.0).check(&formula) {
        Err(Halt::Undefined(reason)) => Err(format!("has no value: {reason}")),
        _ => Ok(()),
    }
}

impl Mistake {
    fn words(&self, text: &str) -> String {
        let character = text.get(..self.at).map_or(0, |before| before.chars().count()) + 1;
        format!("at character {character}: {}", self.problem)
    }
}

impl Assertion for Math {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (text, value) = (trial.subject().text(), self.value.text(trial.case)?);
            let failed = |note: String| {
                Scored::decided(false, Evidence { note: Some(excerpt(&note)), ..evidence(&value, &text) })
            };
            let wanted = Formula::read(&value).map_err(|_| "`value` cannot be read as a formula")?;
            let answer = match Formula::read(&text) {
                Ok(answer) => answer,
                Err(Unread::Mistake(mistake)) => {
                    return Ok(failed(format!("the answer is no mathematics {}", mistake.words(&text))));
                }
                Err(Unread::Beyond(reason)) => return Err(format!("the answer is out of bounds: {reason}")),
            };
            match Comparison::within(self.abs).same(&answer, &wanted) {
                Ok(same) => Ok(Scored::decided(same, evidence(&value, &text))),
                Err(Halt::Undefined(reason)) => Ok(failed(format!("the answer has no value: {reason}"))),
                Err(Halt::Beyond(reason)) => Err(format!("the answer cannot be compared: {reason}")),
            }
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.value.check(case)?)
    }
}
