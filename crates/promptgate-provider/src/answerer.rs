//! The one seam for answers, and the answerer of this process.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::name::ModelId;
use promptgate_core::request::Request;

/// A future that is boxed, since providers are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The one seam for answers, for trials and asks alike: local now, a fleet later. Request and answer are serialisable.
pub trait Answerer: Send + Sync {
    /// Answers one request. Never panics, always answers: a failure is an answer too.
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer>;
}

/// Answers in this process: hands each request to the stack of its model.
pub struct LocalAnswerer {
    stacks: HashMap<ModelId, Box<dyn Answerer>>,
}

impl LocalAnswerer {
    pub(crate) fn new(stacks: HashMap<ModelId, Box<dyn Answerer>>) -> Self {
        Self { stacks }
    }
}

impl Answerer for LocalAnswerer {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        match self.stacks.get(&request.body.model) {
            Some(stack) => stack.answer(request),
            None => Box::pin(std::future::ready(unknown(&request.body.model))),
        }
    }
}

fn unknown(model: &ModelId) -> Answer {
    let message = format!("no provider was set up for the model `{model}`");
    Answer { result: Err(Failure::new(FailureKind::BadRequest, message)), attempts: 0, wasted: None, answered_ms: None }
}
