//! What the kinds share that compare the answer with one text or the best of several: `value` or `values`.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use serde_json::Value;

use super::Parameter;
use super::expected::{Expected, some_values, text_of};

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
