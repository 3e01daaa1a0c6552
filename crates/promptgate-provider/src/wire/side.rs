//! What an API has beside messages: vectors, moderation, token probabilities. Never streamed; the answer is JSON as a
//! text, in the one form that [`Task`](promptgate_core::request::Task) says.

use promptgate_core::answer::{FailureKind, Response, Usage};
use promptgate_core::request::{RequestBody, Task};
use promptgate_core::secret::Scrubber;
use serde_json::{Value, json};

use super::{error_in, inside};
use crate::FailedCall;

/// The words of an API for one task beside messages.
pub(crate) trait Side: Sync {
    /// Where a request goes, below the base URL.
    fn path(&self, request: &RequestBody) -> String;

    /// The JSON to post, or what cannot be asked for.
    fn body(&self, request: &RequestBody) -> Result<Value, String>;

    /// Reads a reply that is JSON and was not refused.
    fn read(&self, request: &RequestBody, reply: &Value) -> Result<Response, FailedCall>;
}

/// The texts of a request, one a message.
pub(crate) fn texts(request: &RequestBody) -> Vec<String> {
    request.messages.iter().map(promptgate_core::message::Message::joined_text).collect()
}

/// A failure that a reply of status 200 holds.
pub(crate) fn not_refused(reply: &Value, scrubber: &Scrubber) -> Result<(), FailedCall> {
    match error_in(reply) {
        Some(error) => Err(inside(error, scrubber).into()),
        None => Ok(()),
    }
}

/// The vectors of a reply as the answer they are: as many as were asked for, of one length, every number finite.
pub(crate) fn vectors(
    request: &RequestBody,
    vectors: Vec<Option<Vec<f64>>>,
    read: Option<u64>,
) -> Result<Response, FailedCall> {
    let usage = read.map(|input_tokens| Usage { input_tokens, ..Usage::default() });
    let bad = |why: String| FailedCall { usage, ..FailedCall::new(FailureKind::Server, why) };
    let wanted = request.messages.len();
    let Some(vectors) = vectors.into_iter().collect::<Option<Vec<_>>>() else {
        return Err(bad("a reply holds something else than vectors of numbers".to_owned()));
    };
    if vectors.len() != wanted {
        return Err(bad(format!("{} vectors came for {wanted} texts", vectors.len())));
    }
    let length = vectors.first().map_or(0, Vec::len);
    if length == 0 || vectors.iter().any(|vector| vector.len() != length) {
        return Err(bad("the vectors of a reply are empty or of different lengths".to_owned()));
    }
    let output = serde_json::to_string(&vectors).unwrap_or_default();
    Ok(Response { usage, ..Response::text(output) })
}

/// Tokens whose probabilities are asked for; no API tells those of more.
pub(crate) const TOLD: u32 = 20;

/// A request for an answer of so few tokens.
pub(crate) fn short(request: &RequestBody, tokens: u32) -> RequestBody {
    let mut request = RequestBody { task: Task::Generate, ..request.clone() };
    request.parameters.insert("maxOutputTokens".to_owned(), tokens.into());
    request
}

/// How likely each first token was, as the answer it is: `told` is what `response` came with, `keys` are the API's names of
/// a token and of the natural logarithm of its probability.
pub(crate) fn probabilities(response: Response, told: &Value, keys: [&str; 2]) -> Result<Response, FailedCall> {
    let pair = |token: &Value| Some(json!([token[keys[0]].as_str()?, token[keys[1]].as_f64()?]));
    let told = told.as_array().filter(|told| !told.is_empty());
    let told: Option<Vec<Value>> = told.and_then(|told| told.iter().map(pair).collect());
    let Some(told) = told else {
        let why = "the model did not tell the probabilities of its tokens: ask another one, or grade `by = \"words\"`";
        return Err(FailedCall { usage: response.usage, ..FailedCall::new(FailureKind::BadRequest, why) });
    };
    Ok(Response {
        usage: response.usage,
        returned_model: response.returned_model,
        ..Response::text(Value::from(told).to_string())
    })
}

/// A list of numbers.
pub(crate) fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}
