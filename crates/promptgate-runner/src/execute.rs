//! Carrying a plan out: answer -> score -> log, each stage bounded, so that memory stays flat whatever is slow.

use std::sync::Arc;
use std::time::Duration;

use promptgate_core::event::Listener;
use promptgate_core::port::{Clock, RunLog};
use promptgate_provider::Answerer;

use crate::log::GroupCommit;
use crate::outcome::{RunError, RunOutcome};
use crate::prepare::Prepared;
use crate::stop::Stop;
use crate::survey::{Counts, Supply};

/// A plan to be carried out, and all it takes.
pub struct Job {
    /// The plan.
    pub prepared: Arc<Prepared>,
    /// Where answers come from, apart from calls; the same that was surveyed.
    pub supply: Supply,
    /// What the survey found.
    pub counts: Counts,
    /// Answers trials and asks.
    pub answerer: Arc<dyn Answerer>,
    /// The run's log: opened, its header written.
    pub log: Box<dyn RunLog>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Hears what happens.
    pub listener: Listener,
    /// Ends the run early.
    pub stop: Stop,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Trials being answered at a time, 1 to 10,000.
    pub concurrency: usize,
    /// Asks of assertions being answered at a time, beside the trials.
    pub asks: usize,
    /// Stop after so many failed cases; the rest is skipped.
    pub max_fail: Option<u64>,
    /// How long calls under way are awaited after a stop.
    pub grace: Duration,
    /// When the log is committed.
    pub commit: GroupCommit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 32,
            asks: 32,
            max_fail: None,
            // What is left of the two seconds after Ctrl-C is for the last commit.
            grace: Duration::from_millis(1_500),
            commit: GroupCommit::default(),
        }
    }
}

/// Carries the plan out and returns once everything settled is on disk.
///
/// Blocks; the threads it needs (a tokio runtime for waiting, one that scores, one that writes the log) are its own.
pub fn execute(job: Job) -> Result<RunOutcome, RunError> {
    let _ = job;
    Err(RunError::Bug("execute"))
}
