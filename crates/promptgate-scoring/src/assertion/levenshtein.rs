//! `levenshtein`: few edits make the answer what was expected.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::kind::score_with_threshold;
use super::references::{References, VALUE, VALUES};
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};
use crate::similarity::bits::text_edits;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "levenshtein",
    summary: "few edits of letters make the answer what was expected: at most `max`, or with `threshold` a score of \
              1 - edits / the longer length",
    cost: CostClass::Pure,
    yields: score_with_threshold,
    parameters: &[
        VALUE,
        VALUES,
        Parameter { name: "max", doc: "at most so many letters put in, taken out or replaced; or else `threshold`" },
    ],
    passes: Example::of("value = \"colour\"\nmax = 1", "color"),
    fails: Example::of("value = \"colour\"\nthreshold = 0.9", "collar"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
    max: Option<u64>,
}

/// What decides.
enum Bound {
    Most(u64),
    Threshold(f64),
}

struct Levenshtein {
    references: References,
    bound: Bound,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`levenshtein`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    let bound = match (params.max, spec.threshold) {
        (Some(most), None) => Bound::Most(most),
        (None, Some(threshold)) => Bound::Threshold(threshold),
        (Some(_), Some(_)) => {
            let mistake = spec.params.mistake("max", "`max` and `threshold` are both given");
            return Err(mistake.help("keep one of the two").into());
        }
        (None, None) => {
            let mistake = spec.params.mistake("", "`levenshtein` has no bound");
            return Err(mistake.help("write `max = 2` (edits), or `threshold = 0.9` (similarity)").into());
        }
    };
    Ok(Box::new(Levenshtein { references, bound }))
}

impl Assertion for Levenshtein {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (found, texts) = (trial.subject().text(), self.references.texts(trial.case)?);
            let mut best: Option<(usize, f64, &str)> = None;
            for text in &texts {
                let edits = text_edits(&found, text).map_err(|error| error.to_string())?;
                let longer = found.chars().count().max(text.chars().count());
                let alike = if longer == 0 { 1.0 } else { 1.0 - edits as f64 / longer as f64 };
                let closer = best.is_none_or(|(fewest, most, _)| match self.bound {
                    Bound::Most(_) => edits < fewest,
                    Bound::Threshold(_) => alike > most,
                });
                if closer {
                    best = Some((edits, alike, text));
                }
            }
            let (edits, alike, text) = best.ok_or("there is nothing to compare with")?;
            let evidence = Evidence { note: Some(format!("{edits} edits")), ..evidence(text, &found) };
            Ok(match self.bound {
                Bound::Most(most) => Scored::decided(edits as u64 <= most, evidence),
                Bound::Threshold(threshold) => Scored::graded(alike, threshold, evidence),
            })
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.references.check(case)?)
    }
}
