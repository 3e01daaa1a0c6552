//! `choice`: the answer chooses the option expected.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::record::Against;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, something};
use super::kind::pass_fail;
use super::text::{evidence, excerpt};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};
use crate::extract::choice::Choice as Chooser;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "choice",
    summary: "the answer chooses the option expected: as the whole of it, spoken, begun with, bracketed, or standing alone; one that is called wrong is not chosen, and none where several are only mentioned",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "value", doc: "the option expected; may name parts of the case" },
        Parameter { name: "options", doc: "all options, a list; default A to E" },
    ],
    passes: Example::of("value = \"B\"", "A is too small, so the answer is (B)."),
    fails: Example::of("value = \"yes\"\noptions = [\"yes\", \"no\"]", "No, it is not."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Value,
    options: Option<Vec<String>>,
}

struct Choice {
    value: Expected,
    chooser: Chooser,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`choice`")?;
    let options = params.options.unwrap_or_else(Chooser::usual);
    let all = options.join(", ");
    let chooser = Chooser::of(options, None).map_err(|problem| spec.params.mistake("options", problem))?;
    if let Some(value) = params.value.as_str().filter(|value| !value.contains("{{") && !chooser.knows(value)) {
        return Err(spec.params.mistake("value", format!("`{value}` is none of the options {all}")).into());
    }
    Ok(Box::new(Choice { value: Expected::read(&spec.params, "value", &params.value, something)?, chooser }))
}

impl Assertion for Choice {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (text, value) = (trial.subject().text(), self.value.text(trial.case)?);
            let chosen = self.chooser.find(&text);
            let passed = chosen.is_some_and(|chosen| chosen.to_lowercase() == value.trim().to_lowercase());
            let note = chosen.map_or_else(|| "no option is chosen".to_owned(), |chosen| format!("chose {chosen}"));
            let evidence = Evidence { note: Some(excerpt(&note)), ..evidence(value.trim(), &text) };
            Ok(Scored::decided(passed, evidence).labelled(chosen.map(str::to_owned)))
        })
    }

    fn chooses(&self) -> Option<Against> {
        Some(Against::Expected)
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.value.check(case)?)
    }
}
