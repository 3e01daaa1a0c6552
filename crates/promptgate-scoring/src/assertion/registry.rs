//! The table of kinds.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::nearest::did_you_mean;

use super::{
    AssertionKind, all_of, answer_relevance, any_of, at_least, bleu, choice, chrf, citations, classify, closed_qa,
    contains, contains_all, contains_any, context_precision, context_recall, context_relevance, conversation, cost,
    csv, decision_tree, embedding, ends_with, equals, equals_any, exec, f1, factuality, faithfulness, finish_reason,
    fuzzy, gleu, goal, guardrail, html, http, human, instruction, instructions_followed, json, json_diff, json_match,
    json_schema, language, latency, length, levenshtein, list_contains, markdown, math, meteor, moderation, number,
    pii, prefer, python, ratio, readability, refusal, regex, repetition, rouge_l, rouge_n, rubric, safety, snapshot,
    span_count, span_duration, span_errors, sql, starts_with, step_count, steps_rubric, summary, ter, tokens, toml,
    tool_allowed, tool_call, tool_f1, tool_schema, tool_sequence, weighted, xml, yaml,
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
    &choice::KIND,
    &math::KIND,
    &language::KIND,
    &readability::KIND,
    &refusal::KIND,
    &pii::KIND,
    &citations::KIND,
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
    &levenshtein::KIND,
    &ratio::KIND,
    &fuzzy::KIND,
    &f1::KIND,
    &rouge_n::KIND,
    &rouge_l::KIND,
    &bleu::KIND,
    &gleu::KIND,
    &chrf::KIND,
    &meteor::KIND,
    &ter::KIND,
    &embedding::KIND,
    &latency::KIND,
    &cost::KIND,
    &tokens::KIND,
    &finish_reason::KIND,
    &guardrail::KIND,
    &moderation::KIND,
    &tool_call::KIND,
    &tool_schema::KIND,
    &tool_f1::KIND,
    &tool_sequence::KIND,
    &tool_allowed::KIND,
    &step_count::KIND,
    &span_count::KIND,
    &span_duration::KIND,
    &span_errors::KIND,
    &repetition::KIND,
    &goal::KIND,
    &rubric::KIND,
    &closed_qa::KIND,
    &factuality::KIND,
    &classify::KIND,
    &steps_rubric::KIND,
    &decision_tree::KIND,
    &instructions_followed::KIND,
    &answer_relevance::KIND,
    &faithfulness::KIND,
    &context_recall::KIND,
    &context_precision::KIND,
    &context_relevance::KIND,
    &summary::KIND,
    &conversation::KIND,
    &safety::KIND,
    &prefer::KIND,
    &exec::KIND,
    &python::KIND,
    &http::KIND,
    &all_of::KIND,
    &any_of::KIND,
    &weighted::KIND,
    &at_least::KIND,
    &instruction::KIND,
    &human::KIND,
];

/// What the kinds are about: a title, and the first kind under it.
pub const GROUPS: [(&str, &str); 10] = [
    ("Text", "equals"),
    ("Structure", "snapshot"),
    ("Similarity", "levenshtein"),
    ("Operation", "latency"),
    ("Tools and traces", "tool-call"),
    ("Judges", "rubric"),
    ("Code", "exec"),
    ("Sets", "all-of"),
    ("Instructions", "instruction"),
    ("People", "human"),
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
