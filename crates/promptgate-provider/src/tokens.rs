//! How many tokens a request may be, before anybody has counted them.

use promptgate_core::media::IMAGE_TOKENS;
use promptgate_core::message::Part;
use promptgate_core::request::{RequestBody, Task};

/// About four bytes a token, as a rule of thumb for English has it.
const BYTES_A_TOKEN: u64 = 4;

/// A limit that models have where a request names none.
const LARGEST_ANSWER: u64 = 4_096;

/// Tokens read, by the length of the texts; never 0.
pub(crate) fn estimated_tokens(request: &RequestBody) -> u64 {
    let (bytes, images) = size(request);
    bytes / BYTES_A_TOKEN + images * IMAGE_TOKENS + 1
}

/// Tokens read at the worst: texts of other languages take up to twice as many.
pub(crate) fn largest_tokens(request: &RequestBody) -> u64 {
    2 * estimated_tokens(request)
}

/// Tokens written at the worst.
pub(crate) fn largest_answer(request: &RequestBody) -> u64 {
    if request.task != Task::Generate {
        return 0;
    }
    request.parameters.get("maxOutputTokens").and_then(serde_json::Value::as_u64).unwrap_or(LARGEST_ANSWER)
}

/// Bytes of text, and images.
fn size(request: &RequestBody) -> (u64, u64) {
    let parts = request.messages.iter().flat_map(|message| &message.content);
    let (mut bytes, mut images) = (0, 0);
    for part in parts {
        match part {
            Part::Text { text } => bytes += text.len() as u64,
            Part::Media { .. } => images += 1,
            Part::Data { data }
            | Part::ToolRequest { tool_request: data }
            | Part::ToolResponse { tool_response: data } => {
                bytes += data.to_string().len() as u64;
            }
            Part::Pending { .. } => {}
        }
    }
    bytes += request.tools.iter().map(|tool| tool.to_string().len() as u64).sum::<u64>();
    (bytes, images)
}
