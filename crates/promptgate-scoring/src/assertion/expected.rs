//! A parameter that may name parts of the case (`value = "{{expected.queue}}"`), with the rule its value must keep. A
//! constant is held to the rule when the suite is read, a template for every case before anything runs.

use std::borrow::Cow;

use promptgate_core::assertion::Params;
use promptgate_core::case::Case;
use promptgate_core::value::Template;
use promptgate_core::{Diagnostic, Location};
use serde_json::Value;

use super::text::line_feeds;

/// What a value must be, or what is wrong with it.
pub(crate) type Rule = fn(&Value) -> Result<(), String>;

/// A parameter that may name parts of the case.
#[derive(Debug)]
pub(crate) struct Expected {
    key: &'static str,
    place: Option<Location>,
    template: Template,
    rule: Rule,
}

impl Expected {
    /// Reads the value of a key.
    pub(crate) fn read(params: &Params, key: &'static str, value: &Value, rule: Rule) -> Result<Self, Diagnostic> {
        Self::read_at(params, key, key, value, rule)
    }

    /// The same of a key that stands deeper in the table, at a dotted path.
    pub(crate) fn read_at(
        params: &Params,
        key: &'static str,
        path: &str,
        value: &Value,
        rule: Rule,
    ) -> Result<Self, Diagnostic> {
        let template = Template::parse(value).map_err(|problem| params.mistake(path, format!("`{key}`: {problem}")))?;
        if let Some(constant) = template.constant() {
            rule(constant).map_err(|problem| params.mistake(path, format!("`{key}` {problem}")))?;
        }
        Ok(Self { key, place: params.place(path), template, rule })
    }

    /// The value, where it is the same for every case.
    pub(crate) fn constant(&self) -> Option<&Value> {
        self.template.constant()
    }

    /// The value for a case.
    pub(crate) fn value(&self, case: &Case) -> Result<Cow<'_, Value>, String> {
        match self.template.constant() {
            Some(constant) => Ok(Cow::Borrowed(constant)),
            None => self.template.resolve(case).map(Cow::Owned).map_err(|undefined| undefined.to_string()),
        }
    }

    /// The value for a case as text: text as it is, anything else as compact JSON.
    pub(crate) fn text(&self, case: &Case) -> Result<Cow<'_, str>, String> {
        Ok(match self.value(case)? {
            Cow::Borrowed(value) => text_of(value),
            Cow::Owned(Value::String(text)) if !text.contains('\r') => Cow::Owned(text),
            Cow::Owned(value) => Cow::Owned(text_of(&value).into_owned()),
        })
    }

    /// Whether a case gives it a value that keeps the rule.
    pub(crate) fn check(&self, case: &Case) -> Result<(), Diagnostic> {
        if self.template.constant().is_some() {
            return Ok(());
        }
        let value = self
            .template
            .resolve(case)
            .map_err(|undefined| self.mistake(format!("`{}`: {undefined}", self.key)).help(undefined.help()))?;
        (self.rule)(&value).map_err(|problem| {
            self.mistake(format!("`{}` = `{}` for case `{}` {problem}", self.key, self.template, case.id))
        })
    }

    fn mistake(&self, message: String) -> Diagnostic {
        let diagnostic = Diagnostic::new(message);
        match &self.place {
            Some(place) => diagnostic.at(place.clone()),
            None => diagnostic,
        }
    }
}

/// A value as text, line ends as line feeds.
pub(crate) fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => line_feeds(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Any value will do.
pub(crate) fn anything(_: &Value) -> Result<(), String> {
    Ok(())
}

/// A text with something in it: every output contains the empty text.
pub(crate) fn some_text(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) if text.is_empty() => Err("is empty, and every text contains the empty text".to_owned()),
        _ => Ok(()),
    }
}

/// What a judge is to go by: a text with something in it.
pub(crate) fn some_criteria(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) if text.trim().is_empty() => Err("is empty, so a judge has nothing to go by".to_owned()),
        Value::String(_) => Ok(()),
        _ => Err("is not a text".to_owned()),
    }
}

/// What a judge is to look at: a text, or a list of them, with something in it.
pub(crate) fn something(value: &Value) -> Result<(), String> {
    match value {
        Value::Null => Err("is null".to_owned()),
        Value::String(text) if text.trim().is_empty() => Err("is empty".to_owned()),
        Value::Array(items) if items.is_empty() => Err("is an empty list".to_owned()),
        _ => Ok(()),
    }
}

/// A list with something in it.
pub(crate) fn some_values(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) if items.is_empty() => Err("is an empty list, which decides nothing".to_owned()),
        Value::Array(_) => Ok(()),
        _ => Err("is not a list".to_owned()),
    }
}

/// A list of texts, none of them empty.
pub(crate) fn some_texts(value: &Value) -> Result<(), String> {
    some_values(value)?;
    value
        .as_array()
        .into_iter()
        .flatten()
        .try_for_each(some_text)
        .map_err(|problem| format!("holds a text that {problem}"))
}
