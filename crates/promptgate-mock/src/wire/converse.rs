//! Converse of Bedrock.

use serde_json::{Value, json};

use crate::event_stream::event;
use crate::said::{Finish, Said, Tokens};

pub(super) fn whole(said: &Said) -> Value {
    let text = (!said.text.is_empty()).then(|| json!({"text": said.text}));
    let content: Vec<Value> = text.into_iter().chain(calls(said)).collect();
    json!({
        "output": {"message": {"role": "assistant", "content": content}}, "stopReason": finish(said.finish),
        "usage": usage(&said.tokens), "metrics": {"latencyMs": 1},
    })
}

fn calls(said: &Said) -> impl Iterator<Item = Value> {
    said.calls.iter().enumerate().map(|(index, called)| {
        json!({"toolUse": {"toolUseId": format!("tooluse_{index}"), "name": called.name, "input": called.arguments}})
    })
}

/// What is read from the cache is not part of `inputTokens` here.
fn usage(tokens: &Tokens) -> Value {
    json!({
        "inputTokens": tokens.input - tokens.cached, "outputTokens": tokens.output,
        "cacheReadInputTokens": tokens.cached, "totalTokens": tokens.total(),
    })
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
        Finish::ContentFilter => "guardrail_intervened",
        Finish::Refusal => "content_filtered",
    }
}

pub(super) fn streamed(said: &Said) -> Vec<Vec<u8>> {
    let mut events = vec![event("messageStart", &json!({"role": "assistant"}))];
    let mut index = 0;
    if !said.text.is_empty() {
        let delta = |word| event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": word}}));
        events.extend(said.words().into_iter().map(delta));
        events.push(event("contentBlockStop", &json!({"contentBlockIndex": 0})));
        index = 1;
    }
    for call in calls(said) {
        let call = &call["toolUse"];
        let start = json!({"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}});
        events.push(event("contentBlockStart", &json!({"contentBlockIndex": index, "start": start})));
        let delta = json!({"toolUse": {"input": call["input"].to_string()}});
        events.push(event("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": delta})));
        events.push(event("contentBlockStop", &json!({"contentBlockIndex": index})));
        index += 1;
    }
    events.push(event("messageStop", &json!({"stopReason": finish(said.finish)})));
    events.push(event("metadata", &json!({"usage": usage(&said.tokens), "metrics": {"latencyMs": 1}})));
    events
}
