//! The events of a streamed message as a whole one.

use serde_json::{Map, Value, json};

use crate::FailedCall;
use crate::wire::{Event, Fold, Progress, cut_short, object_of, parsed, taken};

/// The events so far.
#[derive(Default)]
pub(super) struct Events {
    message: Map<String, Value>,
    usage: Map<String, Value>,
    blocks: Vec<Block>,
    is_done: bool,
    error: Option<Value>,
}

/// A block of the content: how it began, and what was added to its text or its input.
struct Block {
    begun: Value,
    added: String,
}

impl Fold for Events {
    fn take(&mut self, event: Event) -> Result<Progress, FailedCall> {
        let mut data = object_of(&event)?;
        let kind = taken(&mut data, "type");
        match kind.as_str().unwrap_or(&event.name) {
            "message_start" => {
                if let Value::Object(mut message) = taken(&mut data, "message") {
                    self.take_usage(&taken(&mut message, "usage"));
                    self.message = message;
                }
            }
            "content_block_start" => {
                self.blocks.push(Block { begun: taken(&mut data, "content_block"), added: String::new() });
            }
            "content_block_delta" => return Ok(self.delta(&data.into())),
            "message_delta" => {
                // Counts here are of the whole message; those not repeated stand as they were.
                self.take_usage(&taken(&mut data, "usage"));
                let stop = taken(&mut data, "delta")["stop_reason"].clone();
                self.message.insert("stop_reason".to_owned(), stop);
            }
            "message_stop" => {
                self.is_done = true;
                return Ok(Progress::Done);
            }
            "error" => {
                self.error = Some(taken(&mut data, "error"));
                return Ok(Progress::Done);
            }
            _ => {}
        }
        Ok(Progress::Nothing)
    }

    fn finish(mut self: Box<Self>) -> Result<Value, FailedCall> {
        if let Some(error) = self.error {
            return Ok(json!({"error": error, "usage": self.usage}));
        }
        if !self.is_done || self.message.is_empty() {
            return Err(cut_short());
        }
        self.message.insert("content".to_owned(), self.blocks.into_iter().map(Block::whole).collect());
        self.message.insert("usage".to_owned(), self.usage.into());
        Ok(self.message.into())
    }
}

impl Events {
    fn take_usage(&mut self, usage: &Value) {
        let counts = usage.as_object().into_iter().flatten().filter(|(_, count)| !count.is_null());
        self.usage.extend(counts.map(|(key, count)| (key.clone(), count.clone())));
    }

    fn delta(&mut self, data: &Value) -> Progress {
        let index = data["index"].as_u64().and_then(|index| usize::try_from(index).ok());
        let Some(block) = index.and_then(|index| self.blocks.get_mut(index)) else { return Progress::Nothing };
        // Thoughts and signatures are no part of the answer.
        let piece = ["text", "partial_json"].iter().find_map(|key| data["delta"][*key].as_str()).unwrap_or_default();
        block.added.push_str(piece);
        if piece.is_empty() { Progress::Nothing } else { Progress::Said }
    }
}

impl Block {
    fn whole(self) -> Value {
        let mut block = self.begun;
        match block["type"].as_str() {
            Some("text") => {
                block["text"] = format!("{}{}", block["text"].as_str().unwrap_or_default(), self.added).into()
            }
            Some("tool_use") if !self.added.is_empty() => {
                // Arguments that are not JSON are kept as the text they are.
                block["input"] = parsed(self.added.as_bytes()).unwrap_or_else(|_| self.added.into());
            }
            _ => {}
        }
        block
    }
}
