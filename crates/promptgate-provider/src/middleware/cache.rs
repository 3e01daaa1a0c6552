//! Answers that are kept by content: asked once, whoever asks again.

use std::sync::Arc;

use promptgate_core::answer::{Answer, Response};
use promptgate_core::name::ModelId;
use promptgate_core::port::{CacheKey, ResponseCache};
use promptgate_core::price::Price;
use promptgate_core::request::Request;

use crate::{Answerer, BoxFuture, CalledFor};

/// A cache, and how it is used.
#[derive(Clone)]
pub struct Caching {
    /// Where answers are kept.
    pub cache: Arc<dyn ResponseCache>,
    /// Which are taken: those got at or after this time, milliseconds since 1970. None where they are drawn anew on purpose.
    pub since_ms: Option<u64>,
}

/// An answerer that is asked only for what the cache does not hold.
pub(crate) struct Cached<A> {
    pub(crate) inner: A,
    pub(crate) caching: Caching,
    /// Where the answers come from, as the key has it.
    pub(crate) source: String,
    pub(crate) price: Option<Price>,
}

impl<A: Answerer> Answerer for Cached<A> {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let key = CacheKey::of(&request, &self.source).addressed();
            let found = self.caching.since_ms.and_then(|since_ms| self.caching.cache.find(&key, since_ms));
            if let Some((response, answered_ms)) = found {
                let answered_ms = Some(answered_ms);
                return Answer { answered_ms, ..Answer::uncalled(Ok(self.kept(response))) };
            }
            let answer = self.inner.answer(request).await;
            if let Ok(response) = &answer.result {
                self.caching.cache.keep(key, response.clone());
            }
            answer
        })
    }

    fn is_held(&self, model: &ModelId, called_for: CalledFor) -> bool {
        self.inner.is_held(model, called_for)
    }
}

impl<A> Cached<A> {
    /// How long it took then, and what it cost, says nothing about now.
    fn kept(&self, response: Response) -> Response {
        let mut kept = Response { latency_ms: None, first_token_ms: None, ..response };
        kept.reckon(self.price.as_ref());
        kept
    }
}
