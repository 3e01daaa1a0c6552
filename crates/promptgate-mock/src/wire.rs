//! The wires, one file each: how an answer, a stream and an error look there.

mod chat;
mod converse;
mod embeddings;
mod generate_content;
mod messages;
mod moderations;
mod responses;

use serde_json::{Value, json};

use crate::event_stream;
use crate::reply::Reply;
use crate::said::Said;

/// An API of a model provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// Chat Completions of OpenAI, and of all who speak it.
    Chat,
    /// Responses of OpenAI.
    Responses,
    /// Messages of Anthropic.
    Messages,
    /// generateContent of Gemini.
    GenerateContent,
    /// Converse of Bedrock.
    Converse,
    /// Embeddings of OpenAI.
    Embeddings,
    /// embedContent of Gemini: one text.
    EmbedContent,
    /// batchEmbedContents of Gemini.
    BatchEmbedContents,
    /// Moderations of OpenAI.
    Moderations,
    /// The list of models.
    Models,
}

/// What ends a path, and the wire it belongs to.
const PATHS: [(&str, Wire); 5] = [
    ("/chat/completions", Wire::Chat),
    ("/responses", Wire::Responses),
    ("/messages", Wire::Messages),
    ("/embeddings", Wire::Embeddings),
    ("/moderations", Wire::Moderations),
];

impl Wire {
    /// The wire of a path, the model in it where the wire keeps it there, and whether it asks for a stream.
    pub(crate) fn of(method: &str, path: &str) -> Option<(Self, Option<String>, bool)> {
        if method == "GET" {
            return path.ends_with("/models").then_some((Self::Models, None, false));
        }
        if let Some((_, wire)) = PATHS.iter().find(|(end, _)| path.ends_with(end)) {
            return Some((*wire, None, false));
        }
        let (before, last) = path.rsplit_once('/')?;
        let model_before = || before.rsplit_once('/').map(|(_, model)| model.replace("%3A", ":"));
        match (last, last.rsplit_once(':')) {
            ("converse", _) => Some((Self::Converse, model_before(), false)),
            ("converse-stream", _) => Some((Self::Converse, model_before(), true)),
            (_, Some((model, "generateContent"))) => Some((Self::GenerateContent, Some(model.to_owned()), false)),
            (_, Some((model, "embedContent"))) => Some((Self::EmbedContent, Some(model.to_owned()), false)),
            (_, Some((model, "batchEmbedContents"))) => Some((Self::BatchEmbedContents, Some(model.to_owned()), false)),
            (_, Some((model, "streamGenerateContent"))) => Some((Self::GenerateContent, Some(model.to_owned()), true)),
            _ => None,
        }
    }

    /// Whether its reply is made of the texts it is given, whatever a script says.
    pub(crate) fn reflects(self) -> bool {
        matches!(self, Self::Embeddings | Self::EmbedContent | Self::BatchEmbedContents | Self::Moderations)
    }

    /// An answer in one piece. Embeddings, moderations and the list of models have no text of their own: they are made
    /// from the text said.
    pub fn whole(self, said: &Said) -> Reply {
        Reply::json(&match self {
            Self::Chat => chat::whole(said),
            Self::Responses => responses::whole(said),
            Self::Messages => messages::whole(said),
            Self::GenerateContent => generate_content::whole(said),
            Self::Converse => converse::whole(said),
            Self::Embeddings => embeddings::reply(said),
            Self::EmbedContent => embeddings::one_of_gemini(said),
            Self::BatchEmbedContents => embeddings::of_gemini(said),
            Self::Moderations => moderations::reply(said),
            Self::Models => models(&said.model),
        })
    }

