//! What is asked of a provider: a serialisable value, the same for trials and for the asks of assertions.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::message::Message;
use crate::name::{CaseId, ModelId, PromptId};

/// The part of a request that the model sees, and that its digest covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestBody {
    /// Provider and model.
    pub model: ModelId,
    /// The rendered messages.
    pub messages: Vec<Message>,
    /// The tools offered, as `{name, description, inputSchema}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// The effective parameters, in Dotprompt's spelling: `temperature`, `maxOutputTokens`, `topP`, `topK`,
    /// `stopSequences`, `seed`; others are handed to the provider as they are.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// The structure asked for: `{format, schema}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputFormat>,
}

/// What form of answer is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputFormat {
    /// `json` or `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// A JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

impl OutputFormat {
    /// Whether JSON is asked for; a schema alone asks for it too.
    pub fn is_json(&self) -> bool {
        match &self.format {
            Some(format) => format == "json",
            None => self.schema.is_some(),
        }
    }
}

impl RequestBody {
    /// The request digest: rendered messages, tools, provider, model and effective parameters; no suite, no case id.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// One request on its way to an `Answerer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What the model sees.
    pub body: RequestBody,
    /// The digest of `body`, computed once.
    pub digest: Digest,
    /// Which repeat of the trial this is, from 1.
    pub repeat: u32,
    /// How long the model may take after the first byte, in milliseconds.
    pub timeout_ms: u64,
    /// Who asks. Recordings without a digest and the scripted provider look answers up by it; no model sees it.
    pub origin: Origin,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A trial of a version on a case.
    Trial {
        /// The prompt as its files name it.
        prompt: PromptId,
        /// The case.
        case: CaseId,
    },
    /// An assertion that asks.
    Ask {
        /// The assertion's name.
        assertion: String,
        /// The case it grades.
        case: CaseId,
    },
}

impl Origin {
    /// The case the request is about.
    pub fn case(&self) -> &CaseId {
        match self {
            Self::Trial { case, .. } | Self::Ask { case, .. } => case,
        }
    }
}
