//! Chat Completions.

use serde_json::{Value, json};

use super::sse;
use crate::said::{Called, Finish, Said, Tokens};

pub(super) fn whole(said: &Said) -> Value {
    let logprobs = said.logprobs_of_openai().map(|content| json!({"content": content, "refusal": null}));
    json!({
        "id": "chatcmpl-mock", "object": "chat.completion", "created": 1, "model": said.model,
        "choices": [{"index": 0, "message": message(said), "finish_reason": finish(said.finish), "logprobs": logprobs}],
        "usage": usage(&said.tokens),
    })
}

fn message(said: &Said) -> Value {
    let is_refusal = said.finish == Finish::Refusal;
    let text = if said.text.is_empty() && !said.calls.is_empty() { Value::Null } else { said.text.as_str().into() };
    let (content, refusal) = if is_refusal { (Value::Null, text) } else { (text, Value::Null) };
    let mut message = json!({"role": "assistant", "content": content, "refusal": refusal});
    if !said.calls.is_empty() {
        message["tool_calls"] = said.calls.iter().enumerate().map(|(index, each)| call(index, each)).collect();
    }
    message
}

fn call(index: usize, called: &Called) -> Value {
    let function = json!({"name": called.name, "arguments": called.arguments.to_string()});
    json!({"id": format!("call_{index}"), "type": "function", "function": function})
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Refusal => "stop",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        Finish::ToolCalls => "tool_calls",
    }
}

fn usage(tokens: &Tokens) -> Value {
    json!({
        "prompt_tokens": tokens.input, "completion_tokens": tokens.output, "total_tokens": tokens.total(),
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    })
}

pub(super) fn streamed(said: &Said, with_usage: bool) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1, "model": said.model,
            "choices": choices,
        });
        if with_usage {
            chunk["usage"] = usage;
        }
        sse(None, &chunk)
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": null}]), Value::Null)
    };
    let key = if said.finish == Finish::Refusal { "refusal" } else { "content" };
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)];
    events.extend(said.words().into_iter().map(|word| delta(json!({key: word}), Value::Null)));
    for (index, called) in said.calls.iter().enumerate() {
        let arguments = called.arguments.to_string();
        let half = (0..=arguments.len() / 2).rev().find(|at| arguments.is_char_boundary(*at)).unwrap_or(0);
        let function = json!({"name": called.name, "arguments": arguments[..half]});
        let first = json!({"index": index, "id": format!("call_{index}"), "type": "function", "function": function});
        let rest = json!({"index": index, "function": {"arguments": arguments[half..]}});
        events.extend([first, rest].map(|part| delta(json!({"tool_calls": [part]}), Value::Null)));
    }
    events.push(delta(json!({}), finish(said.finish).into()));
    if with_usage {
        events.push(chunk(json!([]), usage(&said.tokens)));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}
