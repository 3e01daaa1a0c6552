//! The events of a streamed answer as a whole one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::FailedCall;
use crate::wire::{Event, Fold, Progress, cut_short, object_of, parsed, taken};

/// The events so far.
#[derive(Default)]
pub(super) struct Events {
    blocks: BTreeMap<u64, Block>,
    stop: Value,
    usage: Value,
    error: Option<Value>,
}

/// A block of the content: the call it is, if it is one, and what was added to its text or its input.
#[derive(Default)]
struct Block {
    call: Option<Map<String, Value>>,
    added: String,
}

impl Fold for Events {
    fn take(&mut self, event: Event) -> Result<Progress, FailedCall> {
        let mut data = object_of(&event)?;
        if let Some(word) = event.name.strip_prefix("exception:") {
            self.error = Some(json!({"type": word, "message": taken(&mut data, "message"), "code": status(word)}));
            return Ok(Progress::Done);
        }
        let index = taken(&mut data, "contentBlockIndex").as_u64().unwrap_or_default();
        match event.name.as_str() {
            "contentBlockStart" => {
                let call = taken(&mut data, "start")["toolUse"].clone();
                self.blocks.entry(index).or_default().call = call.as_object().cloned();
            }
            "contentBlockDelta" => {
                let delta = taken(&mut data, "delta");
                let piece = delta["text"].as_str().or(delta["toolUse"]["input"].as_str()).unwrap_or_default();
                self.blocks.entry(index).or_default().added.push_str(piece);
                return Ok(if piece.is_empty() { Progress::Nothing } else { Progress::Said });
            }
            "messageStop" => self.stop = taken(&mut data, "stopReason"),
            "metadata" => {
                self.usage = taken(&mut data, "usage");
                return Ok(Progress::Done);
            }
            _ => {}
        }
        Ok(Progress::Nothing)
    }

    fn finish(self: Box<Self>) -> Result<Value, FailedCall> {
        if let Some(error) = self.error {
            return Ok(json!({"error": error, "usage": self.usage}));
        }
        if self.stop.is_null() {
            return Err(cut_short());
        }
        let content: Vec<Value> = self.blocks.into_values().map(Block::whole).collect();
        Ok(json!({"output": {"message": {"content": content}}, "stopReason": self.stop, "usage": self.usage}))
    }
}

/// The status that an exception inside a stream would have had before it.
fn status(word: &str) -> u16 {
    match word {
        "throttlingException" | "ThrottlingException" => 429,
        "validationException" | "ValidationException" => 400,
        "serviceUnavailableException" | "ServiceUnavailableException" => 503,
        _ => 500,
    }
}

impl Block {
    fn whole(self) -> Value {
        let Some(mut call) = self.call else { return json!({"text": self.added}) };
        // Arguments that are not JSON are kept as the text they are; none at all are an empty object.
        let text = if self.added.is_empty() { "{}".to_owned() } else { self.added };
        let input = parsed(text.as_bytes()).unwrap_or_else(|_| text.into());
        call.insert("input".to_owned(), input);
        json!({"toolUse": call})
    }
}
