//! Moderations, as OpenAI and the servers of its shape have them.

use promptgate_core::answer::{FailureKind, Response};
use promptgate_core::request::RequestBody;
use serde_json::{Value, json};

use crate::FailedCall;
use crate::wire::{Side, texts};

pub(super) struct Moderations;

impl Side for Moderations {
    fn path(&self, _: &RequestBody) -> String {
        "/moderations".to_owned()
    }

    fn body(&self, request: &RequestBody) -> Result<Value, String> {
        Ok(json!({"model": &*request.model.model, "input": texts(request).concat()}))
    }

    fn read(&self, _: &RequestBody, reply: &Value) -> Result<Response, FailedCall> {
        let result = &reply["results"][0];
        // Some servers leave `flagged` out and give the categories alone.
        let flagged = result["flagged"].as_bool().or_else(|| {
            let categories = result["categories"].as_object()?;
            Some(categories.values().any(|flag| flag.as_bool() == Some(true)))
        });
        let flagged = flagged.ok_or_else(|| FailedCall::new(FailureKind::Server, "a reply without a verdict"))?;
        let (categories, scores) = (&result["categories"], &result["category_scores"]);
        let verdict = json!({"flagged": flagged, "categories": categories, "category_scores": scores});
        let returned_model = reply["model"].as_str().map(str::to_owned);
        Ok(Response { returned_model, ..Response::text(verdict.to_string()) })
    }
}
