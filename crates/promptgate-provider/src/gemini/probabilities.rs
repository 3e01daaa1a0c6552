//! How likely each first token of an answer of Gemini was.

use promptgate_core::answer::Response;
use promptgate_core::request::RequestBody;
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use super::{reply, request};
use crate::FailedCall;
use crate::wire::{Side, TOLD, probabilities, short};

/// generateContent of one token. A model that thinks needs a `thinkingConfig` in the judge's prompt that
/// turns that off: its thoughts count.
pub(super) struct Probabilities;

impl Side for Probabilities {
    fn path(&self, request: &RequestBody) -> String {
        super::path(request)
    }

    fn body(&self, request: &RequestBody) -> Result<Value, String> {
        let mut body = request::body(&short(request, 1))?;
        body["generationConfig"]["responseLogprobs"] = true.into();
        body["generationConfig"]["logprobs"] = TOLD.into();
        Ok(body)
    }

    fn read(&self, _: &RequestBody, reply: &Value) -> Result<Response, FailedCall> {
        let response = reply::read(reply, &Scrubber::new())?;
        let first = &reply["candidates"][0]["logprobsResult"]["topCandidates"][0];
        probabilities(response, &first["candidates"], ["token", "logProbability"])
    }
}
