//! Responses.

use serde_json::{Value, json};

use super::sse;
use crate::said::{Finish, Said, Tokens};

pub(super) fn whole(said: &Said) -> Value {
    response(said, status(said.finish), output(said), usage(&said.tokens))
}

fn response(said: &Said, status: &str, output: Value, usage: Value) -> Value {
    let incomplete = match said.finish {
        Finish::Length if status == "incomplete" => json!({"reason": "max_output_tokens"}),
        Finish::ContentFilter if status == "incomplete" => json!({"reason": "content_filter"}),
        _ => Value::Null,
    };
    json!({
        "id": "resp_mock", "object": "response", "created_at": 1, "status": status, "model": said.model,
        "output": output, "usage": usage, "error": null, "incomplete_details": incomplete, "instructions": null,
        "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto",
        "tools": [], "store": false,
    })
}

fn status(finish: Finish) -> &'static str {
    match finish {
        Finish::Length | Finish::ContentFilter => "incomplete",
        Finish::Stop | Finish::ToolCalls | Finish::Refusal => "completed",
    }
}

fn usage(tokens: &Tokens) -> Value {
    json!({
        "input_tokens": tokens.input, "input_tokens_details": {"cached_tokens": tokens.cached},
        "output_tokens": tokens.output, "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total(),
    })
}

fn part(said: &Said, text: &str) -> Value {
    match said.finish {
        Finish::Refusal => json!({"type": "refusal", "refusal": text}),
        _ => {
            let logprobs = said.logprobs_of_openai().unwrap_or_else(|| json!([]));
            json!({"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs})
        }
    }
}

fn output(said: &Said) -> Value {
    let mut items = Vec::new();
    if !said.text.is_empty() || said.calls.is_empty() {
        items.push(message(said, "completed", &[part(said, &said.text)]));
    }
    for (index, called) in said.calls.iter().enumerate() {
        items.push(json!({
            "type": "function_call", "id": format!("fc_{index}"), "call_id": format!("call_{index}"),
            "name": called.name, "arguments": called.arguments.to_string(), "status": "completed",
        }));
    }
    items.into()
}

fn message(said: &Said, status: &str, content: &[Value]) -> Value {
    let status = if said.finish == Finish::Length && status == "completed" { "incomplete" } else { status };
    json!({"type": "message", "id": "msg_mock", "role": "assistant", "status": status, "content": content})
}

pub(super) fn streamed(said: &Said) -> Vec<String> {
    let mut events: Vec<(&str, Value)> = Vec::new();
    let begun = response(said, "in_progress", json!([]), Value::Null);
    events.push(("response.created", json!({"response": begun})));
    events.push(("response.in_progress", json!({"response": begun})));
    let items = output(said);
    for (index, item) in items.as_array().into_iter().flatten().enumerate() {
        match item["type"].as_str() {
            Some("message") => message_events(said, index, item, &mut events),
            _ => call_events(index, item, &mut events),
        }
    }
    let last = if status(said.finish) == "incomplete" { "response.incomplete" } else { "response.completed" };
    events.push((last, json!({"response": whole(said)})));
    let numbered = events.into_iter().enumerate().map(|(number, (kind, mut data))| {
        data["type"] = kind.into();
        data["sequence_number"] = number.into();
        sse(Some(kind), &data)
    });
    numbered.collect()
}

fn message_events(said: &Said, index: usize, item: &Value, events: &mut Vec<(&'static str, Value)>) {
    let at = |more: Value| {
        let mut data = json!({"output_index": index, "item_id": "msg_mock", "content_index": 0});
        more.as_object().into_iter().flatten().for_each(|(key, value)| data[key] = value.clone());
        data
    };
    let (delta, done, key) = match said.finish {
        Finish::Refusal => ("response.refusal.delta", "response.refusal.done", "refusal"),
        _ => ("response.output_text.delta", "response.output_text.done", "text"),
    };
    events.push((
        "response.output_item.added",
        json!({"output_index": index, "item": message(said, "in_progress", &[])}),
    ));
    events.push(("response.content_part.added", at(json!({"part": part(said, "")}))));
    events.extend(said.words().into_iter().map(|word| (delta, at(json!({"delta": word, "logprobs": []})))));
    events.push((done, at(json!({key: said.text, "logprobs": []}))));
    events.push(("response.content_part.done", at(json!({"part": part(said, &said.text)}))));
    events.push(("response.output_item.done", json!({"output_index": index, "item": item})));
}

fn call_events(index: usize, item: &Value, events: &mut Vec<(&'static str, Value)>) {
    let at = |key: &str, value: &Value| json!({"output_index": index, "item_id": item["id"], key: value});
    let mut begun = item.clone();
    begun["arguments"] = "".into();
    begun["status"] = "in_progress".into();
    events.push(("response.output_item.added", json!({"output_index": index, "item": begun})));
    events.push(("response.function_call_arguments.delta", at("delta", &item["arguments"])));
    let mut done = at("arguments", &item["arguments"]);
    done["name"] = item["name"].clone();
    events.push(("response.function_call_arguments.done", done));
    events.push(("response.output_item.done", json!({"output_index": index, "item": item})));
}
