//! One line of a recording.

use promptgate_core::Digest;
use promptgate_core::answer::{ToolCall, Usage};
use promptgate_core::name::{CaseId, PromptId};
use serde::Deserialize;

/// One recorded answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedLine {
    pub(crate) case: CaseId,
    #[serde(default)]
    pub(crate) prompt: Option<PromptId>,
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) trial: Option<u32>,
    #[serde(default)]
    pub(crate) request_digest: Option<Digest>,
    pub(crate) output: String,
    #[serde(default)]
    pub(crate) tool_calls: Vec<ToolCall>,
    #[serde(default)]
    pub(crate) finish_reason: Option<String>,
    #[serde(default)]
    pub(crate) usage: Option<Usage>,
    #[serde(default)]
    pub(crate) latency_ms: Option<u64>,
}

impl RecordedLine {
    /// The repeat it answers; the first one where it does not say.
    pub(crate) fn repeat(&self) -> u32 {
        self.trial.unwrap_or(1)
    }

    /// Whether both name the same case, prompt and model.
    pub(crate) fn is_addressed_as(&self, other: &Self) -> bool {
        (&self.case, &self.prompt, &self.model) == (&other.case, &other.prompt, &other.model)
    }
}
