//! What a model says, whatever the wire.

use serde_json::{Value, json};

/// One answer of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The model that is said to have answered.
    pub model: String,
    /// The text.
    pub text: String,
    /// Calls of tools, in order.
    pub calls: Vec<Called>,
    /// Why it stopped.
    pub finish: Finish,
    /// What it took.
    pub tokens: Tokens,
    /// Tokens that could have come first, the likeliest first; empty where nobody asked.
    pub likely: Vec<Likely>,
}

/// A token that could have come first.
#[derive(Debug, Clone, PartialEq)]
pub struct Likely {
    /// Its text.
    pub token: String,
    /// How likely it was, above 0 to 1.
    pub probability: f64,
}

impl Likely {
    /// What the wires tell: the natural logarithm.
    pub(crate) fn logprob(&self) -> f64 {
        self.probability.ln()
    }

    /// As OpenAI tells it on both its wires.
    pub(crate) fn of_openai(&self) -> Value {
        json!({"token": self.token, "logprob": self.logprob(), "bytes": self.token.as_bytes()})
    }
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// The tool.
    pub name: String,
    /// Its arguments, an object.
    pub arguments: Value,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Finish {
    /// It was done.
    #[default]
    Stop,
    /// It ran into the token limit.
    Length,
    /// A filter held the answer back.
    ContentFilter,
    /// It wants tools called.
    ToolCalls,
    /// It declined, in the wire's own way where it has one; the text is the reason.
    Refusal,
}

/// Tokens of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read, cached ones included.
    pub input: u64,
    /// Written, reasoning included.
    pub output: u64,
    /// Of the read ones, those from a cache.
    pub cached: u64,
    /// Of the written ones, those of hidden reasoning.
    pub reasoning: u64,
}

impl Said {
    /// A text that ended by itself; its tokens are unknown (0).
    pub fn text(model: &str, text: &str) -> Self {
        Self {
            model: model.to_owned(),
            text: text.to_owned(),
            calls: Vec::new(),
            finish: Finish::Stop,
            tokens: Tokens::default(),
            likely: Vec::new(),
        }
    }

    /// The first token with its alternatives, as OpenAI tells it on both its wires; nothing where nobody asked.
    pub(crate) fn logprobs_of_openai(&self) -> Option<Value> {
        let mut first = self.likely.first()?.of_openai();
        first["top_logprobs"] = self.likely.iter().map(Likely::of_openai).collect();
        Some(json!([first]))
    }

    /// The pieces in which the text is streamed: words with the space before them.
    pub(crate) fn words(&self) -> Vec<&str> {
        let starts = self.text.match_indices(' ').map(|(at, _)| at).filter(|at| *at > 0);
        let mut words = Vec::new();
        let mut from = 0;
        for start in starts {
            words.push(&self.text[from..start]);
            from = start;
        }
        if from < self.text.len() {
            words.push(&self.text[from..]);
        }
        words
    }
}

impl Tokens {
    /// Both together.
    pub(crate) fn total(&self) -> u64 {
        self.input + self.output
    }
}

/// About four characters a token, as a rule of thumb has it.
pub(crate) fn tokens_of(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}
