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
        // A call of a tool has no text and says something all the same; a thought is no part of the answer.
        let is_said = |part: &Value| part["thought"] != true && part["text"].as_str() != Some("");
        let said = parts.iter().any(is_said);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thought_is_not_the_first_piece_of_the_answer() {
        let mut fold = Chunks::default();
        let mut progress = |part: Value| {
            let chunk = json!({"candidates": [{"content": {"parts": [part]}}]});
            fold.take(Event { name: String::new(), data: chunk.to_string() }).unwrap()
        };
        assert_eq!(progress(json!({"text": "hm", "thought": true})), Progress::Nothing);
        assert_eq!(progress(json!({"text": "", "thoughtSignature": "x"})), Progress::Nothing);
        assert_eq!(progress(json!({"text": "Paris"})), Progress::Said);
        assert_eq!(progress(json!({"functionCall": {"name": "look"}})), Progress::Said);
    }
}
