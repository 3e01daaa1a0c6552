//! Assertions: one requirement on one output, sans I/O. A kind is one file here and one line in [`registry`]; what all
//! kinds share (`not`, the answer to look at) is done once, around them, so a kind only decides.

use std::borrow::Cow;

use promptgate_core::Diagnostics;
use promptgate_core::answer::Response;
use promptgate_core::ask::{Ask, Asked, Reply};
use promptgate_core::case::Case;
use promptgate_core::record::Against;
use promptgate_core::score::Scored;
use serde_json::Value;

use crate::extract::Extraction;
pub use crate::extract::Subject;

mod accepted;
mod all_of;
mod answer_relevance;
mod any_of;
mod at_least;
mod bleu;
mod bounds;
mod choice;
mod chrf;
mod citations;
mod classify;
mod closed_qa;
mod consult;
mod contains;
mod contains_all;
mod contains_any;
mod context_precision;
mod context_recall;
mod context_relevance;
mod conversation;
mod cost;
mod csv;
mod decision_tree;
mod difference;
mod duration;
mod embedding;
mod ends_with;
mod equality;
mod equals;
mod equals_any;
mod exec;
mod expected;
mod f1;
mod factuality;
mod faithfulness;
pub(crate) mod files;
mod finish_reason;
mod fuzzy;
mod gleu;
mod goal;
mod guardrail;
mod html;
mod http;
mod human;
mod instruction;
mod instructions_followed;
mod json;
mod json_diff;
mod json_match;
mod json_schema;
mod judge;
mod kind;
mod labels;
pub(crate) mod language;
mod latency;
mod length;
mod levenshtein;
mod list_contains;
mod markdown;
mod math;
mod meteor;
mod moderation;
mod names;
mod number;
mod parses;
mod pii;
mod prefer;
pub(crate) mod prepared;
mod python;
mod ratio;
mod readability;
mod references;
mod refusal;
mod regex;
pub mod registry;
mod repetition;
mod rouge_l;
mod rouge_n;
mod rubric;
mod safety;
pub(crate) mod schema;
pub(crate) mod segments;
mod set;
mod snapshot;
mod span_count;
mod span_duration;
mod span_errors;
mod sql;
mod starts_with;
mod step_count;
mod steps;
mod steps_rubric;
mod substring;
mod summary;
mod ter;
pub(crate) mod text;
mod tokens;
mod toml;
mod tool_allowed;
mod tool_call;
mod tool_f1;
mod tool_schema;
mod tool_sequence;
mod units;
mod weighted;
mod xml;
mod yaml;

pub(crate) use expected::text_of;
pub(crate) use snapshot::file as snapshot_file;

pub use instruction::{InstructionEntry, instructions};
pub use kind::{AssertionKind, Build, BuildContext, CostClass, Example, Parameter, Yields};

/// One requirement on one output, built from its parameters.
pub trait Assertion: Send + Sync {
    /// Looks at a trial. Pure kinds answer `Done` at once.
    fn start(&self, trial: &Trial<'_>) -> Step;

    /// Goes on with the replies to its asks, in their order. The trial is the one it was started with.
    fn resume(&self, trial: &Trial<'_>, state: State, replies: Vec<Reply>) -> Step {
        let _ = (trial, state, replies);
        Step::Done(Scored::unscored("this kind asks nothing, so nothing can be answered"))
    }

    /// Whether its parameters can be filled in for a case. Called for every case before anything runs, so that an
    /// undefined name is never found out by half of a run.
    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        let _ = case;
        Ok(())
    }

    /// Whom it may ask, so that what is missing for that is found before anything runs.
    fn asks(&self) -> Vec<Asked> {
        Vec::new()
    }

    /// What people say of the output that it grades, as a score, where the suite knows it.
    fn label(&self, trial: &Trial<'_>) -> Option<f64> {
        let _ = trial;
        None
    }

    /// What a label that a person gave is worth; nothing where it is none of this kind.
    fn label_score(&self, label: &Value) -> Option<f64> {
        let _ = label;
        None
    }

    /// The labels that it chooses from, each with its score; none where it grades otherwise.
    fn labels(&self) -> &[(String, f64)] {
        &[]
    }

    /// The score from which on it passes, where a score decides.
    fn threshold(&self) -> Option<f64> {
        None
    }

    /// Whether the suite knows labels of people for it.
    fn has_labels(&self) -> bool {
        false
    }

    /// Whether it chooses one of several labels, and what that is held against.
    fn chooses(&self) -> Option<Against> {
        None
    }

    /// Whether it looks at the whole output where no `extract` of its own says otherwise, instead of at the version's
    /// answer.
    fn reads_output(&self) -> bool {
        false
    }

    /// Whether it looks at the answer. A kind that looks at the response alone (cost, latency) is decided even where
    /// nothing could be extracted.
    fn needs_answer(&self) -> bool {
        true
    }
}

/// What an assertion looks at.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The case, for `{{expected.x}}` and `{{vars}}` in parameters.
    pub case: &'a Case,
    /// What the model said.
    pub response: &'a Response,
    /// What the extractors took from it.
    pub answer: &'a Extraction<'a>,
    /// The tools that the version offers, as `{name, description, inputSchema}`.
    pub tools: &'a [Value],
}

static NOTHING: Subject<'static> = Subject::Text(Cow::Borrowed(""));

impl<'a> Trial<'a> {
    /// The text or value to look at. A kind that needs the answer is started only where there is one.
    pub fn subject(&self) -> &'a Subject<'a> {
        match self.answer {
            Extraction::Found(subject) => subject,
            Extraction::Missing { .. } => &NOTHING,
        }
    }
}

/// Where an assertion is.
#[derive(Debug)]
pub enum Step {
    /// It has decided.
    Done(Scored),
    /// It asks, and wants to be resumed with this state.
    Ask(State, Vec<Ask>),
}

impl Step {
    /// Decides at once; a value that cannot be filled in leaves it unscored.
    fn decide(decide: impl FnOnce() -> Result<Scored, String>) -> Self {
        Self::Done(decide().unwrap_or_else(Scored::unscored))
    }
}

/// What an assertion keeps between its asks.
#[derive(Debug, Clone, PartialEq)]
pub struct State(pub Value);
