//! batchEmbedContents of Gemini.

use promptgate_core::answer::Response;
use promptgate_core::request::RequestBody;
use serde_json::{Map, Value, json};

use crate::FailedCall;
use crate::wire::{Side, numbers, texts, vectors};

pub(super) struct BatchEmbedContents;

impl Side for BatchEmbedContents {
    fn path(&self, request: &RequestBody) -> String {
        format!("/models/{}:batchEmbedContents", request.model.model)
    }

    fn body(&self, request: &RequestBody) -> Result<Value, String> {
        let model = format!("models/{}", request.model.model);
        let one = |text: String| {
            let mut one = Map::from_iter(request.parameters.clone());
            one.insert("model".to_owned(), model.clone().into());
            one.insert("content".to_owned(), json!({"parts": [{"text": text}]}));
            Value::from(one)
        };
        Ok(json!({"requests": texts(request).into_iter().map(one).collect::<Vec<_>>()}))
    }

    fn read(&self, request: &RequestBody, reply: &Value) -> Result<Response, FailedCall> {
        let rows = reply["embeddings"].as_array().map(Vec::as_slice).unwrap_or_default();
        // No count of tokens is reported.
        vectors(request, rows.iter().map(|row| numbers(&row["values"])).collect(), None)
    }
}
