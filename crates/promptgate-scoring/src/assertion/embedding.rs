//! `embedding`: the answer means what was expected, by the closeness of their vectors.

use promptgate_core::ask::{Ask, Asked, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::name::ModelId;
use promptgate_core::request::Task;
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostic, Diagnostics};
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::{References, VALUE, VALUES};
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, State, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "embedding",
    summary: "the answer means what was expected, by the closeness of their vectors; `threshold` 0.75 unless given",
    cost: CostClass::Provider,
    yields: score,
    parameters: &[
        VALUE,
        VALUES,
        Parameter {
            name: "measure",
            doc: "`cosine` (default) and `dot` (of vectors of length 1 the same), negative ones count 0; `euclidean`: 1 / (1 + distance)",
        },
        Parameter {
            name: "model",
            doc: "who gives the vectors, such as `openai/text-embedding-3-small`; default the first judge",
        },
    ],
    passes: Example::of("value = \"The parcel is late.\"", "Your package is delayed.")
        .replies(r#"[[{"embedding": [[1.0, 0.0], [0.9, 0.1]]}]]"#),
    fails: Example::of("value = \"The parcel is late.\"", "We sell shoes.")
        .replies(r#"[[{"embedding": [[1.0, 0.0], [0.1, 0.9]]}]]"#),
    build,
};

const THRESHOLD: f64 = 0.75;

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Measure {
    #[default]
    Cosine,
    Dot,
    Euclidean,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
    #[serde(default)]
    measure: Measure,
    model: Option<ModelId>,
}

struct Embedding {
    references: References,
    measure: Measure,
    model: ModelId,
    threshold: f64,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`embedding`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    let model = context.asked_model(params.model).ok_or_else(|| -> Diagnostic {
        let mistake = spec.params.mistake("", "`embedding` has no model to ask for vectors");
        mistake.help("write `model = \"openai/text-embedding-3-small\"`, or add a `[[judge]]` to the suite")
    })?;
    let threshold = spec.threshold.unwrap_or(THRESHOLD);
    Ok(Box::new(Embedding { references, measure: params.measure, model, threshold }))
}

impl Assertion for Embedding {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let found = trial.subject().text();
        let mut texts = match self.references.texts(trial.case) {
            Ok(texts) => texts,
            Err(problem) => return Step::Done(Scored::unscored(problem)),
        };
        // An endpoint refuses an empty text, and an empty answer means nothing.
        if found.trim().is_empty() {
            let note = Some("the answer is empty".to_owned());
            return Step::Done(Scored::graded(0.0, self.threshold, Evidence { note, ..evidence(&texts[0], &found) }));
        }
        texts.push(found.into_owned());
        Step::Ask(State(Value::Null), vec![Ask::Embed { model: self.model.clone(), texts }])
    }

    fn resume(&self, trial: &Trial<'_>, _: State, replies: Vec<Reply>) -> Step {
        Step::Done(match replies.into_iter().next() {
            Some(Reply::Embedding(vectors)) => self.scored(trial, &vectors),
            Some(Reply::Failed(failure)) => Scored::unscored(failure.message),
            _ => Scored::unscored("no vectors came"),
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.references.check(case)?)
    }

    fn asks(&self) -> Vec<Asked> {
        vec![Asked::Model(self.model.clone(), Task::Embed)]
    }
}

impl Embedding {
    fn scored(&self, trial: &Trial<'_>, vectors: &[Vec<f64>]) -> Scored {
        let texts = match self.references.texts(trial.case) {
            Ok(texts) if texts.len() + 1 == vectors.len() => texts,
            Ok(texts) => {
                return Scored::unscored(format!("{} vectors came for {} texts", vectors.len(), texts.len() + 1));
            }
            Err(problem) => return Scored::unscored(problem),
        };
        let Some((answer, references)) = vectors.split_last() else { return Scored::unscored("no vectors came") };
        let closeness = references.iter().map(|reference| self.measure.of(reference, answer));
        let closeness = match closeness.collect::<Result<Vec<f64>, String>>() {
            Ok(closeness) => closeness,
            Err(problem) => return Scored::unscored(problem),
        };
        let best = (0..closeness.len()).max_by(|a, b| closeness[*a].total_cmp(&closeness[*b]));
        let best = best.unwrap_or_default();
        let note = Some(format!("closeness {:.3}", closeness[best]));
        let evidence = Evidence { note, ..evidence(&texts[best], &trial.subject().text()) };
        Scored::graded(closeness[best], self.threshold, evidence)
    }
}

/// Vectors come rounded, some to a few digits, so that one of length 1 is a little longer.
const ROUNDING: f64 = 1e-3;

impl Measure {
    /// In 0..=1, or why it is not defined. What points away is not close at all.
    fn of(self, one: &[f64], other: &[f64]) -> Result<f64, String> {
        let undefined = || "the vectors have no direction, or differ in length".to_owned();
        if one.len() != other.len() || one.is_empty() {
            return Err(undefined());
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let closeness = match self {
            Self::Dot => dot(one, other),
            Self::Cosine => dot(one, other) / (dot(one, one).sqrt() * dot(other, other).sqrt()),
            Self::Euclidean => {
                let square: f64 = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
                1.0 / (1.0 + square.sqrt())
            }
        };
        match closeness {
            _ if !closeness.is_finite() => Err(undefined()),
            _ if closeness.abs() > 1.0 + ROUNDING => Err(format!(
                "the dot product of the vectors is {closeness:.3}, so they are not normalised; `measure = \"cosine\"` takes any"
            )),
            _ => Ok(closeness.clamp(0.0, 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_scores_where_they_are_defined() {
        let check = |measure: Measure, one: &[f64], other: &[f64], expected: Option<f64>| {
            let found = measure.of(one, other).ok();
            let same = found.zip(expected).map_or(found == expected, |(a, b)| (a - b).abs() < 1e-12);
            assert!(same, "{measure:?} of {one:?} and {other:?}: {found:?}");
        };
        check(Measure::Cosine, &[3.0, 4.0], &[3.0, 4.0], Some(1.0));
        check(Measure::Cosine, &[1.0, 0.0], &[0.0, 2.0], Some(0.0));
        check(Measure::Cosine, &[1.0, 0.0], &[-1.0, 0.0], Some(0.0));
        check(Measure::Cosine, &[0.0, 0.0], &[1.0, 0.0], None);
        check(Measure::Cosine, &[1.0], &[1.0, 0.0], None);
        check(Measure::Dot, &[0.6, 0.8], &[0.6, 0.8], Some(1.0));
        check(Measure::Dot, &[1.0, 0.0001], &[1.0, 0.0], Some(1.0));
        check(Measure::Dot, &[1.2, 0.5], &[1.0, 0.0], None);
        check(Measure::Dot, &[-1.2, 0.5], &[1.0, 0.0], None);
        assert!(Measure::Dot.of(&[2.0], &[1.0]).unwrap_err().contains("not normalised"));
        check(Measure::Euclidean, &[1.0, 0.0], &[0.0, 0.0], Some(0.5));
        check(Measure::Euclidean, &[], &[], None);
        check(Measure::Dot, &[f64::INFINITY], &[1.0], None);
    }
}
