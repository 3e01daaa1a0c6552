//! Holds back what is asked of a model that answers nothing any more, so that an outage costs minutes and neither the night
//! nor the run.
//!
//! It stands outside the retries: what it counts are requests that were given up. Once enough of them were in a row, the
//! others wait; one at a time tries whether the model is back, after pauses that grow. The first answer lets all of them
//! go. An outage that lasts for [`OUTAGE`] ([`NEVER_SEEN`] where nothing was ever answered) is no short one: then those that wait are given up with its message, and so are
//! all that come later, but for one now and then. A model whose key is refused or whose quota is gone is not asked again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::event::{Event, Listener};
use promptgate_core::name::ModelId;
use promptgate_core::price::NanoUsd;
use promptgate_core::request::Request;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::{Answerer, BoxFuture};

/// Attempts that failed in a row before a model is no longer called: one request that was tried as often as usual, or
/// several that were tried once.
const PATIENCE: u32 = 5;

/// The pause before the first try whether the model is back; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest one: within so long, and what a try takes, the end of an outage is noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long an outage is waited for, from its first request that was given up.
const OUTAGE: Duration = Duration::from_secs(300);

/// The same where the model has never answered: a wrong address is likelier then.
const NEVER_SEEN: Duration = Duration::from_secs(60);

/// An answerer that is not asked in vain.
pub(crate) struct Guarded<A> {
    inner: A,
    /// Whether the first request that is given up ends the calls, for good.
    fail_fast: bool,
    listener: Listener,
    state: Mutex<State>,
    /// Rings when those that wait may look again.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Requests given up in a row. Those that were sent before the first of them came back say the same as it and count
    /// once.
    given_up: u32,
    /// The attempts they took.
    attempts: u32,
    /// When the first of them came back, and the last one that counted.
    times: Option<(Instant, Instant)>,
    open: Option<Open>,
    /// Why asking again is in vain, whatever the time.
    gone: Option<Failure>,
    /// Whether the model has answered before.
    is_known: bool,
}

/// A model that is not called.
struct Open {
    /// Why the last request was given up.
    failure: Failure,
    pause: Duration,
    next_try: Instant,
    is_trying: bool,
}

/// What becomes of a request.
enum Admission {
    /// It is asked.
    Go,
    /// It is asked, and tells whether the model is back.
    Try,
    /// It looks again at this time, or when something has changed.
    Wait(Instant),
    /// It is given up.
    Refused(Failure),
}

impl<A> Guarded<A> {
    /// A guard that opens after enough requests in a row; with `fail_fast` after the first, for good.
    pub(crate) fn new(inner: A, fail_fast: bool, listener: Listener) -> Self {
        Self { inner, fail_fast, listener, state: Mutex::default(), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request may be asked; whether it is the one that tries. The error is why it may not at all.
    async fn admitted(&self) -> Result<bool, Failure> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let admission = self.lock().admission(self.fail_fast);
            match admission {
                Admission::Go => return Ok(false),
                Admission::Try => return Ok(true),
                Admission::Refused(failure) => return Err(failure),
                // Whether time is up or something has changed, the next look tells.
                Admission::Wait(until) => drop(timeout_at(until, changed).await),
            }
        }
    }
}

impl State {
    /// How long an outage is waited for.
    fn longest(&self) -> Duration {
        if self.is_known { OUTAGE } else { NEVER_SEEN }
    }

    fn admission(&mut self, fail_fast: bool) -> Admission {
        if let Some(failure) = &self.gone {
            return refused("an earlier call was refused", failure);
        }
        let (given_up, times, longest) = (self.given_up, self.times, self.longest());
        let Some(open) = &mut self.open else { return Admission::Go };
        let now = Instant::now();
        if !fail_fast && !open.is_trying && now >= open.next_try {
            open.is_trying = true;
            return Admission::Try;
        }
        let over = times.map_or(now, |(first, _)| first + longest);
        if !fail_fast && now < over {
            return Admission::Wait(if open.is_trying { over } else { open.next_try.min(over) });
        }
        match given_up {
            1 => refused("the last request failed", &open.failure),
            many => refused(&format!("the last {many} requests failed, in the end with"), &open.failure),
        }
    }

