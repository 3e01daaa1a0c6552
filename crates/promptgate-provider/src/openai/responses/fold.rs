//! The events of a streamed response: the last one carries the whole of it, unless a server leaves the output out there.

use serde_json::{Map, Value, json};

use super::reply;
use crate::FailedCall;
use crate::wire::{Event, Fold, Progress, cut_short, object_of, taken};

/// The events so far.
#[derive(Default)]
pub(super) struct Events {
    whole: Option<Value>,
    items: Vec<Item>,
}

/// An item of the output, as far as it came.
#[derive(Default)]
struct Item {
    /// Which one it is.
    key: Value,
    /// What it was last said to be.
    said: Value,
    text: String,
    refusal: String,
    arguments: String,
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
            kind => Ok(self.piece(kind, data)),
        }
    }

    fn finish(self: Box<Self>) -> Result<Value, FailedCall> {
        let mut whole = self.whole.ok_or_else(cut_short)?;
        let output = Value::from_iter(self.items.into_iter().map(Item::whole));
        if whole.is_object() && reply::says_nothing(&whole["output"]) && !reply::says_nothing(&output) {
            whole["output"] = output;
        }
        Ok(whole)
    }
}

impl Events {
    /// Adds a piece of the answer, where an event brings one; summaries of thoughts are none.
    fn piece(&mut self, kind: &str, mut data: Map<String, Value>) -> Progress {
        let (delta, item) = (taken(&mut data, "delta"), taken(&mut data, "item"));
        let delta = delta.as_str().unwrap_or_default();
        let into = self.item(&mut data, &item);
        match kind {
            "response.output_text.delta" => into.text.push_str(delta),
            "response.refusal.delta" => into.refusal.push_str(delta),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                into.arguments.push_str(delta)
            }
            "response.output_item.added" | "response.output_item.done" => {
                into.said = item;
                return Progress::Nothing;
            }
            _ => return Progress::Nothing,
        }
        Progress::Said
    }

    /// The item that an event is about: by its place, or by its id where a server does not number them.
    fn item(&mut self, data: &mut Map<String, Value>, item: &Value) -> &mut Item {
        let keys = [taken(data, "output_index"), taken(data, "item_id"), item["id"].clone()];
        let key = keys.into_iter().find(|key| !key.is_null()).unwrap_or_default();
        let at = self.items.iter().position(|item| item.key == key).unwrap_or_else(|| {
            self.items.push(Item { key, ..Item::default() });
            self.items.len() - 1
        });
        &mut self.items[at]
    }
}

impl Item {
    /// The item as it would have come whole: what it was said to be, completed by its pieces.
    fn whole(self) -> Value {
        let mut whole = self.said;
        let arguments = match whole["type"].as_str() {
            Some("function_call") => Some("arguments"),
            Some("custom_tool_call") => Some("input"),
            _ => None,
        };
        if let Some(arguments) = arguments {
            if whole[arguments].as_str().is_none_or(str::is_empty) {
                whole[arguments] = self.arguments.into();
            }
            return whole;
        }
        if reply::says_nothing(&json!([whole])) {
            return json!({"type": "message", "content": [{"text": self.text}, {"refusal": self.refusal}]});
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use promptgate_core::answer::{FinishReason, Response};
    use promptgate_core::secret::Scrubber;

    use super::*;

    fn read(events: &[Value]) -> Result<Response, FailedCall> {
        let mut fold = Box::new(Events::default());
        for event in events {
            fold.take(Event { name: String::new(), data: event.to_string() })?;
        }
        reply::read(&fold.finish()?, &Scrubber::new())
    }

    fn text(at: u64, delta: &str) -> Value {
        json!({"type": "response.output_text.delta", "output_index": at, "delta": delta})
    }

    fn completed(output: Value) -> Value {
        json!({"type": "response.completed", "response": {"status": "completed", "output": output}})
    }

    #[test]
    fn what_the_last_event_leaves_out_is_taken_from_the_events_before_it() {
        let reasons = json!([{"type": "reasoning", "summary": []}]);
        for output in [json!([]), Value::Null, reasons, json!([{"type": "message", "content": []}])] {
            let thought = json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "hm"});
            let response = read(&[thought, text(1, "Par"), text(1, "is"), completed(output)]).unwrap();
            assert_eq!((response.output.as_str(), response.finish_reason), ("Paris", FinishReason::Stop));
        }
        let declined = json!({"type": "response.refusal.delta", "item_id": "a", "delta": "No."});
        let response = read(&[declined, completed(json!([]))]).unwrap();
        assert_eq!((response.output.as_str(), response.finish_reason), ("No.", FinishReason::ContentFilter));
        let cut = json!({"type": "response.incomplete", "response": {
            "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [],
        }});
        let response = read(&[text(0, "Par"), cut]).unwrap();
        assert_eq!((response.output.as_str(), response.finish_reason), ("Par", FinishReason::Length));
    }

    #[test]
    fn calls_that_the_last_event_leaves_out_are_taken_from_those_that_ended_them() {
        let item = |word: &str, at: u64, arguments: &str| {
            let call = json!({"type": "function_call", "id": format!("fc_{at}"), "call_id": format!("call_{at}"),
                "name": "look", "arguments": arguments});
            json!({"type": format!("response.output_item.{word}"), "output_index": at, "item": call})
        };
        let delta = |at: u64, delta: &str| json!({"type": "response.function_call_arguments.delta", "output_index": at, "delta": delta});
        let events = [item("added", 0, ""), delta(0, "{\"at\""), delta(0, ":1}"), item("done", 0, "{\"at\":1}")];
        let second = [item("added", 1, ""), delta(1, "{\"at\":2}")];
        let events: Vec<Value> = events.into_iter().chain(second).chain([completed(json!([]))]).collect();
        let response = read(&events).unwrap();
        let calls: Vec<_> = response.tool_calls.iter().map(|call| (call.id.as_deref(), &call.arguments)).collect();
        assert_eq!(calls, [(Some("call_0"), &json!({"at": 1})), (Some("call_1"), &json!({"at": 2}))]);
        assert_eq!(response.finish_reason, FinishReason::ToolCalls);
        let custom = json!({"type": "custom_tool_call", "call_id": "c", "name": "run", "input": ""});
        let added = json!({"type": "response.output_item.added", "output_index": 0, "item": custom});
        let input = json!({"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "42"});
        let response = read(&[added, input, completed(json!([]))]).unwrap();
        assert_eq!((response.tool_calls[0].name.as_str(), &response.tool_calls[0].arguments), ("run", &json!("42")));
    }

    #[test]
    fn what_the_last_event_says_is_what_counts() {
        let output = json!([{"type": "message", "content": [{"type": "output_text", "text": "Paris"}]}]);
        assert_eq!(read(&[text(0, "Par"), completed(output)]).unwrap().output, "Paris");
        assert_eq!(read(&[completed(json!([]))]).unwrap().output, "");
    }
}
