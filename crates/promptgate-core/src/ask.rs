//! What an assertion may ask of the world, and what it is told. Assertions do no I/O; the runner serves their asks
//! through the same answerer, budget and log as the trials.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Failure, Response};
use crate::name::ModelId;
use crate::request::{RequestBody, Task};

/// One question of an assertion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A model call: a judge's grade.
    Model(Box<RequestBody>),
    /// A model call whose reply holds for all cases of a run: it is made once.
    Once(Box<RequestBody>),
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
    /// A program or an endpoint of the user's own. Off unless allowed.
    Consult(Consultation),
}

impl Ask {
    /// The same question, whose reply holds for all cases.
    pub fn once(self) -> Self {
        match self {
            Self::Model(body) => Self::Once(body),
            other => other,
        }
    }

    /// Whether every case that asks this gets the same reply. What a judge says is drawn for each case by itself, so that
    /// equal questions of several cases count as several grades.
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Model(_) | Self::Consult(_) => false,
            Self::Once(_) | Self::Embed { .. } | Self::Moderate { .. } => true,
        }
    }

    /// The model that is asked, if one is.
    pub fn model(&self) -> Option<&ModelId> {
        match self {
            Self::Model(body) | Self::Once(body) => Some(&body.model),
            Self::Embed { model, .. } | Self::Moderate { model, .. } => Some(model),
            Self::Consult(_) => None,
        }
    }
}

/// Whom an assertion may ask, known before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asked {
    /// A model, and what for.
    Model(ModelId, Task),
    /// A program or an endpoint of the user's own.
    Consultant(Consultant),
}

/// A question to a program or an endpoint of the user's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consultation {
    /// Who is asked.
    pub whom: Consultant,
    /// The JSON it is given.
    pub input: Value,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

/// Who can be asked for a score beside models.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consultant {
    /// A program that reads lines of JSON and prints lines of JSON.
    Program {
        /// The program and its arguments, without a shell.
        command: Vec<String>,
        /// Where it runs: a folder, from the project's root.
        folder: String,
    },
    /// The address of an endpoint that takes JSON and answers JSON.
    Endpoint(String),
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