    /// A request that was sent then was given up. Whether the model is held back from now on.
    fn given_up(&mut self, failure: &Failure, attempts: u32, sent: Instant, patience: u32) -> bool {
        let now = Instant::now();
        if self.times.is_some_and(|(_, last)| sent < last) {
            return false;
        }
        self.given_up += 1;
        self.attempts = self.attempts.saturating_add(attempts);
        self.times = Some((self.times.map_or(now, |(first, _)| first), now));
        let failure = failure.clone();
        if let Some(open) = &mut self.open {
            open.failure = failure;
            return false;
        }
        let (pause, next_try) = (FIRST_PAUSE, now + FIRST_PAUSE);
        self.open = (self.attempts >= patience).then_some(Open { failure, pause, next_try, is_trying: false });
        self.open.is_some()
    }

    /// The try is over, and the model not back.
    fn has_tried(&mut self) {
        if let Some(open) = &mut self.open {
            open.is_trying = false;
            open.pause = (open.pause * 2).min(LONGEST_PAUSE);
            open.next_try = Instant::now() + open.pause;
        }
    }
}

fn refused(why: &str, failure: &Failure) -> Admission {
    Admission::Refused(Failure { message: format!("not called, since {why}: {}", failure.message), ..failure.clone() })
}

/// A request under way. However it ends, those that wait look again.
struct UnderWay<'a, A> {
    guarded: &'a Guarded<A>,
    sent: Instant,
    tries: bool,
}

impl<A> UnderWay<'_, A> {
    fn note(&self, model: &ModelId, answer: &Answer) {
        let mut state = self.guarded.lock();
        match &answer.result {
            Err(failure) if is_for_good(failure.kind) => state.gone = Some(failure.clone()),
            Err(failure) if is_outage(failure.kind) => {
                let patience = if self.guarded.fail_fast { 1 } else { PATIENCE };
                let is_held = state.given_up(failure, answer.attempts, self.sent, patience);
                if is_held && !self.guarded.fail_fast {
                    let (longest, reason) = (state.longest(), failure.message.clone());
                    (self.guarded.listener)(Event::Held { model: model.clone(), longest, reason });
                }
            }
            // An answer, or a failure that is about the request. What is gone stays so: others may have been under way.
            _ => *state = State { gone: state.gone.take(), is_known: true, ..State::default() },
        }
    }
}

impl<A> Drop for UnderWay<'_, A> {
    fn drop(&mut self) {
        if self.tries {
            self.guarded.lock().has_tried();
        }
        self.guarded.changed.notify_waiters();
    }
}

fn is_outage(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Connection | FailureKind::RateLimit | FailureKind::Server)
}

fn is_for_good(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Quota | FailureKind::Credential)
}

impl<A: Answerer> Guarded<A> {
    async fn ask(&self, request: Request, tries: bool) -> Answer {
        let under_way = UnderWay { guarded: self, sent: Instant::now(), tries };
        let model = request.body.model.clone();
        let answer = self.inner.answer(request).await;
        under_way.note(&model, &answer);
        answer
    }

    /// Asks with the request that tries whether the model is back. It would have waited like the others, so it goes on
    /// waiting with them where the model is not.
    async fn try_on(&self, request: Request) -> Answer {
        let (mut tries, mut attempts, mut wasted) = (true, 0_u32, None);
        loop {
            let answer = self.ask(request.clone(), tries).await;
            attempts = attempts.saturating_add(answer.attempts);
            wasted = total(wasted, answer.wasted);
            let is_down = answer.result.as_ref().is_err_and(|failure| is_outage(failure.kind));
            let answer = Answer { attempts, wasted, ..answer };
            if !is_down {
                return answer;
            }
            match self.admitted().await {
                Ok(again) => tries = again,
                Err(_) => return answer,
            }
        }
    }
}

fn total(one: Option<NanoUsd>, other: Option<NanoUsd>) -> Option<NanoUsd> {
    other.map(|cost| cost.plus(one.unwrap_or_default())).or(one)
}

impl<A: Answerer> Answerer for Guarded<A> {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            match self.admitted().await {
                Ok(false) => self.ask(request, false).await,
                Ok(true) => self.try_on(request).await,
                Err(failure) => Answer { result: Err(failure), attempts: 0, wasted: None, answered_ms: None },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use promptgate_core::answer::Response;
    use promptgate_core::message::{Message, Role};
    use promptgate_core::name::{CaseId, PromptId};
    use promptgate_core::request::{Origin, RequestBody};
    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;

    use super::*;
    use crate::middleware::{Retry, RetryPolicy};
    use crate::{FailedCall, Provider};

    /// A server that fails with a kind of failure while it is down: from a second to another.
    struct Server {
        started: Instant,
        down: std::ops::Range<f64>,
        kind: FailureKind,
        calls: Arc<AtomicU32>,
    }

