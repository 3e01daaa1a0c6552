//! Stops calling a model that answers nothing any more, so that an outage costs minutes and not the night.
//!
//! It stands outside the retries: what it counts are requests that were given up. Once so many in a row were, the others
//! are refused at once, but for one now and then that tries whether the model is back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::request::Request;
use tokio::time::Instant;

use crate::{Answerer, BoxFuture};

/// Requests given up in a row before a model is no longer called.
const PATIENCE: u32 = 20;

/// How often one request tries whether the model is back.
const PROBE: Duration = Duration::from_secs(30);

/// An answerer that is not asked in vain.
pub(crate) struct Guarded<A> {
    inner: A,
    /// Given up in a row before it opens.
    patience: u32,
    /// Whether it tries again after a while.
    probes: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    given_up: u32,
    /// Why the last request was given up, and when the next one may try.
    open: Option<(Failure, Instant)>,
}

impl<A> Guarded<A> {
    /// A guard that opens after many requests in a row; with `fail_fast` after the first, for good.
    pub(crate) fn new(inner: A, fail_fast: bool) -> Self {
        let patience = if fail_fast { 1 } else { PATIENCE };
        Self { inner, patience, probes: !fail_fast, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the model is not called now, if it is not.
    fn refusal(&self) -> Option<Failure> {
        let mut state = self.lock();
        let given_up = state.given_up;
        let (failure, next_probe) = state.open.as_mut()?;
        let now = Instant::now();
        if self.probes && now >= *next_probe {
            *next_probe = now + PROBE;
            return None;
        }
        let message = match given_up {
            1 => format!("not called, since the last request failed: {}", failure.message),
            many => format!("not called, since the last {many} requests failed, in the end with: {}", failure.message),
        };
        Some(Failure { message, ..failure.clone() })
    }

    fn note(&self, answer: &Answer) {
        let mut state = self.lock();
        match &answer.result {
            Err(failure) if is_outage(failure.kind) => {
                state.given_up += 1;
                if state.given_up >= self.patience && state.open.is_none() {
                    state.open = Some((failure.clone(), Instant::now() + PROBE));
                }
            }
            // An answer, or a failure that is about the request.
            _ => *state = State::default(),
        }
    }
}

fn is_outage(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Connection | FailureKind::RateLimit | FailureKind::Quota | FailureKind::Server)
}

impl<A: Answerer> Answerer for Guarded<A> {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            if let Some(failure) = self.refusal() {
                return Answer { result: Err(failure), attempts: 0, wasted: None, answered_ms: None };
            }
            let answer = self.inner.answer(request).await;
            self.note(&answer);
            answer
        })
    }
}
