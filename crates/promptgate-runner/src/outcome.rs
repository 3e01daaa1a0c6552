//! How carrying a plan out ended.

use promptgate_core::port::PortError;
use promptgate_core::score::Outcome;

/// How carrying a plan out ended. Either way, all that is counted is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// Every trial of the run's share is settled, and the log is marked as complete.
    Complete(Tally),
    /// It was stopped, or the disk is full. The log can be resumed.
    Incomplete {
        /// Why, e.g. `Ctrl-C`.
        reason: String,
        /// What is settled.
        tally: Tally,
    },
}

impl RunOutcome {
    /// What was settled by this call.
    pub fn tally(&self) -> Tally {
        match self {
            Self::Complete(tally) | Self::Incomplete { tally, .. } => *tally,
        }
    }
}

/// Trials settled by this run, by outcome; those settled before a resume are not counted again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Errored.
    pub errored: u64,
    /// Skipped (`--max-fail`).
    pub skipped: u64,
    /// Of all these, those for which a provider was called.
    pub called: u64,
}

impl Tally {
    /// Trials settled in all.
    pub fn settled(&self) -> u64 {
        self.passed + self.failed + self.errored + self.skipped
    }

    pub(crate) fn add(&mut self, outcome: Outcome, called: bool) {
        *match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Errored => &mut self.errored,
            Outcome::Skipped => &mut self.skipped,
        } += 1;
        self.called += u64::from(called);
    }
}

/// Why a plan could not be carried out. What was settled until then is on disk.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The log failed for another reason than room.
    #[error("failed to write the run's log after {settled} trials; nothing settled is lost")]
    Log {
        /// Trials on disk.
        settled: u64,
        /// Why.
        #[source]
        cause: PortError,
    },
    /// A case or a stored answer could not be read any more.
    #[error("failed to read what the run needs")]
    Read(#[source] PortError),
    /// Threads or a runtime could not be had.
    #[error("failed to start the run's threads")]
    Threads(#[source] std::io::Error),
    /// Something of ours panicked outside of any trial.
    #[error("a bug of promptgate: {0}; the run can be resumed")]
    Bug(&'static str),
}
