//! How likely each first token of a chat completion was.

use promptgate_core::answer::{FailureKind, Response};
use promptgate_core::request::{RequestBody, Task};
use promptgate_core::secret::Scrubber;
use serde_json::{Value, json};

use super::chat::{self, Dialect};
use crate::FailedCall;
use crate::wire::Side;

/// Tokens that are told; no server of this shape tells more.
const TOLD: u32 = 20;

/// Chat Completions of one token, in a dialect.
pub(super) struct Probabilities(pub(super) Dialect);

impl Side for Probabilities {
    fn path(&self, _: &RequestBody) -> String {
        "/chat/completions".to_owned()
    }

    fn body(&self, request: &RequestBody) -> Result<Value, String> {
        let mut request = RequestBody { task: Task::Generate, ..request.clone() };
        request.parameters.insert("maxOutputTokens".to_owned(), 1.into());
        let mut body = chat::body(&request, &self.0)?;
        body["logprobs"] = true.into();
        body["top_logprobs"] = TOLD.into();
        Ok(body)
    }

    fn read(&self, _: &RequestBody, reply: &Value) -> Result<Response, FailedCall> {
        let response = chat::reply::read(reply, &Scrubber::new())?;
        let token = &reply["choices"][0]["logprobs"]["content"][0];
        let pair = |token: &Value| Some(json!([token["token"].as_str()?, token["logprob"].as_f64()?]));
        let told: Option<Vec<Value>> = token["top_logprobs"]
            .as_array()
            .filter(|told| !told.is_empty())
            .and_then(|told| told.iter().map(pair).collect());
        let Some(told) = told else {
            let why = "the model did not tell the probabilities of its tokens";
            return Err(FailedCall { usage: response.usage, ..FailedCall::new(FailureKind::BadRequest, why) });
        };
        Ok(Response {
            usage: response.usage,
            returned_model: response.returned_model,
            ..Response::text(Value::from(told).to_string())
        })
    }
}
