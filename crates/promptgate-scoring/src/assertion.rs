//! Assertions: one requirement on one output, sans I/O.

use promptgate_core::answer::Response;
use promptgate_core::ask::{Ask, Reply};
use promptgate_core::case::Case;
use promptgate_core::score::Scored;
use serde_json::Value;

/// One requirement on one output, built from its parameters.
pub trait Assertion: Send + Sync {
    /// Looks at a trial. Pure kinds answer `Done` at once.
    fn start(&self, trial: &Trial<'_>) -> Step;

    /// Goes on with the replies to its asks, in their order.
    fn resume(&self, state: State, replies: Vec<Reply>) -> Step {
        let _ = (state, replies);
        Step::Done(Scored::unscored("this kind asks nothing, so nothing can be answered"))
    }
}

/// What an assertion looks at.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The case, for `{{expected.x}}` and `{{vars}}` in parameters.
    pub case: &'a Case,
    /// What the model said.
    pub response: &'a Response,
    /// What the extractors took from it: the text or value to look at.
    pub subject: &'a Subject,
}

/// What the extractors took from an output.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// Text.
    Text(String),
    /// A JSON value.
    Value(Value),
}

/// Where an assertion is.
#[derive(Debug)]
pub enum Step {
    /// It has decided.
    Done(Scored),
    /// It asks, and wants to be resumed with this state.
    Ask(State, Vec<Ask>),
}

/// What an assertion keeps between its asks.
#[derive(Debug, Clone, PartialEq)]
pub struct State(pub Value);
