//! `json`: the answer is JSON.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Subject, Trial};
use crate::extract::json::first_within;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "json",
    summary: "the answer as a whole is JSON, or holds some",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter {
        name: "within",
        doc: "`true`: an object or list inside other text will do; default false",
    }],
    passes: Example::of("within = true", "Sure: {\"a\": 1}"),
    fails: Example::of("", "{\"a\": 1,}"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    within: bool,
}

struct Json {
    within: bool,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { within } = spec.params.read("`json`")?;
    Ok(Box::new(Json { within }))
}

impl Assertion for Json {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = match trial.subject() {
            Subject::Text(text) => text,
            Subject::Value(_) => return Step::Done(Scored::decided(true, Evidence::default())),
        };
        Step::Done(match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Scored::decided(true, Evidence::default()),
            Err(_) if self.within && first_within(text, |_| true).is_some() => {
                Scored::decided(true, Evidence::default())
            }
            Err(error) => Scored::decided(false, self.evidence(text, &error)),
        })
    }
}

impl Json {
    fn evidence(&self, text: &str, error: &serde_json::Error) -> Evidence {
        let expected = if self.within { "an object or list somewhere" } else { "JSON" };
        Evidence { expected: Some(expected.to_owned()), found: Some(excerpt(text)), note: Some(error.to_string()) }
    }
}
