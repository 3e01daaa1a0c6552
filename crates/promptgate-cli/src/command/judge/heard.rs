//! Which models said that they answered a judge's questions: a name may begin to mean another model over night; and why calls
//! failed, since a judge that could not be asked says nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::ask::Consultation;
use promptgate_core::request::Request;
use promptgate_provider::{Answerer, BoxFuture};
use serde_json::Value;

/// Names that are kept; a provider may send anything.
const MOST: usize = 16;

/// Hands on what is asked, keeps the names of those who answer, and why nobody did.
pub(super) struct Heard {
    inner: Arc<dyn Answerer>,
    names: Mutex<BTreeSet<String>>,
    failures: Mutex<Vec<FailureKind>>,
}

impl Heard {
    pub(super) fn new(inner: Arc<dyn Answerer>) -> Self {
        Self { inner, names: Mutex::default(), failures: Mutex::default() }
    }

    /// The names, in order.
    pub(super) fn names(&self) -> Vec<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Why calls failed, each reason once.
    pub(super) fn failures(&self) -> Vec<FailureKind> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, answer: &Answer) {
        if let Err(failure) = &answer.result {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            if !failures.contains(&failure.kind) {
                failures.push(failure.kind);
            }
        }
        let Some(name) = answer.result.as_ref().ok().and_then(|response| response.returned_model.clone()) else {
            return;
        };
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(name);
        if names.len() > MOST {
            // The first ones by name, so that the order of the replies changes nothing.
            names.pop_last();
        }
    }
}

impl Answerer for Heard {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let answer = self.inner.answer(request).await;
            self.hear(&answer);
            answer
        })
    }

    fn halt(&self) {
        self.inner.halt();
    }

    fn consult(&self, consultation: Consultation) -> BoxFuture<'_, Result<Value, Failure>> {
        self.inner.consult(consultation)
    }
}
