//! What comes back: a response with its usage, or a failure with its class. Infrastructure and model never mix.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::price::{NanoUsd, Price};

/// What an `Answerer` says to a request: how it ended, and what trying cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The response, or why there is none.
    pub result: Result<Response, Failure>,
    /// Calls made, the last one included; 0 where nothing was called (a recording).
    pub attempts: u32,
    /// What attempts that gave no response cost, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted: Option<NanoUsd>,
    /// Attempts that gave no response, and whose cost is not known: the model may have worked on them.
    #[serde(default, skip_serializing_if = "crate::plan::is_zero")]
    pub wasted_unpriced: u32,
    /// When a kept answer was got, milliseconds since 1970; absent where it was got just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_ms: Option<u64>,
}

impl Answer {
    /// An answer got at the first attempt.
    pub fn of(response: Response) -> Self {
        Self { attempts: 1, ..Self::uncalled(Ok(response)) }
    }

    /// A failure at the first attempt.
    pub fn failed(failure: Failure) -> Self {
        Self { attempts: 1, ..Self::uncalled(Err(failure)) }
    }

    /// One for which nobody was called.
    pub fn uncalled(result: Result<Response, Failure>) -> Self {
        Self { result, attempts: 0, wasted: None, wasted_unpriced: 0, answered_ms: None }
    }
}

/// A model's response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The text, line feeds as the model sent them.
    pub output: String,
    /// Calls of tools, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// What an application did on its way to the answer, in order; empty where it does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<TraceStep>,
    /// Why the model stopped.
    pub finish_reason: FinishReason,
    /// Tokens, where the provider or the recording tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Milliseconds from sending to the last byte, or to the end of a streamed answer; absent where it was not measured (a recording without a time).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Milliseconds from sending to the first piece of the answer; only where it was streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// The model the provider says it was, where that differs or is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_model: Option<String>,
    /// What the call costs at the prices of whoever holds it ([`Self::reckon`]); absent where the price or the usage is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<NanoUsd>,
    /// Whether the output is tied to the request by its digest. Only a recording without digests is not.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub bound: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_true(flag: &bool) -> bool {
    *flag
}

impl Response {
    /// A response of one text that ended by itself, nothing else known.
    pub fn text(output: impl Into<String>) -> Self {
        Self {
            output: output.into(),
            tool_calls: Vec::new(),
            steps: Vec::new(),
            finish_reason: FinishReason::Stop,
            usage: None,
            latency_ms: None,
            first_token_ms: None,
            returned_model: None,
            cost: None,
            bound: true,
        }
    }

    /// Puts the cost at a price on it. What an answer costs is a part of its evaluation and not of the answer: one that is
    /// used again costs what its tokens cost then.
    pub fn reckon(&mut self, price: Option<&Price>) {
        self.cost = price.zip(self.usage.as_ref()).map(|(price, usage)| price.cost(usage));
    }
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments; a string where the model sent something that is not JSON.
    pub arguments: Value,
    /// The provider's id of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// One step of an application on its way to an answer: a call of a model or a tool, a search, a span of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceStep {
    /// What sort of step: `model`, `tool`, `search`, or a word of the application's own.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it was given.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// What it gave.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    /// How long it took, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Why it failed, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Why a model stopped, one word for all providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It ran into the token limit.
    Length,
    /// A filter of the service held the answer back.
    ContentFilter,
    /// It wants tools called.
    ToolCalls,
    /// Another word of the provider's.
    #[serde(untagged)]
    Other(String),
}

impl FinishReason {
    /// The normalised word for what a provider said.
    pub fn normalise(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "stop" | "end_turn" | "stop_sequence" | "eos" | "completed" => Self::Stop,
            "length" | "max_tokens" | "max_output_tokens" | "model_length" | "model_context_window_exceeded" => {
                Self::Length
            }
            "content_filter"
            | "content management policy"
            | "refusal"
            | "guardrail_intervened"
            | "content_filtered"
            | "safety"
            | "image_safety"
            | "recitation"
            | "blocklist"
            | "prohibited_content"
            | "spii" => Self::ContentFilter,
            "tool_calls" | "tool_use" | "function_call" => Self::ToolCalls,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word as it is written in files.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ToolCalls => "tool_calls",
            Self::Other(word) => word,
        }
    }
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of the tokens read, those from the provider's cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_input_tokens: u64,
    /// Of the tokens read, those written to the provider's cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_creation_input_tokens: u64,
    /// Of the tokens written, those of hidden reasoning.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
pub(crate) fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Whose failure it is, and of what class.
    pub kind: FailureKind,
    /// One line for people, scrubbed of secrets.
    pub message: String,
    /// The HTTP status, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long the provider asked to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Failure {
    /// A failure without a status.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after_ms: None }
    }
}

/// The classes of failure. What a class means for retrying and for the verdict is decided here, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No connection, no first byte, a silent or reset connection.
    Connection,
    /// Too many requests.
    RateLimit,
    /// The quota is gone; waiting does not help.
    Quota,
    /// The provider's own error (5xx), or a reply that cannot be read.
    Server,
    /// The credential is missing or refused.
    Credential,
    /// The program under test ended, or broke the rules of talking to it.
    Crash,
    /// The provider refuses the request as it stands (4xx).
    BadRequest,
    /// There is no such model, or no API at the address: it holds for every request, and no retry mends it.
    NotFound,
    /// The provider's filter holds back what was asked: it is about this request, and the model's answer to it.
    ContentFilter,
    /// The model took longer than its `timeout` after the first byte: the model's own failure.
    ModelTimeout,
    /// What the model wrote is not of the form that was asked for (no JSON, no call of a tool), and the provider refused to
    /// hand it on: the model's own failure.
    Malformed,
    /// What the run may spend is spent; nothing was called.
    Budget,
    /// No recorded answer for this request.
    MissingRecording,
    /// A bug of promptgate: something panicked. Other trials go on.
    Bug,
}

impl FailureKind {
    /// Whether the same call may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Connection | Self::RateLimit | Self::Server)
    }

    /// Whether it says that whoever was asked is out: not that the question, the key or the settings are wrong, nor that what
    /// came is no answer.
    pub fn is_outage(self) -> bool {
        matches!(self, Self::Connection | Self::RateLimit | Self::Quota | Self::Server)
    }

    /// Whether the candidate itself misbehaved, so that the trial has failed rather than gone missing.
    pub fn is_the_models(self) -> bool {
        matches!(self, Self::ModelTimeout | Self::ContentFilter | Self::Malformed)
    }
}
