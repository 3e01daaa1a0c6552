//! What the kinds that look for pieces of text share: their parameters and how a piece is found.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, some_text, some_texts, text_of};
use super::text::TextRule;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneParams {
    value: Value,
    #[serde(default)]
    ignore_case: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManyParams {
    values: Value,
    #[serde(default)]
    ignore_case: bool,
}

/// One text to look for, or several.
pub(super) struct Pieces {
    value: Expected,
    rule: TextRule,
}

impl Pieces {
    /// `value` and `ignore_case`.
    pub(super) fn one(spec: &AssertionSpec) -> Result<Self, Diagnostic> {
        let params: OneParams = spec.params.read(&format!("`{}`", spec.kind))?;
        let value = Expected::read(&spec.params, "value", &params.value, some_text)?;
        Ok(Self { value, rule: TextRule::case(params.ignore_case) })
    }

    /// `values` and `ignore_case`.
    pub(super) fn many(spec: &AssertionSpec) -> Result<Self, Diagnostic> {
        let params: ManyParams = spec.params.read(&format!("`{}`", spec.kind))?;
        let value = Expected::read(&spec.params, "values", &params.values, some_texts)?;
        Ok(Self { value, rule: TextRule::case(params.ignore_case) })
    }

    /// The one text as written for a case.
    pub(super) fn text(&self, case: &Case) -> Result<Cow<'_, str>, String> {
        self.value.text(case)
    }

    /// The texts as written for a case.
    pub(super) fn texts(&self, case: &Case) -> Result<Vec<String>, String> {
        let values = self.value.value(case)?;
        Ok(values.as_array().into_iter().flatten().map(|value| text_of(value).into_owned()).collect())
    }

    /// The form in which texts are compared.
    pub(super) fn form<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.rule.form(text)
    }

    /// Whether a case gives all that is named.
    pub(super) fn check(&self, case: &Case) -> Result<(), Diagnostic> {
        self.value.check(case)
    }
}
