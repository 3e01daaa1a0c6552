//! Embeddings, as OpenAI and the servers of its shape have them.

use promptgate_core::answer::Response;
use promptgate_core::request::RequestBody;
use serde_json::{Map, Value, json};

use crate::FailedCall;
use crate::wire::{Side, numbers, texts, vectors};

pub(super) struct Embeddings;

impl Side for Embeddings {
    fn path(&self, _: &RequestBody) -> String {
        "/embeddings".to_owned()
    }

    fn body(&self, request: &RequestBody) -> Result<Value, String> {
        let mut body = Map::from_iter(request.parameters.clone());
        body.insert("model".to_owned(), Value::from(&*request.model.model));
        body.insert("input".to_owned(), json!(texts(request)));
        // The other form, base64, is not understood by every server.
        body.insert("encoding_format".to_owned(), "float".into());
        Ok(body.into())
    }

    fn read(&self, request: &RequestBody, reply: &Value) -> Result<Response, FailedCall> {
        let rows = reply["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut found = vec![None; rows.len()];
        for (at, row) in rows.iter().enumerate() {
            // Rows carry their place, and may come in another order.
            let place = row["index"].as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(at);
            if let Some(slot) = found.get_mut(place) {
                *slot = numbers(&row["embedding"]);
            }
        }
        let read = reply["usage"]["prompt_tokens"].as_u64();
        let response = vectors(request, found, read)?;
        Ok(Response { returned_model: reply["model"].as_str().map(str::to_owned), ..response })
    }
}
