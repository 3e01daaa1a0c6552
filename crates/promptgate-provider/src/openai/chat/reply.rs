//! A chat completion, read leniently: servers differ in what they leave out, and what we do not need may have any shape.

use promptgate_core::answer::{FailureKind, FinishReason, Response, ToolCall, Usage};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::FailedCall;
use crate::wire::{error_in, inside, parsed};

/// How servers end an answer that they could not go on with.
const BROKEN_OFF: [&str; 3] = ["error", "abort", "insufficient_system_resource"];

/// Reads a reply that is known to be JSON.
pub(in crate::openai) fn read(reply: &Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
    let usage = usage(counts(reply));
    let failed = |failed: FailedCall| FailedCall { usage, ..failed };
    if let Some(error) = error_in(reply) {
        return Err(failed(inside(error, scrubber).into()));
    }
    let choice = &reply["choices"][0];
    if let Some(error) = error_in(choice) {
        return Err(failed(inside(error, scrubber).into()));
    }
    let finish = choice["finish_reason"].as_str().unwrap_or("stop");
    if BROKEN_OFF.contains(&finish) {
        let message = format!("the server broke the answer off (`{finish}`)");
        return Err(failed(FailedCall::new(FailureKind::Server, message)));
    }
    let message = &choice["message"];
    if !message.is_object() {
        return Err(failed(FailedCall::new(FailureKind::Server, "a reply without a message")));
    }
    let refusal = message["refusal"].as_str().filter(|text| !text.is_empty());
    let output = content(&message["content"]);
    let is_refusal = refusal.is_some() && output.is_empty();
    let tool_calls = tool_calls(message);
    let reason = match finish {
        _ if is_refusal => "refusal",
        // What a call of a demanded tool ends with.
        "stop" if !tool_calls.is_empty() => "tool_calls",
        finish => finish,
    };
    Ok(Response {
        tool_calls,
        finish_reason: FinishReason::normalise(&scrubber.scrub(reason)),
        usage,
        returned_model: returned_model(reply),
        ..Response::text(if is_refusal { refusal.unwrap_or_default().to_owned() } else { output })
    })
}

/// Who answered. A router of many servers names the one that it took: two of them are not one model.
fn returned_model(reply: &Value) -> Option<String> {
    let model = reply["model"].as_str()?;
    Some(reply["provider"].as_str().map_or_else(|| model.to_owned(), |server| format!("{model} at {server}")))
}

/// A text, or a list of parts whose texts are joined; thoughts are no part of the answer.
pub(super) fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The calls of a message; or the one call that older servers have room for, which some say beside the calls.
fn tool_calls(message: &Value) -> Vec<ToolCall> {
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let calls: Vec<ToolCall> = calls.iter().filter_map(tool_call).collect();
    if calls.is_empty() { function(&message["function_call"], None).into_iter().collect() } else { calls }
}

fn tool_call(call: &Value) -> Option<ToolCall> {
    custom(&call["custom"], id(&call["id"])).or_else(|| function(&call["function"], id(&call["id"])))
}

fn function(called: &Value, id: Option<String>) -> Option<ToolCall> {
    Some(ToolCall { name: called["name"].as_str()?.to_owned(), arguments: arguments(&called["arguments"]), id })
}

/// A call of a tool that takes any text: one that reads as JSON is a text all the same.
pub(crate) fn custom(called: &Value, id: Option<String>) -> Option<ToolCall> {
    Some(ToolCall { name: called["name"].as_str()?.to_owned(), arguments: called["input"].clone(), id })
}

/// Arguments come as JSON inside a text; a text that is not JSON is kept as it is.
pub(crate) fn arguments(arguments: &Value) -> Value {
    let parsed = arguments.as_str().and_then(|text| parsed(text.as_bytes()).ok());
    parsed.unwrap_or_else(|| arguments.clone())
}

