//! The table of kinds.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::nearest::did_you_mean;

use super::{
    AssertionKind, all_of, any_of, contains, contains_all, contains_any, cost, csv, ends_with, equals, equals_any,
    finish_reason, html, json, json_diff, json_match, json_schema, latency, length, list_contains, markdown, number,
    regex, snapshot, sql, starts_with, tokens, toml, weighted, xml, yaml,
};

/// Every shipped kind, in the order of the reference pages.
pub static KINDS: &[&AssertionKind] = &[
    &equals::KIND,
    &equals_any::KIND,
    &contains::KIND,
    &contains_any::KIND,
    &contains_all::KIND,
    &starts_with::KIND,
    &ends_with::KIND,
    &regex::KIND,
    &number::KIND,
    &length::KIND,
    &snapshot::KIND,
    &json::KIND,
    &json_schema::KIND,
    &json_match::KIND,
    &json_diff::KIND,
    &list_contains::KIND,
    &xml::KIND,
    &html::KIND,
    &yaml::KIND,
    &toml::KIND,
    &csv::KIND,
    &sql::KIND,
    &markdown::KIND,
    &latency::KIND,
    &cost::KIND,
    &tokens::KIND,
    &finish_reason::KIND,
    &all_of::KIND,
    &any_of::KIND,
    &weighted::KIND,
];

/// The kinds that a suite may name: the shipped ones, and those a program adds (a test's, say).
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    added: Vec<&'static AssertionKind>,
}

impl Kinds {
    /// The shipped kinds and some more.
    pub fn with(added: &[&'static AssertionKind]) -> Self {
        Self { added: added.to_vec() }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'static AssertionKind> + Clone + '_ {
        KINDS.iter().chain(&self.added).copied()
    }

    /// The kind an assertion names, or the nearest known one.
    pub(crate) fn of(&self, spec: &AssertionSpec) -> Result<&'static AssertionKind, Diagnostic> {
        self.iter().find(|kind| kind.name == spec.kind).ok_or_else(|| {
            let message = format!("there is no assertion `{}`", spec.kind);
            spec.params.mistake("kind", message).help(did_you_mean(&spec.kind, self.iter().map(|kind| kind.name)))
        })
    }
}
