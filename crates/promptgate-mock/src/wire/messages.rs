//! Messages of Anthropic.

use serde_json::{Value, json};

use super::sse;
use crate::said::{Finish, Said, Tokens};

pub(super) fn whole(said: &Said) -> Value {
    let mut message = begun(said);
    message["content"] = blocks(said).into();
    message["stop_reason"] = finish(said.finish).into();
    message["usage"]["output_tokens"] = said.tokens.output.into();
    message
}

fn begun(said: &Said) -> Value {
    json!({
        "id": "msg_mock", "type": "message", "role": "assistant", "model": said.model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage(&said.tokens),
    })
}

/// What is read from the cache is not part of `input_tokens` here.
fn usage(tokens: &Tokens) -> Value {
    json!({
        "input_tokens": tokens.input - tokens.cached, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached, "output_tokens": 1,
    })
}

fn blocks(said: &Said) -> Vec<Value> {
    let text = (!said.text.is_empty()).then(|| json!({"type": "text", "text": said.text}));
    let call = |(index, called): (usize, &crate::said::Called)| json!({"type": "tool_use", "id": format!("toolu_{index}"), "name": called.name, "input": called.arguments});
    text.into_iter().chain(said.calls.iter().enumerate().map(call)).collect()
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
        Finish::ContentFilter | Finish::Refusal => "refusal",
    }
}

pub(super) fn streamed(said: &Said) -> Vec<String> {
    let event = |kind: &str, mut data: Value| {
        data["type"] = kind.into();
        sse(Some(kind), &data)
    };
    let mut events = vec![event("message_start", json!({"message": begun(said)})), event("ping", json!({}))];
    for (index, block) in blocks(said).into_iter().enumerate() {
        let (empty, deltas) = match block["type"].as_str() {
            Some("text") => {
                let delta = |word: &str| json!({"type": "text_delta", "text": word});
                (json!({"type": "text", "text": ""}), said.words().into_iter().map(delta).collect())
            }
            _ => {
                let delta = json!({"type": "input_json_delta", "partial_json": block["input"].to_string()});
                let mut empty = block.clone();
                empty["input"] = json!({});
                (empty, vec![delta])
            }
        };
        events.push(event("content_block_start", json!({"index": index, "content_block": empty})));
        let delta = |delta: Value| event("content_block_delta", json!({"index": index, "delta": delta}));
        events.extend(deltas.into_iter().map(delta));
        events.push(event("content_block_stop", json!({"index": index})));
    }
    let delta = json!({"stop_reason": finish(said.finish), "stop_sequence": null});
    events.push(event("message_delta", json!({"delta": delta, "usage": {"output_tokens": said.tokens.output}})));
    events.push(event("message_stop", json!({})));
    events
}
