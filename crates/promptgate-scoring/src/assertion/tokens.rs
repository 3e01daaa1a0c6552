//! `tokens`: the call used as many tokens as asked for.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;
use serde::Deserialize;

use super::bounds::Bounds;
use super::kind::pass_fail;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "tokens",
    summary: "the call used as many tokens as asked for; unscored where no count was reported",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "of", doc: "`input`, `output` or `total` (default)" },
        Parameter { name: "min", doc: "at least so many" },
        Parameter { name: "max", doc: "at most so many" },
    ],
    passes: Example::of("of = \"output\"\nmax = 50", "Yes.")
        .response(r#"{"usage": {"input_tokens": 900, "output_tokens": 2}}"#),
    fails: Example::of("max = 50", "Yes.").response(r#"{"usage": {"input_tokens": 900, "output_tokens": 2}}"#),
    build,
};

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Of {
    Input,
    Output,
    #[default]
    Total,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    of: Of,
    #[serde(default)]
    min: Option<u64>,
    #[serde(default)]
    max: Option<u64>,
}

struct Tokens {
    of: Of,
    bounds: Bounds,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`tokens`")?;
    Ok(Box::new(Tokens { of: params.of, bounds: Bounds::read(spec, params.min, params.max)? }))
}

impl Assertion for Tokens {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let Some(usage) = trial.response.usage else {
            return Step::Done(Scored::unscored("no token count was reported"));
        };
        Step::Done(match self.of {
            Of::Input => self.bounds.decide(usage.input_tokens, "input tokens"),
            Of::Output => self.bounds.decide(usage.output_tokens, "output tokens"),
            Of::Total => self.bounds.decide(usage.input_tokens.saturating_add(usage.output_tokens), "tokens"),
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
