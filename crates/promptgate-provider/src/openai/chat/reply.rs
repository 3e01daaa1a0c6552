//! A chat completion, read leniently: servers differ in what they leave out, and what we do not need may have any shape.

use promptgate_core::answer::{FailureKind, FinishReason, Response, ToolCall, Usage};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::FailedCall;
use crate::wire::inside;

/// Reads a reply that is known to be JSON.
pub(in crate::openai) fn read(reply: &Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
    let usage = usage(&reply["usage"]);
    let failed = |failed: FailedCall| FailedCall { usage, ..failed };
    if let Some(error) = reply.get("error").filter(|error| !error.is_null()) {
        return Err(failed(inside(error, scrubber).into()));
    }
    let choice = &reply["choices"][0];
    let message = &choice["message"];
    if !message.is_object() {
        return Err(failed(FailedCall::new(FailureKind::Server, "a reply without a message")));
    }
    let refusal = message["refusal"].as_str().filter(|text| !text.is_empty());
    let output = content(&message["content"]);
    let is_refusal = refusal.is_some() && output.is_empty();
    let reason = if is_refusal { "refusal" } else { choice["finish_reason"].as_str().unwrap_or("stop") };
    Ok(Response {
        tool_calls: tool_calls(message),
        finish_reason: FinishReason::normalise(&scrubber.scrub(reason)),
        usage,
        returned_model: reply["model"].as_str().map(str::to_owned),
        ..Response::text(if is_refusal { refusal.unwrap_or_default().to_owned() } else { output })
    })
}

/// A text, or a list of parts whose texts are joined.
fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn tool_calls(message: &Value) -> Vec<ToolCall> {
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let call = |call: &Value| {
        let name = call["function"]["name"].as_str()?.to_owned();
        Some(ToolCall { name, arguments: arguments(&call["function"]["arguments"]), id: id(&call["id"]) })
    };
    calls.iter().filter_map(call).collect()
}

/// Arguments come as JSON inside a text; a text that is not JSON is kept as it is.
pub(crate) fn arguments(arguments: &Value) -> Value {
    let parsed = arguments.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_else(|| arguments.clone())
}

fn id(id: &Value) -> Option<String> {
    id.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

fn usage(usage: &Value) -> Option<Usage> {
    let count = |value: &Value| value.as_u64();
    Some(Usage {
        input_tokens: count(&usage["prompt_tokens"])?,
        output_tokens: count(&usage["completion_tokens"]).unwrap_or_default(),
        cached_input_tokens: count(&usage["prompt_tokens_details"]["cached_tokens"]).unwrap_or_default(),
        reasoning_tokens: count(&usage["completion_tokens_details"]["reasoning_tokens"]).unwrap_or_default(),
    })
}
