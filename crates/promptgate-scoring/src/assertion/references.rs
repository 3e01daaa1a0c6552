//! What the kinds share that compare the answer with one text or the best of several: `value` or `values`.

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::Scored;
use promptgate_core::{Diagnostic, Diagnostics};
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, some_values, text_of};
use super::text::evidence;
use super::{Assertion, Parameter, Step, Trial};
use crate::similarity::TooLong;
use crate::similarity::rouge::Overlap;

/// The parameters.
pub(super) const VALUE: Parameter = Parameter { name: "value", doc: "the text expected; may name parts of the case" };
/// See [`VALUE`].
pub(super) const VALUES: Parameter =
    Parameter { name: "values", doc: "instead of `value`: a list of texts, of which the closest counts" };

/// One text, or several of which the best counts.
pub(super) struct References(Expected);

impl References {
    /// Exactly one of `value` and `values`.
    pub(super) fn read(
        spec: &AssertionSpec,
        value: Option<&Value>,
        values: Option<&Value>,
    ) -> Result<Self, Diagnostic> {
        let params = &spec.params;
        match (value, values) {
            (Some(value), None) => Ok(Self(Expected::read(params, "value", value, one_text)?)),
            (None, Some(values)) => Ok(Self(Expected::read(params, "values", values, some_values)?)),
            (Some(_), Some(_)) => {
                Err(params.mistake("values", "`value` and `values` are both given").help("keep one of the two"))
            }
            (None, None) => {
                let mistake = params.mistake("", format!("`{}` has nothing to compare with", spec.kind));
                Err(mistake.help("write `value = \"...\"`, or `values = [\"...\", \"...\"]`"))
            }
        }
    }

    /// The texts for a case, at least one.
    pub(super) fn texts(&self, case: &Case) -> Result<Vec<String>, String> {
        let value = self.0.value(case)?;
        Ok(match &*value {
            Value::Array(items) => items.iter().map(|item| text_of(item).into_owned()).collect(),
            one => vec![text_of(one).into_owned()],
        })
    }

    /// Whether a case gives all that is named.
    pub(super) fn check(&self, case: &Case) -> Result<(), Diagnostic> {
        self.0.check(case)
    }
}

/// A text or a number; a list is for `values`.
fn one_text(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(_) => Err("is a list; name it with `values`".to_owned()),
        Value::Null => Err("is null".to_owned()),
        _ => Ok(()),
    }
}

/// An assertion whose score is how alike the answer and the closest reference are.
pub(super) struct Similarity<F> {
    references: References,
    threshold: f64,
    alike: F,
}

impl<F> Similarity<F>
where
    F: Fn(&str, &str) -> Result<f64, TooLong> + Send + Sync + 'static,
{
    /// `alike` gets the answer and a reference.
    #[expect(clippy::new_ret_no_self, reason = "what is made of it is an assertion")]
    pub(super) fn new(spec: &AssertionSpec, references: References, threshold: f64, alike: F) -> Box<dyn Assertion> {
        Box::new(Self { references, threshold: spec.threshold.unwrap_or(threshold), alike })
    }
}

impl<F: Fn(&str, &str) -> Result<f64, TooLong> + Send + Sync> Assertion for Similarity<F> {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (found, texts) = (trial.subject().text(), self.references.texts(trial.case)?);
            let mut best = (f64::NEG_INFINITY, "");
            for text in &texts {
                let alike = (self.alike)(&found, text).map_err(|error| error.to_string())?;
                if alike > best.0 {
                    best = (alike, text);
                }
            }
            Ok(Scored::graded(best.0, self.threshold, evidence(best.1, &found)))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.references.check(case)?)
    }
}

/// Which side of an overlap is the score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OverlapScore {
    #[default]
    Recall,
    Precision,
    F1,
}

impl OverlapScore {
    /// In 0..=1.
    pub(super) fn of(self, overlap: Overlap) -> f64 {
        match self {
            Self::Recall => overlap.recall,
            Self::Precision => overlap.precision,
            Self::F1 => overlap.f1(),
        }
    }
}
