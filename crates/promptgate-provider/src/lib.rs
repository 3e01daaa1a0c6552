//! Model providers and what stands around a call: retries, recording. The one seam for answers is [`Answerer`].

use std::future::Future;
use std::pin::Pin;

use promptgate_core::answer::{Answer, Failure, Response};
use promptgate_core::request::Request;

/// A future that is boxed, since providers are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The one seam for answers, for trials and asks alike: local now, a fleet later. Request and answer are serialisable.
pub trait Answerer: Send + Sync {
    /// Answers one request. Never panics, always answers: a failure is an answer too.
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer>;
}

/// One attempt at one request: what a provider or a middleware does.
pub trait Provider: Send + Sync {
    /// Makes one call.
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, Failure>>;
}