fn id(id: &Value) -> Option<String> {
    id.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// The counts of a reply or a chunk: at their own place, in its choice (Moonshot), or under a server's own name (Groq).
pub(super) fn counts(reply: &Value) -> &Value {
    let places = [&reply["usage"], &reply["choices"][0]["usage"], &reply["x_groq"]["usage"]];
    places.into_iter().find(|counts| !counts.is_null()).unwrap_or(&Value::Null)
}

fn usage(usage: &Value) -> Option<Usage> {
    let count = |value: &Value| value.as_u64();
    let input_tokens = count(&usage["prompt_tokens"])?;
    let written = count(&usage["completion_tokens"]).unwrap_or_default();
    let reasoning_tokens = count(&usage["completion_tokens_details"]["reasoning_tokens"]).unwrap_or_default();
    // xAI counts thoughts beside the answer; the sum tells.
    let both = written.saturating_add(reasoning_tokens);
    let is_beside = count(&usage["total_tokens"]) == Some(input_tokens.saturating_add(both));
    // As OpenAI, DeepSeek and Moonshot call them.
    let details = &usage["prompt_tokens_details"];
    let cached = [&details["cached_tokens"], &usage["prompt_cache_hit_tokens"], &usage["cached_tokens"]];
    Some(Usage {
        input_tokens,
        output_tokens: if is_beside { both } else { written },
        cached_input_tokens: cached.into_iter().find_map(count).unwrap_or_default(),
        // As OpenRouter and LiteLLM call them.
        cache_creation_input_tokens: [&details["cache_write_tokens"], &details["cache_creation_tokens"]]
            .into_iter()
            .find_map(count)
            .unwrap_or_default(),
        reasoning_tokens,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_that_a_router_wrote_to_a_cache_are_told_apart() {
        for name in ["cache_write_tokens", "cache_creation_tokens"] {
            let counts = json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {name: 7}});
            assert_eq!(usage(&counts).unwrap().cache_creation_input_tokens, 7, "{name}");
        }
    }

    #[test]
    fn tokens_are_counted_as_each_server_counts_them() {
        let check = |counts: Value, expected: [u64; 4]| {
            let Usage { input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, .. } =
                usage(&counts).unwrap();
            assert_eq!([input_tokens, output_tokens, cached_input_tokens, reasoning_tokens], expected, "{counts}");
        };
        let thoughts = json!({"reasoning_tokens": 94});
        // OpenAI: thoughts are among what was written. xAI: beside it.
        check(
            json!({"prompt_tokens": 32, "completion_tokens": 103, "total_tokens": 135, "completion_tokens_details": thoughts}),
            [32, 103, 0, 94],
        );
        check(
            json!({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135, "completion_tokens_details": thoughts}),
            [32, 103, 0, 94],
        );
        // DeepSeek and Moonshot name what was cached otherwise.
        check(
            json!({"prompt_tokens": 1000, "completion_tokens": 5, "prompt_cache_hit_tokens": 900}),
            [1000, 5, 900, 0],
        );
        check(json!({"prompt_tokens": 1000, "completion_tokens": 5, "cached_tokens": 900}), [1000, 5, 900, 0]);
    }

    #[test]
    fn a_router_says_which_server_it_took() {
        let reply = json!({"model": "openai/gpt-4.1", "provider": "Azure", "choices": [{"message": {"content": "x"}}]});
        let response = read(&reply, &Scrubber::new()).unwrap();
        assert_eq!(response.returned_model.as_deref(), Some("openai/gpt-4.1 at Azure"));
    }

    #[test]
    fn calls_of_every_form_are_calls() {
        let called = |message: Value, finish: &str| {
            let reply = json!({"choices": [{"finish_reason": finish, "message": message}]});
            let response = read(&reply, &Scrubber::new()).unwrap();
            assert_eq!(response.finish_reason, FinishReason::ToolCalls);
            response.tool_calls.into_iter().map(|call| (call.name, call.arguments, call.id)).collect::<Vec<_>>()
        };
        let look = |id: Option<&str>| ("look".to_owned(), json!({"at": 1}), id.map(str::to_owned));
        let function = json!({"name": "look", "arguments": "{\"at\":1}"});
        assert_eq!(called(json!({"content": null, "function_call": function}), "function_call"), [look(None)]);
        let both = json!({"function_call": function, "tool_calls": [{"id": "a", "function": function}]});
        assert_eq!(called(both, "tool_calls"), [look(Some("a"))]);
        let custom = json!({"id": "b", "type": "custom", "custom": {"name": "run", "input": "42"}});
        let custom = json!({"tool_calls": [custom, {"id": "a", "type": "function", "function": function}]});
        let run = ("run".to_owned(), json!("42"), Some("b".to_owned()));
        assert_eq!(called(custom, "tool_calls"), [run, look(Some("a"))]);
    }

    #[test]
    fn a_call_of_a_demanded_tool_wants_tools_called() {
        let call = json!({"id": "c", "function": {"name": "look", "arguments": "{}"}});
        let reply = json!({"choices": [{"finish_reason": "stop", "message": {"content": null, "tool_calls": [call]}}]});
        assert_eq!(read(&reply, &Scrubber::new()).unwrap().finish_reason, FinishReason::ToolCalls);
    }
}
