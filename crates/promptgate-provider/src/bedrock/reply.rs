//! What Converse says.

use promptgate_core::answer::{FailureKind, FinishReason, Response, ToolCall, Usage};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::FailedCall;
use crate::wire::{error_in, inside};

/// Reads a reply that is known to be JSON.
pub(super) fn read(reply: &Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
    let usage = usage(&reply["usage"]);
    let failed = |failed: FailedCall| FailedCall { usage, ..failed };
    if let Some(error) = error_in(reply) {
        return Err(failed(inside(error, scrubber).into()));
    }
    let Some(blocks) = reply["output"]["message"]["content"].as_array() else {
        return Err(failed(FailedCall::new(FailureKind::Server, "a reply without content")));
    };
    Ok(Response {
        tool_calls: blocks.iter().filter_map(tool_call).collect(),
        finish_reason: FinishReason::normalise(&scrubber.scrub(reply["stopReason"].as_str().unwrap_or("end_turn"))),
        usage,
        // It does not say which model answered.
        returned_model: None,
        ..Response::text(blocks.iter().filter_map(|block| block["text"].as_str()).collect::<String>())
    })
}

fn tool_call(block: &Value) -> Option<ToolCall> {
    let call = block.get("toolUse")?;
    let id = call["toolUseId"].as_str().map(str::to_owned);
    Some(ToolCall { name: call["name"].as_str()?.to_owned(), arguments: call["input"].clone(), id })
}

/// What is read from the cache, or written to it, is counted beside the other tokens here.
fn usage(usage: &Value) -> Option<Usage> {
    let count = |key: &str| usage[key].as_u64();
    let cached = count("cacheReadInputTokens").unwrap_or_default();
    let kept = count("cacheWriteInputTokens").unwrap_or_default();
    Some(Usage {
        input_tokens: count("inputTokens")?.saturating_add(cached).saturating_add(kept),
        output_tokens: count("outputTokens").unwrap_or_default(),
        cached_input_tokens: cached,
        cache_creation_input_tokens: kept,
        reasoning_tokens: 0,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_of_the_cache_are_told_apart() {
        let said =
            json!({"inputTokens": 3, "outputTokens": 4, "cacheReadInputTokens": 10, "cacheWriteInputTokens": 100});
        let expected = Usage {
            input_tokens: 113,
            output_tokens: 4,
            cached_input_tokens: 10,
            cache_creation_input_tokens: 100,
            reasoning_tokens: 0,
        };
        assert_eq!(usage(&said), Some(expected));
    }
}
