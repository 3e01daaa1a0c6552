//! What a server of generateContent says.

use promptgate_core::answer::{FailureKind, FinishReason, Response, ToolCall, Usage};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::FailedCall;
use crate::wire::{error_in, inside};

/// Reads a reply that is known to be JSON.
pub(super) fn read(reply: &Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
    let usage = usage(&reply["usageMetadata"]);
    let failed = |failed: FailedCall| FailedCall { usage, ..failed };
    if let Some(error) = error_in(reply) {
        return Err(failed(inside(error, scrubber).into()));
    }
    let candidate = &reply["candidates"][0];
    let blocked = reply["promptFeedback"]["blockReason"].as_str();
    if candidate.is_null() && blocked.is_none() {
        return Err(failed(FailedCall::new(FailureKind::Server, "a reply without a candidate")));
    }
    let parts = candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    // Thoughts are no part of the answer.
    let said = parts.iter().filter(|part| part["thought"] != true);
    let tool_calls: Vec<ToolCall> = parts.iter().filter_map(tool_call).collect();
    let reason = match (blocked, candidate["finishReason"].as_str()) {
        (Some(_), None) => "content_filter",
        (_, None | Some("STOP")) if !tool_calls.is_empty() => "tool_calls",
        (_, reason) => reason.unwrap_or("STOP"),
    };
    Ok(Response {
        tool_calls,
        finish_reason: FinishReason::normalise(&scrubber.scrub(reason)),
        usage,
        returned_model: reply["modelVersion"].as_str().map(str::to_owned),
        ..Response::text(said.filter_map(|part| part["text"].as_str()).collect::<String>())
    })
}

fn tool_call(part: &Value) -> Option<ToolCall> {
    let call = part.get("functionCall")?;
    let id = call["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let arguments = call.get("args").cloned().unwrap_or_else(|| Value::Object(Default::default()));
    Some(ToolCall { name: call["name"].as_str()?.to_owned(), arguments, id })
}

/// Thoughts are counted beside the tokens of the answer here.
fn usage(usage: &Value) -> Option<Usage> {
    let count = |key: &str| usage[key].as_u64().unwrap_or_default();
    Some(Usage {
        input_tokens: usage["promptTokenCount"].as_u64()?.saturating_add(count("toolUsePromptTokenCount")),
        output_tokens: count("candidatesTokenCount").saturating_add(count("thoughtsTokenCount")),
        cached_input_tokens: count("cachedContentTokenCount"),
        reasoning_tokens: count("thoughtsTokenCount"),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_keep_the_ids_that_tie_them_to_their_results() {
        let parts = json!([
            {"functionCall": {"name": "look", "args": {}, "id": "c1"}},
            {"functionCall": {"name": "look", "args": {}, "id": ""}},
            {"functionCall": {"name": "look", "args": {}}},
        ]);
        let response = read(&json!({"candidates": [{"content": {"parts": parts}}]}), &Scrubber::new()).unwrap();
        let ids: Vec<Option<&str>> = response.tool_calls.iter().map(|call| call.id.as_deref()).collect();
        assert_eq!(ids, [Some("c1"), None, None]);
    }
}
