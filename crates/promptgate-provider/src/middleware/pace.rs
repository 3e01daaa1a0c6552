//! How fast a provider is called: never faster than its settings say, and slower as soon as it says that it is too much.
//!
//! All models of a provider share one pace, since providers count by key. The limits of the settings are lines in which
//! calls take their places; what a provider refuses is learnt by the [`Controller`]. One call at a time stands at the
//! gate, first come first served, so that a thousand waiting calls are not woken for each that may go.

mod controller;
mod ends;
mod line;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{FailureKind, Response, Usage};
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::request::Request;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::tokens::estimated_tokens;
use crate::{BoxFuture, FailedCall, Provider};

use controller::{Admission, Controller, Ended};
use line::Line;

/// The pace of one provider.
pub(crate) struct Pace {
    started: Instant,
    state: Mutex<State>,
    /// Only who holds it asks whether to go; its queue is first come, first served.
    gate: tokio::sync::Mutex<()>,
    /// Rings when a call ends.
    ended: Notify,
}

struct State {
    requests: Line,
    tokens: Line,
    controller: Controller,
}

impl Pace {
    /// The pace that the settings of a provider allow. `longest_hold` caps the wait that a provider may ask of all calls.
    pub(crate) fn of(settings: &ProviderSettings, longest_hold: Duration) -> Self {
        let a_second = |a_minute: Option<u32>| a_minute.map(|count| f64::from(count) / 60.0);
        let most = settings.concurrency.map_or(f64::INFINITY, f64::from);
        let state = State {
            requests: Line::new(a_second(settings.requests_per_minute)),
            tokens: Line::new(a_second(settings.tokens_per_minute)),
            controller: Controller::new(most, longest_hold.as_secs_f64()),
        };
        Self {
            started: Instant::now(),
            state: Mutex::new(state),
            gate: tokio::sync::Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Waits until a call of so many tokens may be made.
    async fn admitted(self: &Arc<Self>, tokens: f64) -> Admitted {
        let _turn = self.gate.lock().await;
        let now = self.now();
        let due = {
            let mut state = self.lock();
            state.requests.take(1.0, now).max(state.tokens.take(tokens, now))
        };
        self.until(due).await;
        loop {
            let ended = self.ended.notified();
            let admission = self.lock().controller.admit(self.now());
            match admission {
                Admission::Go => return Admitted { pace: self.clone(), sent: self.now(), ended: None },
                Admission::At(time) => self.until(time).await,
                Admission::Full => ended.await,
            }
        }
    }

    async fn until(&self, time: f64) {
        if time > self.now() {
            sleep_until(self.started + Duration::from_secs_f64(time)).await;
        }
    }

    /// Seconds since the start.
    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. However it ends, it makes room for the next.
struct Admitted {
    pace: Arc<Pace>,
    sent: f64,
    ended: Option<Ended>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let now = self.pace.now();
        self.pace.lock().controller.ended(self.sent, self.ended.unwrap_or(Ended::Unknown), now);
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
                self.pace.lock().tokens.correct(input_tokens.saturating_add(output_tokens) as f64 - estimated);
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
