//! Which models said that they answered a judge's questions: a name may begin to mean another model over night.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use promptgate_core::answer::{Answer, Failure};
use promptgate_core::ask::Consultation;
use promptgate_core::request::Request;
use promptgate_provider::{Answerer, BoxFuture};
use serde_json::Value;

/// Names that are kept; a provider may send anything.
const MOST: usize = 16;

/// Hands on what is asked, and keeps the names of those who answer.
pub(super) struct Heard {
    inner: Arc<dyn Answerer>,
    names: Mutex<BTreeSet<String>>,
}

impl Heard {
    pub(super) fn new(inner: Arc<dyn Answerer>) -> Self {
        Self { inner, names: Mutex::default() }
    }

    /// The names, in order.
    pub(super) fn names(&self) -> Vec<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn hear(&self, answer: &Answer) {
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

    fn consult(&self, consultation: Consultation) -> BoxFuture<'_, Result<Value, Failure>> {
        self.inner.consult(consultation)
    }
}
