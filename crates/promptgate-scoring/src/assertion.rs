//! Assertions: one requirement on one output, sans I/O. A kind is one file here and one line in [`registry`]; what all
//! kinds share (`not`, the answer to look at) is done once, around them, so a kind only decides.

use std::borrow::Cow;

use promptgate_core::Diagnostics;
use promptgate_core::answer::Response;
use promptgate_core::ask::{Ask, Reply};
use promptgate_core::case::Case;
use promptgate_core::score::Scored;
use serde_json::Value;

use crate::extract::Extraction;
pub use crate::extract::Subject;

mod accepted;
mod all_of;
mod any_of;
mod bounds;
mod contains;
mod contains_all;
mod contains_any;
mod cost;
mod csv;
mod difference;
mod ends_with;
mod equality;
mod equals;
mod equals_any;
mod expected;
pub(crate) mod files;
mod finish_reason;
mod html;
mod json;
mod json_diff;
mod json_match;
mod json_schema;
mod kind;
mod latency;
mod length;
mod list_contains;
mod markdown;
mod number;
mod parses;
pub(crate) mod prepared;
mod regex;
pub mod registry;
mod schema;
mod set;
mod snapshot;
mod sql;
mod starts_with;
mod substring;
pub(crate) mod text;
mod tokens;
mod toml;
mod weighted;
mod xml;
mod yaml;

pub(crate) use expected::text_of;
pub(crate) use snapshot::file as snapshot_file;

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
