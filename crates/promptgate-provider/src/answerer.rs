//! The one seam for answers, and the answerer of this process.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::ask::Consultation;
use promptgate_core::name::ModelId;
use promptgate_core::request::{Origin, Request};
use serde_json::Value;

use crate::consult::Consultants;
use crate::middleware::Limits;

/// A future that is boxed, since providers are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalledFor {
    /// It is under test.
    Trial,
    /// An assertion wants it.
    Ask,
}

impl CalledFor {
    /// What a request of this origin calls for.
    fn of(origin: &Origin) -> Self {
        match origin {
            Origin::Trial { .. } => Self::Trial,
            Origin::Ask { .. } => Self::Ask,
        }
    }
}

/// The one seam for answers, for trials and asks alike: local now, a fleet later. Request and answer are serialisable.
pub trait Answerer: Send + Sync {
    /// Answers one request. Never panics, always answers: a failure is an answer too.
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer>;

    /// Whether what is asked of a model now only waits, since the model answers nothing at present.
    fn is_held(&self, model: &ModelId, called_for: CalledFor) -> bool {
        let _ = (model, called_for);
        false
    }

    /// No more calls are to be made; those under way go on. What is asked from here on, or waits for its turn, is never
    /// answered.
    fn halt(&self) {}

    /// Hears that a request is served by the answer to an equal one, which holds for all cases.
    fn also_asked(&self, request: &Request) {
        let _ = request;
    }

    /// Asks a program or an endpoint of the user's own. Always answers, like the above.
    fn consult(&self, consultation: Consultation) -> BoxFuture<'_, Result<Value, Failure>> {
        let _ = consultation;
        let failure = Failure::new(FailureKind::BadRequest, "programs and endpoints cannot be asked here");
        Box::pin(std::future::ready(Err(failure)))
    }
}

/// Answers in this process: hands each request to the stack of its model.
pub struct LocalAnswerer {
    /// The models under test.
    stacks: HashMap<ModelId, Box<dyn Answerer>>,
    /// The models that assertions ask: the same one may be both, each with a recording of its own.
    asked: HashMap<ModelId, Box<dyn Answerer>>,
    consultants: Consultants,
    /// Of all providers that may be called.
    limits: Vec<Arc<Limits>>,
}

impl LocalAnswerer {
    pub(crate) fn new(
        stacks: HashMap<ModelId, Box<dyn Answerer>>,
        asked: HashMap<ModelId, Box<dyn Answerer>>,
        consultants: Consultants,
        limits: Vec<Arc<Limits>>,
    ) -> Self {
        Self { stacks, asked, consultants, limits }
    }

    fn stack(&self, model: &ModelId, called_for: CalledFor) -> Option<&dyn Answerer> {
        let stacks = match called_for {
            CalledFor::Trial => &self.stacks,
            CalledFor::Ask => &self.asked,
        };
        stacks.get(model).map(Box::as_ref)
    }
}

impl Answerer for LocalAnswerer {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        match self.stack(&request.body.model, CalledFor::of(&request.origin)) {
            Some(stack) => stack.answer(request),
            None => Box::pin(std::future::ready(unknown(&request.body.model))),
        }
    }

    fn is_held(&self, model: &ModelId, called_for: CalledFor) -> bool {
        self.stack(model, called_for).is_some_and(|stack| stack.is_held(model, called_for))
    }

    fn halt(&self) {
        self.limits.iter().for_each(|limits| limits.halt());
    }

    fn also_asked(&self, request: &Request) {
        if let Some(stack) = self.stack(&request.body.model, CalledFor::of(&request.origin)) {
            stack.also_asked(request);
        }
    }

    fn consult(&self, consultation: Consultation) -> BoxFuture<'_, Result<Value, Failure>> {
        Box::pin(self.consultants.ask(consultation))
    }
}

fn unknown(model: &ModelId) -> Answer {
    let message = format!("no provider was set up for the model `{model}`");
    Answer::uncalled(Err(Failure::new(FailureKind::BadRequest, message)))
}
