//! `guardrail`: the service held the answer back, or did not.

use promptgate_core::Diagnostics;
use promptgate_core::answer::FinishReason;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;
use serde::Deserialize;

use super::kind::pass_fail;
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "guardrail",
    summary: "the service did not hold the answer back (finish reason `content_filter`), or did",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter { name: "value", doc: "`false` (default): it did not step in; `true`: it did" }],
    passes: Example::of("", "Of course."),
    fails: Example::of("value = true", "Of course."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    value: bool,
}

struct Guardrail(bool);

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { value } = spec.params.read("`guardrail`")?;
    Ok(Box::new(Guardrail(value)))
}

impl Assertion for Guardrail {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let reason = &trial.response.finish_reason;
        let stepped_in = *reason == FinishReason::ContentFilter;
        let expected = if self.0 { "content_filter" } else { "anything but content_filter" };
        Step::Done(Scored::decided(stepped_in == self.0, evidence(expected, reason.as_str())))
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
