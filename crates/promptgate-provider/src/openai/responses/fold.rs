//! The events of a streamed response: the last one carries the whole of it.

use serde_json::{Value, json};

use crate::FailedCall;
use crate::wire::{Event, Fold, Progress, cut_short, object_of, taken};

/// The events that bring a piece of the answer; summaries of thoughts are none.
const PIECES: [&str; 3] =
    ["response.output_text.delta", "response.refusal.delta", "response.function_call_arguments.delta"];

/// The events so far.
#[derive(Default)]
pub(super) struct Events {
    whole: Option<Value>,
}

impl Fold for Events {
    fn take(&mut self, event: Event) -> Result<Progress, FailedCall> {
        if event.data.trim() == "[DONE]" {
            return Ok(Progress::Done);
        }
        let mut data = object_of(&event)?;
        let kind = taken(&mut data, "type");
        match kind.as_str().unwrap_or(&event.name) {
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.whole = Some(taken(&mut data, "response"));
                Ok(Progress::Done)
            }
            "error" => {
                // Some servers put the error into a key of its own, some say it beside the type.
                let nested = taken(&mut data, "error");
                self.whole = Some(json!({"error": if nested.is_null() { data.into() } else { nested }}));
                Ok(Progress::Done)
            }
            kind if PIECES.contains(&kind) => Ok(Progress::Said),
            _ => Ok(Progress::Nothing),
        }
    }

    fn finish(self: Box<Self>) -> Result<Value, FailedCall> {
        self.whole.ok_or_else(cut_short)
    }
}
