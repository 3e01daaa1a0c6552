//! The chunks of a streamed answer as a whole one: each is an answer with a part of the text.

use serde_json::{Map, Value, json};

use crate::FailedCall;
use crate::wire::{Event, Fold, Progress, cut_short, object_of};

/// The chunks so far: what each key was last said to be, with the parts of all.
#[derive(Default)]
pub(super) struct Chunks {
    last: Map<String, Value>,
    parts: Vec<Value>,
    finish: Value,
    is_ended: bool,
}

impl Fold for Chunks {
    fn take(&mut self, event: Event) -> Result<Progress, FailedCall> {
        let chunk_of = object_of(&event)?;
        let chunk = |key: &str| chunk_of.get(key).unwrap_or(&Value::Null);
        let candidate = &chunk("candidates")[0];
        let is_refused = !chunk("error").is_null() || !chunk("promptFeedback")["blockReason"].is_null();
        let finish = candidate["finishReason"].clone();
        let parts = candidate["content"]["parts"].as_array().cloned().unwrap_or_default();
        self.is_ended |= is_refused || !finish.is_null();
        if !finish.is_null() {
            self.finish = finish;
        }
        // A call of a tool has no text and says something all the same.
        let said = parts.iter().any(|part| part["text"].as_str().is_none_or(|text| !text.is_empty()));
        self.parts.extend(parts);
        self.last.extend(chunk_of);
        Ok(if said { Progress::Said } else { Progress::Nothing })
    }

    fn finish(mut self: Box<Self>) -> Result<Value, FailedCall> {
        if !self.is_ended {
            return Err(cut_short());
        }
        // A refused prompt has no candidate.
        if !self.parts.is_empty() || !self.finish.is_null() {
            let candidate = json!({"content": {"parts": self.parts}, "finishReason": self.finish});
            self.last.insert("candidates".to_owned(), json!([candidate]));
        }
        Ok(self.last.into())
    }
}
