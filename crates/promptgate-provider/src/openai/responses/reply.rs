//! What a server of Responses says.

use promptgate_core::answer::{FailureKind, FinishReason, Response, ToolCall, Usage};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::FailedCall;
use crate::openai::chat::reply::{arguments, custom};
use crate::wire::{error_in, inside};

/// Reads a reply that is known to be JSON.
pub(super) fn read(reply: &Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
    let usage = usage(&reply["usage"]);
    let failed = |failed: FailedCall| FailedCall { usage, ..failed };
    if let Some(error) = error_in(reply) {
        return Err(failed(inside(error, scrubber).into()));
    }
    if let Some(why) = reply["status"].as_str().and_then(unfinished) {
        return Err(failed(FailedCall::new(FailureKind::Server, why)));
    }
    let Some(items) = reply["output"].as_array() else {
        return Err(failed(FailedCall::new(FailureKind::Server, "a reply without an output")));
    };
    let (text, refusal) = texts(items);
    let tool_calls: Vec<ToolCall> = items.iter().filter_map(tool_call).collect();
    let is_refusal = text.is_empty() && !refusal.is_empty();
    let reason = match reply["incomplete_details"]["reason"].as_str() {
        Some(reason) => reason,
        None if is_refusal => "refusal",
        None if !tool_calls.is_empty() => "tool_calls",
        None => reply["status"].as_str().unwrap_or("completed"),
    };
    Ok(Response {
        tool_calls,
        finish_reason: FinishReason::normalise(&scrubber.scrub(reason)),
        usage,
        returned_model: reply["model"].as_str().map(str::to_owned),
        ..Response::text(if is_refusal { refusal } else { text })
    })
}

/// Why a reply of this status is no answer, if it is none: whatever it holds is at most a part of one.
fn unfinished(status: &str) -> Option<String> {
    match status {
        "failed" | "cancelled" => Some("the server broke the answer off".to_owned()),
        "queued" | "in_progress" => Some(format!("the server replied before the answer was finished (`{status}`)")),
        _ => None,
    }
}

/// Whether an output holds neither text nor calls of tools.
pub(super) fn says_nothing(output: &Value) -> bool {
    let items = output.as_array().map(Vec::as_slice).unwrap_or_default();
    let (text, refusal) = texts(items);
    text.is_empty() && refusal.is_empty() && !items.iter().any(|item| tool_call(item).is_some())
}

/// The text of all messages, and that of all refusals.
fn texts(items: &[Value]) -> (String, String) {
    let messages = items.iter().filter(|item| item["type"] == "message");
    let parts: Vec<&Value> = messages.flat_map(|item| item["content"].as_array().into_iter().flatten()).collect();
    let joined = |key: &str| parts.iter().filter_map(|part| part[key].as_str()).collect();
    (joined("text"), joined("refusal"))
}

fn tool_call(item: &Value) -> Option<ToolCall> {
    let id = item["call_id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    if item["type"] == "custom_tool_call" {
        return custom(item, id);
    }
    if item["type"] != "function_call" {
        return None;
    }
    Some(ToolCall { name: item["name"].as_str()?.to_owned(), arguments: arguments(&item["arguments"]), id })
}

fn usage(usage: &Value) -> Option<Usage> {
    let count = |value: &Value| value.as_u64();
    Some(Usage {
        input_tokens: count(&usage["input_tokens"])?,
        output_tokens: count(&usage["output_tokens"]).unwrap_or_default(),
        cached_input_tokens: count(&usage["input_tokens_details"]["cached_tokens"]).unwrap_or_default(),
        reasoning_tokens: count(&usage["output_tokens_details"]["reasoning_tokens"]).unwrap_or_default(),
        ..Usage::default()
    })
}
