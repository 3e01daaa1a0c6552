//! `tool-sequence`: tools are called in this order.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, some_texts, text_of};
use super::kind::pass_fail;
use super::text::excerpt;
use super::tool_call::told;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "tool-sequence",
    summary: "tools are called in this order",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "values", doc: "the names in their order, a list; may name parts of the case" },
        Parameter { name: "mode", doc: "`in-order` (default): others may come between; `exact`: these calls and no others" },
    ],
    passes: Example::of("values = [\"look\", \"book\"]", "").response(
        r#"{"tool_calls": [{"name": "look", "arguments": {}}, {"name": "ask", "arguments": {}}, {"name": "book", "arguments": {}}]}"#,
    ),
    fails: Example::of("values = [\"look\", \"book\"]", "").response(
        r#"{"tool_calls": [{"name": "book", "arguments": {}}, {"name": "look", "arguments": {}}]}"#,
    ),
    build,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    InOrder,
    Exact,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    values: Value,
    #[serde(default)]
    mode: Mode,
}

struct ToolSequence {
    values: Expected,
    mode: Mode,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`tool-sequence`")?;
    let values = Expected::read(&spec.params, "values", &params.values, some_texts)?;
    Ok(Box::new(ToolSequence { values, mode: params.mode }))
}

impl Assertion for ToolSequence {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.values.value(trial.case)?;
            let wanted: Vec<String> =
                value.as_array().into_iter().flatten().map(|name| text_of(name).into_owned()).collect();
            let called: Vec<&str> = trial.response.tool_calls.iter().map(|call| call.name.as_str()).collect();
            let mut called_yet = called.iter();
            let passed = match self.mode {
                Mode::Exact => wanted == called,
                Mode::InOrder => wanted.iter().all(|name| called_yet.any(|called| called == name)),
            };
            let expected = Some(excerpt(&wanted.join(", ")));
            let evidence = Evidence { expected, found: Some(told(&trial.response.tool_calls)), note: None };
            Ok(Scored::decided(passed, evidence))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.values.check(case)?)
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
