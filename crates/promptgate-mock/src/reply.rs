//! What is sent back, and how.

use std::time::Duration;

use serde_json::{Value, json};

use crate::said::{Said, Tokens};
use crate::wire::Wire;

/// What is sent back, and how.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Where each piece of the body ends; a reply that is not streamed has one.
    pub(crate) pieces: Vec<usize>,
    pub(crate) latency: Duration,
    /// The pause before each piece but the first.
    pub(crate) pace: Duration,
    pub(crate) delivery: Delivery,
}

/// How a reply is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As it should be.
    Whole,
    /// Nothing is sent, and the connection stays open.
    Silence,
    /// The connection is closed before the first byte.
    Hangup,
    /// The connection is closed after so many bytes of the body.
    CutAfter(usize),
    /// After so many bytes of the body nothing more comes, and the connection stays open.
    StallAfter(usize),
    /// So many bytes at a time.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// The pause between them.
        every: Duration,
    },
}

impl Reply {
    /// Any JSON, status 200.
    pub fn json(body: &Value) -> Self {
        Self::raw(body.to_string()).header("content-type", "application/json")
    }

    /// Any bytes, status 200, no content type.
    pub fn raw(body: impl Into<Vec<u8>>) -> Self {
        Self::pieces(vec![body.into()])
    }

    /// Bytes that are sent piece by piece, status 200, no content type.
    pub fn pieces(pieces: Vec<Vec<u8>>) -> Self {
        let ends = pieces.iter().scan(0, |end, piece| {
            *end += piece.len();
            Some(*end)
        });
        Self {
            status: 200,
            headers: Vec::new(),
            pieces: ends.collect(),
            body: pieces.concat(),
            latency: Duration::ZERO,
            pace: Duration::ZERO,
            delivery: Delivery::Whole,
        }
    }

    /// A chat completion with this text: 11 tokens read, 7 written.
    pub fn answer(text: &str) -> Self {
        let tokens = Tokens { input: 11, output: 7, ..Tokens::default() };
        Wire::Chat.whole(&Said { tokens, ..Said::text("mock-1", text) })
    }

    /// A refusal in OpenAI's shape.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(&json!({"error": {"message": message, "type": code, "code": code, "param": null}})).status(status)
    }

    /// With another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sent after a while.
    #[must_use]
    pub fn after(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// With a pause between the pieces.
    #[must_use]
    pub fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Sent in another way.
    #[must_use]
    pub fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// The bytes of the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}
