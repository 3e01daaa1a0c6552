//! `tool-allowed`: only permitted tools are called.

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
    name: "tool-allowed",
    summary: "only permitted tools are called; none at all is permitted too",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter { name: "values", doc: "the names permitted, a list; may name parts of the case" }],
    passes: Example::of("values = [\"look\"]", "").response(r#"{"tool_calls": [{"name": "look", "arguments": {}}]}"#),
    fails: Example::of("values = [\"look\"]", "").response(r#"{"tool_calls": [{"name": "delete", "arguments": {}}]}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    values: Value,
}

struct ToolAllowed {
    values: Expected,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`tool-allowed`")?;
    let values = Expected::read(&spec.params, "values", &params.values, some_texts)?;
    Ok(Box::new(ToolAllowed { values }))
}

impl Assertion for ToolAllowed {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.values.value(trial.case)?;
            let wanted: Vec<String> =
                value.as_array().into_iter().flatten().map(|name| text_of(name).into_owned()).collect();
            let called: Vec<&str> = trial.response.tool_calls.iter().map(|call| call.name.as_str()).collect();
            let passed = called.iter().all(|name| wanted.iter().any(|allowed| allowed == name));
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
