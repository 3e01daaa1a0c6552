//! The one place that says when to try again. Only classes that may pass on their own are retried, waits grow and are
//! jittered, and a provider that says how long to wait is obeyed up to a cap.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{Answer, Failure, FailureKind, Response};
use promptgate_core::digest::Digest;
use promptgate_core::event::{Event, Listener};
use promptgate_core::format::project::Retries;
use promptgate_core::price::NanoUsd;
use promptgate_core::request::Request;
use promptgate_core::room;
use tokio::time::Instant;

use super::Guard;
use super::sent::Sent;
use crate::{Answerer, BoxFuture, FailedCall, Provider};

/// How often and how patiently a call is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, from 1.
    pub attempts: u32,
    /// The wait after the first failure, before jitter; it doubles from there. After calls that were one too many it grows
    /// faster, since limits count by the minute.
    pub first_wait: Duration,
    /// The longest wait of our own choosing.
    pub longest_wait: Duration,
    /// The longest wait that a provider may ask for.
    pub longest_retry_after: Duration,
    /// How long the waits of our own choosing may be together.
    pub patience: Duration,
    /// Seeds the jitter.
    pub seed: u64,
}

/// The patience of who wants to fail fast: an outage is told within five seconds.
const SHORT: Duration = Duration::from_secs(4);

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(120),
            patience: Duration::MAX,
            seed: 0,
        }
    }
}

impl RetryPolicy {
    /// What the settings say, with the defaults for what they leave open.
    pub fn of(settings: &Retries, seed: u64) -> Self {
        let default = Self::default();
        Self {
            attempts: settings.attempts.unwrap_or(default.attempts),
            first_wait: settings.first_wait.unwrap_or(default.first_wait),
            longest_wait: settings.longest_wait.unwrap_or(default.longest_wait),
            longest_retry_after: settings.longest_retry_after.unwrap_or(default.longest_retry_after),
            seed,
            ..default
        }
    }

    /// One attempt, whatever happens.
    pub fn none() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The same for who wants to fail fast.
    pub(crate) fn hasty(self) -> Self {
        Self { patience: SHORT, ..self }
    }

    /// How long to wait after the failure of an attempt, counted from 1; nothing where it is the last one. `call` says what
    /// was asked, and which time.
    pub(crate) fn wait(&self, call: (&Digest, u32), attempt: u32, failure: &Failure) -> Option<Duration> {
        if attempt >= self.attempts || !failure.kind.is_retryable() {
            return None;
        }
        if let Some(asked) = failure.retry_after_ms.map(Duration::from_millis) {
            // A little more than was asked for, so that calls refused together do not come back together.
            return Some(asked.min(self.longest_retry_after) + self.first_wait.mul_f64(self.jitter(call, attempt)));
        }
        let growth = if failure.kind == FailureKind::RateLimit && self.patience == Duration::MAX { 4 } else { 2 };
        let own_wait = |attempt| self.own_wait(call, attempt, growth);
        let so_far = (1..=attempt).map(own_wait).sum::<Duration>();
        (so_far <= self.patience).then(|| own_wait(attempt))
    }

    /// The wait after an attempt where nobody says how long, so many times the one before.
    fn own_wait(&self, call: (&Digest, u32), attempt: u32, growth: u32) -> Duration {
        let grown = self.first_wait.saturating_mul(growth.saturating_pow(attempt - 1));
        grown.min(self.longest_wait).mul_f64(0.5 + 0.5 * self.jitter(call, attempt))
    }

    /// Makes a call of an endpoint that grades, which has no price and is no model's: what it came to, and the attempts.
    pub(crate) async fn persist<T, F>(&self, asked: &Digest, call: impl Fn() -> F) -> (Result<T, Failure>, u32)
    where
        F: Future<Output = Result<T, FailedCall>>,
    {
        let mut attempts = 1;
        loop {
            let result = call().await.map_err(|failed| failed.failure);
            let wait = result.as_ref().err().and_then(|failure| self.wait((asked, 1), attempts, failure));
            let Some(wait) = wait else { return (result, attempts) };
            tokio::time::sleep(wait).await;
            attempts += 1;
        }
    }

    /// In 0..1, drawn from the call itself, so that it does not depend on the order in which calls fail.
    fn jitter(&self, (digest, repeat): (&Digest, u32), attempt: u32) -> f64 {
        let draw = Digest::of_json(&(self.seed.to_string(), digest, repeat, attempt)).prefix128();
        (draw >> 75) as f64 / (1_u64 << 53) as f64
    }
}

/// Turns single attempts into an answer.
pub(crate) struct Retry<P> {
    pub(crate) inner: P,
    pub(crate) policy: RetryPolicy,
    pub(crate) listener: Listener,
    /// Whether all is given up where nothing is answered for some seconds, or where the provider says that nothing will be
    /// for longer than the longest wait. Else it is asked once more after that wait.
    pub(crate) fail_fast: bool,
    pub(crate) streak: Streak,
    /// Says when waiting has become vain.
    pub(crate) guard: Arc<Guard>,
}

/// Calls that failed in a row, whatever was asked.
#[derive(Default)]
pub(crate) struct Streak(Mutex<Option<Failed>>);

struct Failed {
    since: Instant,
    calls: u32,
    last: Failure,
}

impl Failed {
    /// Whether it shows an outage to who wants to fail fast. Who refuses calls answers at once, and is called less often.
    fn is_lost(&self) -> bool {
        let shown = if self.refuses() { 3 } else { 5 };
        self.calls >= shown && self.since.elapsed() >= SHORT
    }

