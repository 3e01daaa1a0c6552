//! What a provider does: one attempt at one request.

use promptgate_core::answer::{Failure, FailureKind, Response, Usage};
use promptgate_core::price::NanoUsd;
use promptgate_core::request::{Request, RequestBody, Task};

use crate::answerer::BoxFuture;

/// One attempt at one request: what a provider does, and a middleware that looks at single attempts.
///
/// Dropping the future cancels the call. A provider never retries, never panics, and puts no secret into a failure.
pub trait Provider: Send + Sync {
    /// Makes one call.
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>>;

    /// Whether it can be asked for this.
    fn serves(&self, task: Task) -> bool {
        task == Task::Generate
    }

    /// Whether a request can be put into its words; the error says which parameter or part cannot.
    fn can_say(&self, request: &RequestBody) -> Result<(), String> {
        let _ = request;
        Ok(())
    }
}

impl<P: Provider + ?Sized> Provider for std::sync::Arc<P> {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        (**self).call(request)
    }

    fn serves(&self, task: Task) -> bool {
        (**self).serves(task)
    }

    fn can_say(&self, request: &RequestBody) -> Result<(), String> {
        (**self).can_say(request)
    }
}

/// A call that gave no answer but may have been charged for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{failure}")]
pub struct FailedCall {
    /// Why there is no answer.
    pub failure: Failure,
    /// Tokens the provider reports all the same.
    pub usage: Option<Usage>,
    /// What they cost, once the price is known.
    pub cost: Option<NanoUsd>,
    /// Whether the model may have worked on it, and nobody tells how much: the call was made and broke off.
    pub untold: bool,
}

impl FailedCall {
    /// A failure that is not known to have cost anything.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure::new(kind, message).into()
    }

    /// The same of a call that was made and broke off.
    pub(crate) fn untold(self) -> Self {
        Self { untold: true, ..self }
    }
}

impl From<Failure> for FailedCall {
    fn from(failure: Failure) -> Self {
        Self { failure, usage: None, cost: None, untold: false }
    }
}
