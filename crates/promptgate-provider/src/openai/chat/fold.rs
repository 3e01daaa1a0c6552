//! The chunks of a streamed completion as a whole one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::FailedCall;
use crate::wire::{Event, Fold, Progress, cut_short, object_of};

/// The chunks so far.
#[derive(Default)]
pub(super) struct Chunks {
    model: Value,
    content: String,
    refusal: String,
    calls: BTreeMap<u64, Called>,
    finish: Value,
    usage: Value,
    error: Option<Value>,
}

#[derive(Default)]
struct Called {
    id: String,
    name: String,
    arguments: String,
}

impl Fold for Chunks {
    fn take(&mut self, event: Event) -> Result<Progress, FailedCall> {
        if event.data.trim() == "[DONE]" {
            return Ok(Progress::Done);
        }
        let chunk = Value::Object(object_of(&event)?);
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            self.error = Some(error.clone());
            return Ok(Progress::Done);
        }
        let keep = |old: &mut Value, new: &Value| {
            if !new.is_null() {
                old.clone_from(new);
            }
        };
        keep(&mut self.model, &chunk["model"]);
        keep(&mut self.usage, &chunk["usage"]);
        let choice = &chunk["choices"][0];
        keep(&mut self.finish, &choice["finish_reason"]);
        Ok(if self.delta(&choice["delta"]) { Progress::Said } else { Progress::Nothing })
    }

    fn finish(self: Box<Self>) -> Result<Value, FailedCall> {
        if let Some(error) = self.error {
            return Ok(json!({"error": error, "usage": self.usage}));
        }
        if self.finish.is_null() {
            return Err(cut_short());
        }
        let call = |called: Called| {
            let function = json!({"name": called.name, "arguments": called.arguments});
            json!({"id": called.id, "type": "function", "function": function})
        };
        let calls: Vec<Value> = self.calls.into_values().map(call).collect();
        let message = json!({"content": self.content, "refusal": self.refusal, "tool_calls": calls});
        let choice = json!({"message": message, "finish_reason": self.finish});
        Ok(json!({"model": self.model, "choices": [choice], "usage": self.usage}))
    }
}

impl Chunks {
    /// Adds a piece, and says whether there was one.
    fn delta(&mut self, delta: &Value) -> bool {
        let mut said = false;
        let mut add = |into: &mut String, piece: &Value| {
            let piece = piece.as_str().unwrap_or_default();
            said |= !piece.is_empty();
            into.push_str(piece);
        };
        add(&mut self.content, &delta["content"]);
        add(&mut self.refusal, &delta["refusal"]);
        for (place, call) in delta["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let called = self.calls.entry(call["index"].as_u64().unwrap_or(place as u64)).or_default();
            add(&mut called.id, &call["id"]);
            add(&mut called.name, &call["function"]["name"]);
            add(&mut called.arguments, &call["function"]["arguments"]);
        }
        said
    }
}