    fn refuses(&self) -> bool {
        self.last.kind == FailureKind::RateLimit || self.last.retry_after_ms.is_some()
    }
}

impl Streak {
    fn open(&self) -> MutexGuard<'_, Option<Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(&self, result: &Result<T, FailedCall>) {
        let mut open = self.open();
        match result {
            Err(failed) if failed.failure.kind.is_retryable() => {
                let last = failed.failure.clone();
                let before = open.take().map_or((Instant::now(), 0), |before| (before.since, before.calls));
                *open = Some(Failed { since: before.0, calls: before.1 + 1, last });
            }
            _ => *open = None,
        }
    }

    /// For how long nothing was answered.
    fn age(&self) -> Duration {
        self.open().as_ref().map_or(Duration::ZERO, |failed| failed.since.elapsed())
    }

    /// Waits until nothing was answered for too long; the newest failure. Who refuses some calls may be answering others.
    async fn lost(&self, guard: &Guard) -> Failure {
        loop {
            let is_lost = |failed: &&Failed| failed.is_lost() && !(failed.refuses() && guard.has_calls());
            if let Some(failed) = self.open().as_ref().filter(is_lost) {
                return failed.last.clone();
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What the attempts at a request have taken.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    attempts: u32,
    /// What those that failed cost, where it is known, and of how many it is not.
    wasted: Option<NanoUsd>,
    unpriced: u32,
}

impl Spent {
    /// With the cost of an attempt that failed. A refusal costs nothing; what was counted without a known price, or broke off
    /// after it was sent, costs nobody knows what.
    fn and_failed(self, failed: &FailedCall) -> Self {
        let is_unpriced = failed.untold || (failed.usage.is_some() && failed.cost.is_none());
        let wasted = NanoUsd::known_sum(self.wasted, failed.cost);
        Self { wasted, unpriced: self.unpriced + u32::from(is_unpriced), ..self }
    }

    /// With an attempt that was given up. What waited for its turn was not called.
    fn and_given_up(self, was_sent: bool) -> Self {
        let (sent, unsent) = (u32::from(was_sent), u32::from(!was_sent));
        Self { attempts: self.attempts - unsent, unpriced: self.unpriced + sent, ..self }
    }

    fn for_answer(self, result: Result<Response, Failure>) -> Answer {
        let Self { attempts, wasted, unpriced } = self;
        Answer { result, attempts, wasted, wasted_unpriced: unpriced, answered_ms: None }
    }
}

/// How often it is looked whether all is lost.
const LOOK: Duration = Duration::from_millis(100);

impl<P: Provider> Answerer for Retry<P> {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let mut spent = Spent { attempts: 1, ..Spent::default() };
            loop {
                let sent = Sent::default();
                let called = self.unless_lost(&request, sent.watch(self.inner.call(&request))).await;
                called.iter().for_each(|result| self.streak.note(result));
                let failed = match called {
                    Ok(Ok(response)) => return spent.for_answer(Ok(response)),
                    Ok(Err(failed)) => failed,
                    Err(failure) => return spent.and_given_up(sent.was_sent()).for_answer(Err(failure)),
                };
                spent = spent.and_failed(&failed);
                let failure = self.judged(failed.failure);
                let wait = self.policy.wait((&request.digest, request.repeat), spent.attempts, &failure);
                let is_in_vain = self.fail_fast && self.is_far(&failure) || self.guard.is_hopeless();
                let Some(wait) = wait.filter(|_| !is_in_vain) else {
                    // What the budget refused was not called.
                    spent.attempts -= u32::from(failure.kind == FailureKind::Budget);
                    return spent.for_answer(Err(given_up(failure)));
                };
                let pause = self.pause(&request, spent.attempts, wait, failure);
                if let Err(failure) = self.unless_lost(&request, pause).await {
                    return spent.for_answer(Err(failure));
                }
                spent.attempts += 1;
            }
        })
    }
}

impl<P> Retry<P> {
    /// A rate limit that is far away counts as a quota that is gone, once it was waited for as long as we wait.
    fn judged(&self, failure: Failure) -> Failure {
        match failure.kind {
            FailureKind::RateLimit
                if self.is_far(&failure)
                    && (self.fail_fast || self.streak.age() >= self.policy.longest_retry_after) =>
            {
                Failure { kind: FailureKind::Quota, ..failure }
            }
            _ => failure,
        }
    }

    /// Whether the provider asks for a longer wait than we ever do.
    fn is_far(&self, failure: &Failure) -> bool {
        failure.retry_after_ms.is_some_and(|asked| Duration::from_millis(asked) > self.policy.longest_retry_after)
    }

    /// What a future comes to, unless waiting for it has become vain.
    async fn unless_lost<T>(&self, request: &Request, future: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = future => Ok(done),
            failure = self.streak.lost(&self.guard), if self.fail_fast => Err(given_up(failure)),
            failure = self.guard.given_up(&request.digest) => Err(failure),
        }
    }

    async fn pause(&self, request: &Request, attempt: u32, wait: Duration, failure: Failure) {
        let model = request.body.model.clone();
        (self.listener)(Event::Retrying { model, attempt: attempt + 1, wait, reason: failure.message });
        tokio::time::sleep(wait).await;
    }
}

/// A failure that is told: also how long it is until there is room again, where the provider says so.
fn given_up(failure: Failure) -> Failure {
    match failure.retry_after_ms.map(Duration::from_millis) {
        Some(asked) if matches!(failure.kind, FailureKind::Quota | FailureKind::RateLimit) => {
            Failure { message: room::told(&failure.message, asked), ..failure }
        }
        _ => failure,
    }
}
