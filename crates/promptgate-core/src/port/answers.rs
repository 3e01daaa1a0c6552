//! Answers that are stored already.

use std::collections::BTreeMap;

use super::PortError;
use crate::answer::Response;
use crate::digest::Digest;
use crate::name::{MetricName, RunId};
use crate::plan::TrialKey;
use crate::score::Outcome;

/// A stored answer of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAnswer {
    /// What the model said.
    pub response: Response,
    /// The digest of the request it answered.
    pub request: Digest,
    /// Which draw of its key it is.
    pub draw: u32,
    /// The run that holds it.
    pub run: RunId,
    /// When it was got, milliseconds since 1970.
    pub answered_ms: u64,
    /// How it was graded then.
    pub outcome: Outcome,
    /// The value of each metric fed on it then.
    pub metrics: BTreeMap<MetricName, Option<f64>>,
}

/// Finds stored answers by trial key; never by suite.
pub trait AnswerCache: Send + Sync {
    /// The answer of the largest draw for this key. A corrupt entry is a miss.
    fn find(&self, key: &TrialKey) -> Result<Option<StoredAnswer>, PortError>;

    /// The answers of the draws before this one, one a draw, the largest draw first. A corrupt entry is passed over.
    fn before(&self, key: &TrialKey, draw: u32) -> Result<Vec<StoredAnswer>, PortError>;
}
