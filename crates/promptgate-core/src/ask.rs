//! What an assertion may ask of the world, and what it is told. Assertions do no I/O; the runner serves their asks
//! through the same answerer, budget and log as the trials.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Failure, Response};
use crate::name::ModelId;
use crate::request::RequestBody;

/// One question of an assertion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A model call: a judge's grade.
    Model(Box<RequestBody>),
    /// Vectors for some texts.
    Embed {
        /// The embedding model.
        model: ModelId,
        /// The texts.
        texts: Vec<String>,
    },
    /// A moderation or classifier endpoint's verdict on a text.
    Moderate {
        /// The moderation model.
        model: ModelId,
        /// The text.
        text: String,
    },
    /// A program that reads JSON and prints JSON. Off unless allowed.
    Exec {
        /// Program and arguments; no shell.
        command: Vec<String>,
        /// What it reads.
        input: Value,
        /// How long it may take, in milliseconds.
        timeout_ms: u64,
    },
    /// An HTTP endpoint that takes JSON and answers JSON. Off unless allowed.
    Http {
        /// Where it is.
        url: String,
        /// What is posted.
        body: Value,
        /// How long it may take, in milliseconds.
        timeout_ms: u64,
    },
}

/// The answer to one ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A model's response.
    Model(Response),
    /// One vector a text.
    Embedding(Vec<Vec<f64>>),
    /// The JSON an endpoint or a program gave.
    Json(Value),
    /// Nothing came back, and why; the assertion is then unscored.
    Failed(Failure),
}
