//! `tool-f1`: the tools called are those expected.

use std::collections::BTreeSet;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, text_of};
use super::kind::score;
use super::text::excerpt;
use super::tool_call::told;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "tool-f1",
    summary: "the tools called are those expected, each counted once: F1 of the names; `threshold` 1 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[Parameter {
        name: "values",
        doc: "the names expected, a list, empty for none; may name parts of the case",
    }],
    passes: Example::of("values = [\"look\", \"book\"]", "")
        .response(r#"{"tool_calls": [{"name": "book", "arguments": {}}, {"name": "look", "arguments": {}}]}"#),
    fails: Example::of("values = [\"look\", \"book\"]", "")
        .response(r#"{"tool_calls": [{"name": "look", "arguments": {}}]}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    values: Value,
}

struct ToolF1 {
    values: Expected,
    threshold: f64,
}

/// A list of names, which may be empty.
pub(super) fn names(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) if items.iter().all(Value::is_string) => Ok(()),
        _ => Err("is not a list of names".to_owned()),
    }
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`tool-f1`")?;
    let values = Expected::read(&spec.params, "values", &params.values, names)?;
    Ok(Box::new(ToolF1 { values, threshold: spec.threshold.unwrap_or(1.0) }))
}

impl Assertion for ToolF1 {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.values.value(trial.case)?;
            let wanted: BTreeSet<String> =
                value.as_array().into_iter().flatten().map(|name| text_of(name).into_owned()).collect();
            let called: BTreeSet<String> = trial.response.tool_calls.iter().map(|call| call.name.clone()).collect();
            let shared = wanted.intersection(&called).count();
            let all = wanted.len() + called.len();
            let f1 = if all == 0 { 1.0 } else { 2.0 * shared as f64 / all as f64 };
            let expected = Some(excerpt(&wanted.into_iter().collect::<Vec<_>>().join(", ")));
            let evidence = Evidence { expected, found: Some(told(&trial.response.tool_calls)), note: None };
            Ok(Scored::graded(f1, self.threshold, evidence))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.values.check(case)?)
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
