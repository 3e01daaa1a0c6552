//! Messages: what is sent to a model, and the earlier turns of a case. The JSON form is Dotprompt's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The person or program that asks.
    User,
    /// The model; `assistant` is read too.
    #[serde(alias = "assistant")]
    Model,
    /// The result of a tool call.
    Tool,
}

impl Role {
    /// The word as Dotprompt writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Model => "model",
            Self::Tool => "tool",
        }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order. A plain string is read as one text part.
    #[serde(deserialize_with = "content")]
    pub content: Vec<Part>,
    /// `{"purpose": "history"}` on inserted earlier turns; never sent.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl Message {
    /// A message of one text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, content: vec![Part::text(text)], metadata: Map::new() }
    }

    /// All text parts joined.
    pub fn joined_text(&self) -> String {
        self.content.iter().filter_map(Part::as_text).collect()
    }
}

/// A piece of a message: exactly one of the keys below, in Dotprompt's spelling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// `{"text": "..."}`.
    Text {
        /// The text.
        text: String,
    },
    /// `{"media": {"url": "...", "contentType": "..."}}`.
    Media {
        /// The file.
        media: Media,
    },
    /// `{"toolRequest": {"name", "input", "ref"}}`: a call the model made.
    ToolRequest {
        /// The call.
        #[serde(rename = "toolRequest")]
        tool_request: Value,
    },
    /// `{"toolResponse": {"name", "output", "ref"}}`: what the tool answered.
    ToolResponse {
        /// The answer.
        #[serde(rename = "toolResponse")]
        tool_response: Value,
    },
    /// `{"data": ...}`: structured content.
    Data {
        /// The value.
        data: Value,
    },
    /// `{"metadata": {"purpose": "...", "pending": true}}`: a `{{section}}` placeholder; sent as nothing.
    Pending {
        /// What is to stand here.
        metadata: Map<String, Value>,
    },
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// The text, if this is a text part.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            _ => None,
        }
    }
}

/// A file inside a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// A data URL, a URL, or an image below the suite's folder ([`image_file`](crate::media::image_file)).
    pub url: String,
    /// Its media type, where it is known.
    #[serde(rename = "contentType", default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

fn content<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Part>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Content {
        Text(String),
        Parts(Vec<Part>),
    }
    Ok(match Content::deserialize(deserializer)? {
        Content::Text(text) => vec![Part::text(text)],
        Content::Parts(parts) => parts,
    })
}
