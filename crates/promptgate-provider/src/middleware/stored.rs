//! Answers that come from storage: asked once, counted as no call.

use promptgate_core::answer::Answer;
use promptgate_core::request::Request;

use crate::{Answerer, BoxFuture, Provider};

/// Answers without calling anybody, so there is nothing to retry and nothing to count.
pub(crate) struct Stored<P>(pub(crate) P);

impl<P: Provider> Answerer for Stored<P> {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let result = self.0.call(&request).await.map_err(|failed| failed.failure);
            Answer::uncalled(result)
        })
    }
}