    /// The same as a stream, one piece an event. What a wire does not stream comes whole.
    pub fn streamed(self, said: &Said, with_usage: bool) -> Reply {
        let events = match self {
            Self::Chat => chat::streamed(said, with_usage),
            Self::Responses => responses::streamed(said),
            Self::Messages => messages::streamed(said),
            Self::GenerateContent => generate_content::streamed(said),
            Self::Converse => {
                let kind = "application/vnd.amazon.eventstream";
                return Reply::pieces(converse::streamed(said)).header("content-type", kind);
            }
            Self::Embeddings | Self::EmbedContent | Self::BatchEmbedContents | Self::Moderations | Self::Models => {
                return self.whole(said);
            }
        };
        Reply::pieces(events.into_iter().map(String::into_bytes).collect()).header("content-type", "text/event-stream")
    }

    /// An error that comes in the midst of a stream, whose status said that all was well.
    pub fn error_in_stream(self, code: &str, message: &str) -> Reply {
        let error = json!({"type": code, "code": code, "message": message});
        let (event, data) = match self {
            Self::Converse => {
                let kind = "application/vnd.amazon.eventstream";
                let exception = event_stream::exception("internalServerException", &json!({"message": message}));
                return Reply::raw(exception).header("content-type", kind);
            }
            Self::Responses => {
                (Some("error"), json!({"type": "error", "code": code, "message": message, "param": null}))
            }
            Self::Messages => (Some("error"), json!({"type": "error", "error": error})),
            _ => (None, json!({"error": error})),
        };
        Reply::raw(sse(event, &data)).header("content-type", "text/event-stream")
    }

    /// A refusal in the shape of the wire. `code` is the word for it; each wire has its own way to spell a status.
    pub fn error(self, status: u16, code: &str, message: &str) -> Reply {
        let body = match self {
            Self::Messages => {
                json!({"type": "error", "error": {"type": code, "message": message}, "request_id": "req_mock"})
            }
            Self::GenerateContent | Self::EmbedContent | Self::BatchEmbedContents => {
                json!({"error": {"code": status, "message": message, "status": code}})
            }
            Self::Converse => {
                return Reply::json(&json!({"message": message})).status(status).header("x-amzn-errortype", code);
            }
            _ => return Reply::error(status, code, message),
        };
        Reply::json(&body).status(status)
    }

    /// What the wire calls a status.
    pub fn word(self, status: u16) -> &'static str {
        let words = match self {
            Self::Messages => [
                "authentication_error",
                "permission_error",
                "not_found_error",
                "rate_limit_error",
                "api_error",
                "overloaded_error",
                "invalid_request_error",
            ],
            Self::GenerateContent | Self::EmbedContent | Self::BatchEmbedContents => [
                "UNAUTHENTICATED",
                "PERMISSION_DENIED",
                "NOT_FOUND",
                "RESOURCE_EXHAUSTED",
                "INTERNAL",
                "UNAVAILABLE",
                "INVALID_ARGUMENT",
            ],
            Self::Converse => [
                "UnrecognizedClientException",
                "AccessDeniedException",
                "ResourceNotFoundException",
                "ThrottlingException",
                "InternalServerException",
                "ServiceUnavailableException",
                "ValidationException",
            ],
            _ => [
                "invalid_api_key",
                "permission_denied",
                "model_not_found",
                "rate_limit_exceeded",
                "server_error",
                "overloaded",
                "invalid_request_error",
            ],
        };
        words[match status {
            401 => 0,
            403 => 1,
            404 => 2,
            429 => 3,
            503 | 529 => 5,
            500.. => 4,
            _ => 6,
        }]
    }
}

/// One event of a stream of server-sent events.
fn sse(event: Option<&str>, data: &Value) -> String {
    match event {
        Some(event) => format!("event: {event}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    }
}

fn models(model: &str) -> Value {
    let id = if model.is_empty() { "mock-1" } else { model };
    json!({"object": "list", "has_more": false, "data": [{
        "id": id, "object": "model", "type": "model", "display_name": id, "created": 1, "created_at": "2026-01-01T00:00:00Z",
        "owned_by": "promptgate-mock",
    }], "models": [{"name": format!("models/{id}"), "displayName": id}]})
}
