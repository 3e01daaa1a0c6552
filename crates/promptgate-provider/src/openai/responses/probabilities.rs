//! How likely each first token of a response was.

use promptgate_core::answer::Response;
use promptgate_core::request::RequestBody;
use promptgate_core::secret::Scrubber;
use serde_json::{Value, json};

use super::{reply, request};
use crate::FailedCall;
use crate::wire::{Side, TOLD, probabilities, short};

/// OpenAI refuses a limit below this one.
const LEAST_TOKENS: u32 = 16;

/// Responses of a few tokens, of which the first counts.
pub(super) struct Probabilities;

impl Side for Probabilities {
    fn path(&self, _: &RequestBody) -> String {
        super::PATH.to_owned()
    }

    fn body(&self, request: &RequestBody) -> Result<Value, String> {
        let mut body = request::body(&short(request, LEAST_TOKENS), false)?;
        body["include"] = json!(["message.output_text.logprobs"]);
        body["top_logprobs"] = TOLD.into();
        Ok(body)
    }

    fn read(&self, _: &RequestBody, reply: &Value) -> Result<Response, FailedCall> {
        let response = reply::read(reply, &Scrubber::new())?;
        let items = reply["output"].as_array().map(Vec::as_slice).unwrap_or_default();
        let message = items.iter().find(|item| item["type"] == "message").unwrap_or(&Value::Null);
        let first = &message["content"][0]["logprobs"][0];
        probabilities(response, &first["top_logprobs"], ["token", "logprob"])
    }
}
