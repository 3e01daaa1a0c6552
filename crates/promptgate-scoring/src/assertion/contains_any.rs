//! `contains-any`: the answer holds at least one of the texts.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};

use super::kind::pass_fail;
use super::substring::Pieces;
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "contains-any",
    summary: "the answer holds at least one of the texts",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "values", doc: "a list of texts, or one `{{path}}` that names a list of the case" },
        Parameter { name: "ignore_case", doc: "letter case does not count (Unicode case folding); default false" },
    ],
    passes: Example::of("values = [\"refund\", \"credit\"]", "You get a credit."),
    fails: Example::of("values = [\"refund\", \"credit\"]", "No."),
    build,
};

struct ContainsAny(Pieces);

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    Ok(Box::new(ContainsAny(Pieces::many(spec)?)))
}

impl Assertion for ContainsAny {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (found, values) = (trial.subject().text(), self.0.texts(trial.case)?);
            let form = self.0.form(&found);
            let hit = values.iter().find(|value| form.contains(&*self.0.form(value)));
            let note = hit.map(|value| format!("found `{value}`"));
            Ok(Scored::decided(hit.is_some(), Evidence { note, ..evidence(&values.join(", "), &found) }))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.0.check(case)?)
    }
}
