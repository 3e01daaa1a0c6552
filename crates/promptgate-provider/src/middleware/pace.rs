//! How fast models are called: never faster than the settings of their provider say, and slower as soon as one says that it
//! is too much.
//!
//! What the settings limit is shared by all models of a provider ([`Limits`]): lines in which calls take their places, and a
//! number of calls at a time. What is refused is learnt for each model by its [`Controller`], since most limits are a
//! model's own: one that is out must not hold up another. Where a limit of the whole key refuses, each model learns its
//! part. One call of a model at a time stands at its gate, first come first served, so that a thousand waiting calls are
//! not woken for each that may go.

mod controller;
mod ends;
mod hold;
mod limits;
mod line;
mod rate;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{FailureKind, Response, Usage};
use promptgate_core::request::Request;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::tokens::estimated_tokens;
use crate::{BoxFuture, FailedCall, Provider};

use controller::{Admission, Controller, Ended};
pub(crate) use limits::Limits;

/// The pace of one model.
pub(crate) struct Pace {
    started: Instant,
    limits: Arc<Limits>,
    controller: Mutex<Controller>,
    /// Only who holds it asks whether to go; its queue is first come, first served.
    gate: tokio::sync::Mutex<()>,
    /// Rings when a call ends.
    ended: Notify,
}

impl Pace {
    /// A pace within the limits of the provider. `longest_hold` caps the wait that may be asked of all calls.
    pub(crate) fn within(limits: Arc<Limits>, longest_hold: Duration) -> Self {
        let controller = Controller::new(limits.most(), longest_hold.as_secs_f64());
        Self {
            started: Instant::now(),
            limits,
            controller: Mutex::new(controller),
            gate: tokio::sync::Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Waits until a call of so many tokens may be made, which is for ever once all is halted.
    async fn admitted(self: &Arc<Self>, tokens: f64) -> Admitted {
        let _turn = self.gate.lock().await;
        let mut has_place = false;
        loop {
            // Nothing that other models need is held while the model itself lets nobody go.
            self.wait_for_controller().await;
            let permit = self.limits.permit().await;
            if !has_place {
                let due = self.limits.place(tokens);
                if due > Instant::now() {
                    sleep_until(due).await;
                }
                has_place = true;
            }
            if self.limits.is_halted() {
                std::future::pending::<()>().await;
            }
            let now = self.now();
            if self.lock().admit(now) == Admission::Go {
                return Admitted { pace: self.clone(), sent: now, ended: None, _permit: permit };
            }
        }
    }

    async fn wait_for_controller(&self) {
        loop {
            let ended = self.ended.notified();
            let admission = self.lock().admission(self.now());
            match admission {
                Admission::Go => return,
                Admission::At(time) => sleep_until(self.started + Duration::from_secs_f64(time)).await,
                Admission::Full => ended.await,
            }
        }
    }

    /// Seconds since the start.
    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn lock(&self) -> MutexGuard<'_, Controller> {
        self.controller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. However it ends, it makes room for the next.
struct Admitted {
    pace: Arc<Pace>,
    sent: f64,
    ended: Option<Ended>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let now = self.pace.now();
        self.pace.lock().ended(self.sent, self.ended.unwrap_or(Ended::Unknown), now);
        self.pace.ended.notify_one();
    }
}

/// A provider whose calls keep a pace.
pub(crate) struct Paced<P> {
    pub(crate) inner: P,
    pub(crate) pace: Arc<Pace>,
}

impl<P: Provider> Provider for Paced<P> {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        Box::pin(async move {
            let estimated = estimated_tokens(&request.body) as f64;
            let mut admitted = self.pace.admitted(estimated).await;
            let result = self.inner.call(request).await;
            let (ended, usage) = match &result {
                Ok(response) => (Ended::Answered, response.usage),
                Err(failed) => (ended(failed), failed.usage),
            };
            admitted.ended = Some(ended);
            if let Some(Usage { input_tokens, output_tokens, .. }) = usage {
                self.pace.limits.correct(input_tokens.saturating_add(output_tokens) as f64 - estimated);
            }
            result
        })
    }
}

/// What a failure says about the pace.
fn ended(failed: &FailedCall) -> Ended {
    let failure = &failed.failure;
    let asked = failure.retry_after_ms.map(|milliseconds| milliseconds as f64 / 1_000.0);
    match (failure.kind, failure.status) {
        (FailureKind::RateLimit, _) => Ended::Refused(asked),
        (FailureKind::Server, Some(503 | 529)) => Ended::Overloaded(asked),
        (FailureKind::Connection, _) => Ended::Lost,
        // Refused for another reason, or answered badly: nothing about the pace.
        _ => Ended::Unknown,
    }
}
