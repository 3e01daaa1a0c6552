//! Chat Completions.

mod fold;
mod probabilities;
pub(crate) mod reply;
mod request;

use promptgate_core::answer::Response;
use promptgate_core::request::{RequestBody, Task};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use super::Requests;
use crate::wire::{Call, Came, Fold, Side, Wire};
use crate::{BoxFuture, FailedCall};

use probabilities::Probabilities;
pub(crate) use request::Dialect;

const PATH: &str = "/chat/completions";

/// Token probabilities, by how the limit of an answer is called.
static OF_OPENAI: Probabilities = Probabilities(Dialect::OPENAI);
static OF_OTHERS: Probabilities = Probabilities(Dialect::COMMON);

/// Chat Completions in a dialect.
pub(crate) struct Chat {
    pub(crate) requests: Requests,
    pub(crate) dialect: Dialect,
}

impl Wire for Chat {
    fn path(&self, _: &RequestBody, _: bool) -> String {
        PATH.to_owned()
    }

    fn body(&self, request: &RequestBody, streamed: bool) -> Result<Value, String> {
        request::body(request, &self.dialect, streamed)
    }

    fn read(&self, reply: Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
        reply::read(&reply, scrubber)
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(fold::Chunks::default())
    }

    fn side(&self, task: Task) -> Option<&'static dyn Side> {
        match task {
            Task::Probabilities if self.dialect.max_tokens == Dialect::OPENAI.max_tokens => Some(&OF_OPENAI),
            Task::Probabilities => Some(&OF_OTHERS),
            _ => super::side(task),
        }
    }

    fn post<'a>(&'a self, call: Call, body: Value) -> BoxFuture<'a, Result<Came, FailedCall>> {
        self.requests.call(call, body, |client, body| async move { client.chat().create_byot(body).await })
    }
}