    impl Provider for Server {
        fn call<'a>(&'a self, _: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
            Box::pin(async move {
                self.calls.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
                let is_down = self.down.contains(&self.started.elapsed().as_secs_f64());
                if is_down { Err(FailedCall::new(self.kind, "down")) } else { Ok(Response::text("ok")) }
            })
        }
    }

    fn request(number: usize) -> Request {
        let body = RequestBody::of(
            ModelId::new("scripted/m").unwrap(),
            vec![Message::text(Role::User, format!("hello {number}"))],
        );
        let origin = Origin::Trial { prompt: PromptId::new("triage").unwrap(), case: CaseId::new("a").unwrap() };
        Request { digest: body.digest(), body, repeat: 1, timeout_ms: 2_000, origin }
    }

    /// What came of so many requests, 32 at a time: the failures, the calls, and how long it took.
    async fn run(
        requests: usize,
        down: std::ops::Range<f64>,
        kind: FailureKind,
        fail_fast: bool,
    ) -> (Vec<Answer>, u32, Duration) {
        let (started, calls) = (Instant::now(), Arc::default());
        let server = Server { started, down, kind, calls: Arc::clone(&calls) };
        let retry = Retry { inner: server, policy: RetryPolicy::default(), listener: Arc::new(|_| {}), fail_fast };
        let told = Arc::new(AtomicU32::new(0));
        let telling = told.clone();
        let listener: Listener = Arc::new(move |event| {
            if let Event::Held { .. } = event {
                telling.fetch_add(1, Ordering::Relaxed);
            }
        });
        let guarded = Arc::new(Guarded::new(retry, fail_fast, listener));
        let room = Arc::new(Semaphore::new(32));
        let mut answers = JoinSet::new();
        for number in 0..requests {
            let (guarded, room) = (guarded.clone(), room.clone());
            answers.spawn(async move {
                let _permit = room.acquire().await;
                guarded.answer(request(number)).await
            });
        }
        let mut answers = answers.join_all().await;
        answers.retain(|answer| answer.result.is_err());
        assert!(told.load(Ordering::Relaxed) <= 1, "an outage is told once");
        (answers, calls.load(Ordering::Relaxed), started.elapsed())
    }

    /// B-1: what was in flight when the server went down may be lost, nothing else is; work goes on within a minute.
    #[tokio::test(start_paused = true)]
    async fn an_outage_of_nine_seconds_takes_no_more_than_what_was_in_flight() {
        let (failed, _, took) = run(2_000, 1.0..10.0, FailureKind::Server, false).await;
        assert!(failed.len() <= 32, "{}", failed.len());
        assert!(took < Duration::from_secs(40), "{took:?}");
        assert!(failed.iter().all(|answer| answer.attempts == 5));
    }

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_within_a_minute_of_the_end_of_an_outage() {
        let (failed, _, took) = run(2_000, 1.0..200.0, FailureKind::Connection, false).await;
        assert!(failed.len() <= 32, "{}", failed.len());
        assert!(took < Duration::from_secs(260), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_that_lasts_ends_the_calls_after_minutes() {
        let (failed, calls, took) = run(2_000, 1.0..f64::INFINITY, FailureKind::Server, false).await;
        assert!(failed.len() > 1_000 && calls < 1_100, "{} failed, {calls} calls", failed.len());
        assert!((Duration::from_secs(300)..Duration::from_secs(400)).contains(&took), "{took:?}");
        let last = failed.last().and_then(|answer| answer.result.as_ref().err()).unwrap();
        assert!(last.message.starts_with("not called, since the last "), "{last}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_never_answered_is_not_waited_for_long() {
        let (failed, _, took) = run(2_000, 0.0..f64::INFINITY, FailureKind::Connection, false).await;
        assert_eq!(failed.len(), 2_000);
        assert!((NEVER_SEEN..NEVER_SEEN * 2).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_fast_waits_for_no_model() {
        let (failed, _, took) = run(2_000, 0.0..f64::INFINITY, FailureKind::Server, true).await;
        assert_eq!(failed.len(), 2_000);
        assert!(took < Duration::from_secs(10), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_and_a_quota_that_is_gone_are_not_tried_again() {
        for kind in [FailureKind::Credential, FailureKind::Quota] {
            let (failed, calls, took) = run(100, 0.0..f64::INFINITY, kind, false).await;
            assert_eq!((failed.len(), calls <= 32), (100, true), "{calls}");
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
    }
}
