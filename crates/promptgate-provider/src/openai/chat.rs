//! Chat Completions.

mod fold;
pub(crate) mod reply;
mod request;

use async_openai::Client;
use promptgate_core::answer::Response;
use promptgate_core::request::{RequestBody, Task};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use super::{Keyless, through};
use crate::wire::{Call, Came, Fold, Side, Wire};
use crate::{BoxFuture, FailedCall};

pub(crate) use request::Dialect;

/// Chat Completions in a dialect.
pub(crate) struct Chat {
    pub(crate) client: Client<Keyless>,
    pub(crate) dialect: Dialect,
}

impl Wire for Chat {
    fn path(&self, _: &RequestBody, _: bool) -> String {
        "/chat/completions".to_owned()
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
        super::side(task)
    }

    fn post<'a>(&'a self, call: Call, body: Value) -> BoxFuture<'a, Result<Came, FailedCall>> {
        through(&self.client, call, body, |client, body| async move { client.chat().create_byot(body).await })
    }
}
