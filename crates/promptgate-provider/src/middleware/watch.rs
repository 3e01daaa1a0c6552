//! Tells of every single call: a model's [`Guard`], and who counts what was sent. It stands within the pace: what waits for
//! its turn is no call yet.

use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::request::Request;

use super::{Guard, sent};
use crate::{BoxFuture, FailedCall, Provider};

/// A provider whose calls are watched.
pub(crate) struct Watched<P> {
    pub(crate) inner: P,
    pub(crate) guard: Arc<Guard>,
}

impl<P: Provider> Provider for Watched<P> {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        Box::pin(async move {
            let call = self.guard.sent();
            sent::leaves();
            let result = self.inner.call(request).await;
            call.came(&request.digest, result.as_ref().err().map(|failed| &failed.failure));
            result
        })
    }
}
