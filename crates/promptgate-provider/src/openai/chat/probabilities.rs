//! How likely each first token of a chat completion was.

use promptgate_core::answer::Response;
use promptgate_core::request::RequestBody;
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use super::request::Dialect;
use super::{reply, request};
use crate::FailedCall;
use crate::wire::{Side, TOLD, probabilities, short};

/// Chat Completions of one token, in a dialect.
pub(super) struct Probabilities(pub(super) Dialect);

impl Side for Probabilities {
    fn path(&self, _: &RequestBody) -> String {
        super::PATH.to_owned()
    }

    fn body(&self, request: &RequestBody) -> Result<Value, String> {
        let mut body = request::body(&short(request, 1), &self.0, false)?;
        body["logprobs"] = true.into();
        body["top_logprobs"] = TOLD.into();
        Ok(body)
    }

    fn read(&self, _: &RequestBody, reply: &Value) -> Result<Response, FailedCall> {
        let response = reply::read(reply, &Scrubber::new())?;
        let first = &reply["choices"][0]["logprobs"]["content"][0];
        probabilities(response, &first["top_logprobs"], ["token", "logprob"])
    }
}
