//! `contains-all`: the answer holds every text; the score is the share found.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};

use super::kind::score;
use super::substring::Pieces;
use super::text::{evidence, excerpt};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "contains-all",
    summary: "the answer holds every text; the score is the share found, and `threshold` is 1 unless it is given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[
        Parameter { name: "values", doc: "a list of texts, or one `{{path}}` that names a list of the case" },
        Parameter { name: "ignore_case", doc: "letter case does not count (Unicode case folding); default false" },
    ],
    passes: Example::of("values = [\"name\", \"date\"]", "name and date"),
    fails: Example::of("values = [\"name\", \"date\"]", "name only"),
    build,
};

struct ContainsAll {
    pieces: Pieces,
    threshold: f64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    Ok(Box::new(ContainsAll { pieces: Pieces::many(spec)?, threshold: spec.threshold.unwrap_or(1.0) }))
}

impl Assertion for ContainsAll {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (found, values) = (trial.subject().text(), self.pieces.texts(trial.case)?);
            let form = self.pieces.form(&found);
            let missing: Vec<&str> =
                values.iter().map(String::as_str).filter(|value| !form.contains(&*self.pieces.form(value))).collect();
            let share = (values.len() - missing.len()) as f64 / values.len() as f64;
            let note = (!missing.is_empty()).then(|| excerpt(&format!("missing: {}", missing.join(", "))));
            Ok(Scored::graded(share, self.threshold, Evidence { note, ..evidence(&values.join(", "), &found) }))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.pieces.check(case)?)
    }
}
