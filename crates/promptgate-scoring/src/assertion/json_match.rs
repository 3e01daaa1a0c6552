//! `json-match`: the answer is JSON with the same keys and values, or with at least those.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::difference::{Difference, Mode};
use super::expected::{Expected, anything};
use super::kind::pass_fail;
use super::text::{evidence, excerpt};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "json-match",
    summary: "the answer is JSON with the same keys and values: numbers are equal by value, the order of keys does not count",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "value", doc: "the value asked for; may name parts of the case" },
        Parameter {
            name: "mode",
            doc: "`exact` (default), or `subset`: objects may have more keys, at any depth; lists are as long as asked for",
        },
    ],
    passes: Example::of(
        "value = { queue = \"{{expected}}\" }\nmode = \"subset\"",
        "{\"urgent\": false, \"queue\": \"billing\"}",
    )
    .case(r#"{"expected": "billing"}"#),
    fails: Example::of("value = { queue = \"billing\" }", "{\"urgent\": false, \"queue\": \"billing\"}"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Value,
    #[serde(default)]
    mode: Mode,
}

struct JsonMatch {
    value: Expected,
    mode: Mode,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`json-match`")?;
    let value = Expected::read(&spec.params, "value", &params.value, anything)?;
    Ok(Box::new(JsonMatch { value, mode: params.mode }))
}

impl Assertion for JsonMatch {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.value.value(trial.case)?;
            let problem = match trial.subject().json() {
                Ok(found) => Difference::first(&found, &value, self.mode).map(|difference| difference.words()),
                Err(error) => Some(format!("the answer is not JSON: {error}")),
            };
            let shown = evidence(&value.to_string(), &trial.subject().text());
            Ok(Scored::decided(problem.is_none(), Evidence { note: problem.map(|note| excerpt(&note)), ..shown }))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.value.check(case)?)
    }
}
