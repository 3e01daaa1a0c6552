//! Responses: what OpenAI advises for new work, and the only wire of some models. Nothing is stored there (`store` off).

mod fold;
mod probabilities;
mod reply;
mod request;

use promptgate_core::answer::Response;
use promptgate_core::request::{RequestBody, Task};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use super::Requests;
use crate::wire::{Call, Came, Fold, Side, Wire};
use crate::{BoxFuture, FailedCall};

const PATH: &str = "/responses";

/// Responses.
pub(crate) struct Responses {
    pub(crate) requests: Requests,
}

impl Wire for Responses {
    fn path(&self, _: &RequestBody, _: bool) -> String {
        PATH.to_owned()
    }

    fn body(&self, request: &RequestBody, streamed: bool) -> Result<Value, String> {
        request::body(request, streamed)
    }

    fn read(&self, reply: Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
        reply::read(&reply, scrubber)
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(fold::Events::default())
    }

    fn side(&self, task: Task) -> Option<&'static dyn Side> {
        match task {
            Task::Probabilities => Some(&probabilities::Probabilities),
            _ => super::side(task),
        }
    }

    fn post<'a>(&'a self, call: Call, body: Value) -> BoxFuture<'a, Result<Came, FailedCall>> {
        self.requests.call(call, body, |client, body| async move { client.responses().create_byot(body).await })
    }
}
