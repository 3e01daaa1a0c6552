//! `finish-reason`: the model stopped for the reason asked for.

use promptgate_core::Diagnostics;
use promptgate_core::answer::FinishReason;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::score::Scored;
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, text_of};
use super::kind::pass_fail;
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

const WORDS: [&str; 4] = ["stop", "length", "content_filter", "tool_calls"];

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "finish-reason",
    summary: "the model stopped for this reason, or for one of these",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "value",
            doc: "`stop`, `length`, `content_filter` or `tool_calls`; may name a part of the case",
        },
        Parameter { name: "values", doc: "several of them, in place of `value`" },
    ],
    passes: Example::of("value = \"stop\"", "Done.").response(r#"{"finish_reason": "stop"}"#),
    fails: Example::of("values = [\"stop\", \"tool_calls\"]", "And then").response(r#"{"finish_reason": "length"}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    values: Option<Value>,
}

struct Finish(Expected);

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`finish-reason`")?;
    Ok(Box::new(Finish(match (&params.value, &params.values) {
        (Some(value), None) => Expected::read(&spec.params, "value", value, a_reason)?,
        (None, Some(values)) => Expected::read(&spec.params, "values", values, some_reasons)?,
        _ => {
            return Err(spec
                .params
                .mistake("values", "`finish-reason` has exactly one of `value` and `values`")
                .into());
        }
    })))
}

fn a_reason(value: &Value) -> Result<(), String> {
    let text = text_of(value);
    match FinishReason::normalise(&text) {
        FinishReason::Other(word) => Err(format!("is `{word}`, which is no reason: {}", did_you_mean(&word, WORDS))),
        _ => Ok(()),
    }
}

fn some_reasons(value: &Value) -> Result<(), String> {
    super::expected::some_values(value)?;
    value.as_array().into_iter().flatten().try_for_each(a_reason)
}

impl Assertion for Finish {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.0.value(trial.case)?;
            let found = &trial.response.finish_reason;
            let is = |reason: &Value| FinishReason::normalise(&text_of(reason)) == *found;
            let passed = value.as_array().map_or_else(|| is(&value), |reasons| reasons.iter().any(is));
            Ok(Scored::decided(passed, evidence(&text_of(&value), found.as_str())))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.0.check(case)?)
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
