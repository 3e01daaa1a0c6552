//! What is asked of a provider: a serialisable value, the same for trials and for the asks of assertions.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::message::{Message, Role};
use crate::name::{CaseId, ModelId, PromptId};

/// The part of a request that the model sees, and that its digest covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestBody {
    /// Provider and model.
    pub model: ModelId,
    /// What is wanted of it.
    #[serde(default, skip_serializing_if = "Task::is_generate")]
    pub task: Task,
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

/// What is wanted of a model. Whatever it is, the answer is a text: vectors and verdicts are JSON in it, so that the same
/// cache, recordings, budget and pace serve all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A message.
    #[default]
    Generate,
    /// A vector for each message: `[[0.1, ...], ...]`.
    Embed,
    /// A verdict on the one message: `{"flagged": false, "categories": {...}, "category_scores": {...}}`.
    Moderate,
    /// How likely each first token of a message is, as natural logarithms: `[["A", -0.1], ...]`.
    Probabilities,
}

impl Task {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    fn is_generate(&self) -> bool {
        *self == Self::Generate
    }

    /// The words for what a provider may not be able to do.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "messages",
            Self::Embed => "embeddings",
            Self::Moderate => "moderation",
            Self::Probabilities => "token probabilities",
        }
    }
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
    /// A request for messages, nothing set but the messages.
    pub fn of(model: ModelId, messages: Vec<Message>) -> Self {
        let (tools, parameters) = Default::default();
        Self { model, task: Task::Generate, messages, tools, parameters, output: None }
    }

    /// A request for a vector of each text.
    pub fn embed(model: ModelId, texts: &[String]) -> Self {
        let messages = texts.iter().map(|text| Message::text(Role::User, &**text)).collect();
        Self { task: Task::Embed, ..Self::of(model, messages) }
    }

    /// A request for a verdict on a text.
    pub fn moderate(model: ModelId, text: &str) -> Self {
        Self { task: Task::Moderate, ..Self::of(model, vec![Message::text(Role::User, text)]) }
    }

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
        /// Whether the reply holds for all cases that ask the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared: bool,
    },
}

impl Origin {
    /// The case the request is about.
    pub fn case(&self) -> &CaseId {
        match self {
            Self::Trial { case, .. } | Self::Ask { case, .. } => case,
        }
    }

    /// Whether the answer holds for all cases that ask the same.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Ask { shared: true, .. })
    }
}
