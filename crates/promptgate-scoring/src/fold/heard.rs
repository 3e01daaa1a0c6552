//! What was heard of a model on one side. A time-out is the model's own failure. Where nothing came back from a model on any
//! side of a comparison, time-outs look the same as an outage behind a connection that stays open, and tell nothing of a
//! difference: there they are missing.

use std::time::Duration;

use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::plan::PlannedModel;
use promptgate_core::record::{SettledTrial, TrialError};
use promptgate_core::report::words::{counted, thousands};
use promptgate_core::score::Outcome;

/// The calls of one version on one model, those that confirm a broken case included, by what came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    calls: u64,
    answered: u64,
    /// Held back by a filter, or of no form that can be handed on: somebody looked at the request, so nobody is out.
    refused: u64,
    timed_out: u64,
}

impl Heard {
    pub(crate) fn add(&mut self, trial: &SettledTrial) {
        self.calls += u64::from(is_called(trial));
        self.answered += u64::from(trial.response.is_some());
        self.refused +=
            u64::from(trial.failure.as_ref().is_some_and(|failure| failure.kind != FailureKind::ModelTimeout));
        self.timed_out += u64::from(timed_out(trial).is_some());
    }

    /// Both sides together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            answered: self.answered + other.answered,
            refused: self.refused + other.refused,
            timed_out: self.timed_out + other.timed_out,
        }
    }

    /// Whether nothing came back at all, and some calls ran into the model's time limit.
    pub(crate) fn is_silent(self) -> bool {
        self.timed_out > 0 && self.is_unheard()
    }

    /// Whether calls were made and nothing came back, neither an answer nor a refusal.
    pub(crate) fn is_unheard(self) -> bool {
        self.has_no_answer() && self.refused == 0
    }

    /// Whether calls were made and none was answered, so that nothing is known of its answers.
    pub(crate) fn has_no_answer(self) -> bool {
        self.calls > 0 && self.answered == 0
    }

    /// `all 60 calls of loc/m on the candidate ran into its timeout of 4s`; nothing where something came back.
    pub(crate) fn silence(self, model: &PlannedModel, side: &str) -> Option<String> {
        let calls = counted(self.calls, "call", "calls");
        let limit = limit(model);
        let told = match self.calls - self.timed_out {
            0 => format!("all {calls} of {}{side} ran into its timeout of {limit}", model.id),
            _ => {
                let timed_out = thousands(self.timed_out);
                format!(
                    "nothing came back from {calls} of {}{side}: {timed_out} ran into its timeout of {limit}",
                    model.id
                )
            }
        };
        self.is_silent().then_some(told)
    }

    /// How many time-outs count as failures, where they are more than a share of the calls.
    pub(crate) fn time_outs(self, most: f64, model: &PlannedModel, side: &str) -> Option<String> {
        let failed = "they count as failed";
        if let Some(silence) = self.silence(model, side) {
            return Some(format!("{silence}: {failed}, though an outage may look so; the same command asks again"));
        }
        let (timed_out, calls) = (thousands(self.timed_out), counted(self.calls, "call", "calls"));
        let told = || {
            format!("{timed_out} of {calls} of {}{side} ran into its timeout of {}: {failed}", model.id, limit(model))
        };
        (self.timed_out as f64 > most * self.calls as f64).then(told)
    }
}

/// As suites write it: `4s`, `1.5s`.
fn limit(model: &PlannedModel) -> String {
    format!("{:?}", Duration::from_millis(model.timeout_ms))
}

/// Whether somebody was to answer it.
fn is_called(trial: &SettledTrial) -> bool {
    let is_stored = |failure: &Failure| failure.kind == FailureKind::MissingRecording;
    let is_not_held = matches!(&trial.error, Some(TrialError::Unanswered(failure)) if is_stored(failure));
    trial.outcome != Outcome::Skipped && !is_not_held
}

/// The failure of a trial that failed since the model ran into its time limit.
pub(crate) fn timed_out(trial: &SettledTrial) -> Option<&Failure> {
    let failure = trial.failure.as_ref().filter(|failure| failure.kind == FailureKind::ModelTimeout)?;
    (trial.outcome == Outcome::Failed).then_some(failure)
}
