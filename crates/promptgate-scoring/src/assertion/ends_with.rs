//! `ends-with`: the answer ends with the text.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::Scored;

use super::kind::pass_fail;
use super::substring::Pieces;
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "ends-with",
    summary: "the answer ends with the text",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "value", doc: "the text to look for, a number as it is written; may name parts of the case" },
        Parameter { name: "ignore_case", doc: "letter case does not count (Unicode case folding); default false" },
    ],
    passes: Example::of("value = \"Kind regards\"", "Done. Kind regards"),
    fails: Example::of("value = \"Kind regards\"", "Bye"),
    build,
};

struct EndsWith(Pieces);

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    Ok(Box::new(EndsWith(Pieces::one(spec)?)))
}

impl Assertion for EndsWith {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (found, value) = (trial.subject().text(), self.0.text(trial.case)?);
            let passed = self.0.form(&found).ends_with(&*self.0.form(&value));
            Ok(Scored::decided(passed, evidence(&value, &found)))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.0.check(case)?)
    }
}
