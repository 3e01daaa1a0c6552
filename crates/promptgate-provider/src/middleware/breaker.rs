//! Holds back what is asked of a model that answers nothing any more. It stands outside the retries: what its [`Guard`]
//! counts are requests that were given up.

use std::sync::Arc;

use promptgate_core::answer::{Answer, Failure};
use promptgate_core::name::ModelId;
use promptgate_core::price::NanoUsd;
use promptgate_core::request::Request;

use super::guard::{Guard, Told};
use crate::{Answerer, BoxFuture, CalledFor};

/// An answerer that is not asked in vain.
pub(crate) struct Guarded<A> {
    inner: A,
    guard: Arc<Guard>,
}

impl<A> Guarded<A> {
    /// The guard is the one that the retries within know.
    pub(crate) fn new(inner: A, guard: Arc<Guard>) -> Self {
        Self { inner, guard }
    }
}

impl Told for Answer {
    fn failure(&self) -> Option<&Failure> {
        self.result.as_ref().err()
    }

    fn attempts(&self) -> u32 {
        self.attempts
    }

    fn after(self, earlier: Self) -> Self {
        let attempts = self.attempts.saturating_add(earlier.attempts);
        Self {
            attempts,
            wasted: NanoUsd::known_sum(self.wasted, earlier.wasted),
            wasted_unpriced: self.wasted_unpriced.saturating_add(earlier.wasted_unpriced),
            ..self
        }
    }
}

impl<A: Answerer> Answerer for Guarded<A> {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let asked = self.guard.see_through(&request.digest, || self.inner.answer(request.clone()));
            asked.await.unwrap_or_else(|failure| Answer::uncalled(Err(failure)))
        })
    }

    fn is_held(&self, _: &ModelId, _: CalledFor) -> bool {
        self.guard.is_held()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
    use std::time::Duration;

    use promptgate_core::answer::{FailureKind, Response};
    use promptgate_core::event::{Event, Listener};
    use promptgate_core::format::project::ProviderSettings;
    use promptgate_core::message::{Message, Role};
    use promptgate_core::name::{CaseId, PromptId};
    use promptgate_core::request::{Origin, RequestBody};
    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::super::guard::NEVER_SEEN;
    use super::*;
    use crate::budget::{Budget, BudgetLimits, Budgeted};
    use crate::middleware::{Limits, Pace, Paced, Retry, RetryPolicy, Watched};
    use crate::{FailedCall, Provider};

    const LATENCY: Duration = Duration::from_millis(50);

    /// A server that fails with a kind of failure while it is down: from a second to another.
    struct Server {
        started: Instant,
        down: std::ops::Range<f64>,
        /// The requests that fail always.
        poison: std::ops::Range<usize>,
        kind: FailureKind,
        /// After how long a call fails.
        silence: Duration,
        /// After how long one is answered.
        latency: Duration,
        /// So many at a time are served, the others are refused.
        slots: usize,
        serving: AtomicUsize,
        /// How many different requests there are.
        kinds: usize,
        settings: ProviderSettings,
        calls: Arc<AtomicU32>,
    }

    impl Server {
        fn down(down: std::ops::Range<f64>, kind: FailureKind) -> Self {
            let (settings, calls) = (ProviderSettings::default(), Arc::default());
            Self {
                started: Instant::now(),
                down,
                poison: 0..0,
                kind,
                silence: LATENCY,
                latency: LATENCY,
                slots: usize::MAX,
                serving: AtomicUsize::new(0),
                kinds: usize::MAX,
                settings,
                calls,
            }
        }

        fn silent(down: std::ops::Range<f64>, seconds: u64) -> Self {
            Self { silence: Duration::from_secs(seconds), ..Self::down(down, FailureKind::Connection) }
        }
    }

    impl Provider for Server {
        fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
            Box::pin(async move {
                self.calls.fetch_add(1, Ordering::Relaxed);
                let is_down = self.down.contains(&self.started.elapsed().as_secs_f64());
                let is_poison = self.poison.clone().any(|number| request.digest == self::request(number).digest);
                if is_down || is_poison {
                    tokio::time::sleep(self.silence).await;
                    return Err(FailedCall::new(self.kind, "down"));
                }
                if self.serving.fetch_add(1, Ordering::Relaxed) >= self.slots {
                    self.serving.fetch_sub(1, Ordering::Relaxed);
                    return Err(FailedCall::new(FailureKind::RateLimit, "too many"));
                }
                tokio::time::sleep(self.latency).await;
                self.serving.fetch_sub(1, Ordering::Relaxed);
                Ok(Response::text("ok"))
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
        run_at(32, requests, down, 0..0, kind, fail_fast).await
    }

    async fn run_at(
        concurrency: usize,
        requests: usize,
        down: std::ops::Range<f64>,
        poison: std::ops::Range<usize>,
        kind: FailureKind,
        fail_fast: bool,
    ) -> (Vec<Answer>, u32, Duration) {
        let server = Server { poison, ..Server::down(down, kind) };
        run_with(server, concurrency, requests, fail_fast).await
    }

    async fn run_with(
        server: Server,
        concurrency: usize,
        requests: usize,
        fail_fast: bool,
    ) -> (Vec<Answer>, u32, Duration) {
        let (started, calls, kinds) = (server.started, server.calls.clone(), server.kinds);
        let policy = RetryPolicy::default();
        let policy = if fail_fast { policy.hasty() } else { policy };
        let told = Arc::new(AtomicU32::new(0));
        let telling = told.clone();
        let listener: Listener = Arc::new(move |event| {
            if let Event::Held { .. } = event {
                telling.fetch_add(1, Ordering::Relaxed);
            }
        });
        let guard = Arc::new(Guard::new("scripted/m".to_owned(), fail_fast, listener));
        let (listener, streak) = (Arc::new(|_| {}), Default::default());
        let pace = Arc::new(Pace::within(Arc::new(Limits::of(&server.settings)), policy.longest_retry_after));
        let server = Paced { inner: Watched { inner: server, guard: guard.clone() }, pace };
        let budget = Budget::new(BudgetLimits { calls: Some(u64::MAX), ..BudgetLimits::default() });
        let server = Budgeted { inner: server, budget: Some(budget.clone()), price: None };
        let retry = Retry { inner: server, policy, listener, fail_fast, streak, guard: guard.clone() };
        let guarded = Arc::new(Guarded::new(retry, guard));
        let room = Arc::new(Semaphore::new(concurrency));
        let mut answers = JoinSet::new();
        for number in 0..requests {
            let (guarded, room) = (guarded.clone(), room.clone());
            answers.spawn(async move {
                let _permit = room.acquire().await;
                guarded.answer(request(number % kinds)).await
            });
        }
        let mut answers = answers.join_all().await;
        let counted: u32 = answers.iter().map(|answer| answer.attempts).sum();
        let calls = calls.load(Ordering::Relaxed);
        assert_eq!(counted, calls, "no call is left out, and what only waited for its turn is none");
        assert_eq!(budget.spent().calls, u64::from(calls));
        answers.retain(|answer| answer.result.is_err());
        assert!(told.load(Ordering::Relaxed) <= 1, "an outage is told once");
        (answers, calls, started.elapsed())
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
        // One more took the place of the first, which alone is no outage.
        assert!(failed.len() <= 32 + 1, "{}", failed.len());
        assert!(took < Duration::from_secs(260), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_that_lasts_ends_the_calls_after_minutes() {
        let (failed, calls, took) = run(2_000, 1.0..f64::INFINITY, FailureKind::Server, false).await;
        assert!(failed.len() > 1_000 && calls < 1_100, "{} failed, {calls} calls", failed.len());
        assert!((Duration::from_secs(300)..Duration::from_secs(400)).contains(&took), "{took:?}");
        let last = failed.last().and_then(|answer| answer.result.as_ref().err()).unwrap();
        assert!(last.message.starts_with("not called, since nothing was answered for 30"), "{last}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_never_answered_is_not_waited_for_long() {
        let (failed, _, took) = run(2_000, 0.0..f64::INFINITY, FailureKind::Connection, false).await;
        assert_eq!(failed.len(), 2_000);
        assert!((NEVER_SEEN..NEVER_SEEN * 2).contains(&took), "{took:?}");
    }

    /// B-3: who stays silent is found out after about as long as one request's attempts take, and is waited for as long as
    /// any; how many wait for that, and how long one is silent, changes nothing.
    #[tokio::test(start_paused = true)]
    async fn silence_is_found_out_as_soon_for_many_calls_as_for_one() {
        for (from, patience) in [(0.0, NEVER_SEEN), (0.2, Duration::from_secs(300))] {
            for seconds in [2, 120] {
                for concurrency in [1, 2, 200] {
                    let silence = Duration::from_secs(seconds);
                    let server = Server::silent(from..f64::INFINITY, seconds);
                    let (failed, _, took) = run_with(server, concurrency, 6 * concurrency, false).await;
                    let attempts = silence * 5 + Duration::from_secs(10);
                    let what = format!("{concurrency} at a time, {seconds} s of silence from {from}: {took:?}");
                    assert!(!failed.is_empty() && took <= attempts + patience + silence * 2, "{what}");
                }
            }
        }
    }

    /// Also where the calls are made one after the other.
    #[tokio::test(start_paused = true)]
    async fn silence_is_found_out_while_retries_wait_for_their_turn() {
        let settings = ProviderSettings { concurrency: Some(1), ..ProviderSettings::default() };
        let server = Server { settings, ..Server::silent(0.0..f64::INFINITY, 60) };
        let (failed, _, took) = run_with(server, 100, 100, false).await;
        assert!(took <= Duration::from_secs(6 * 60) + NEVER_SEEN, "{took:?}");
        let messages: Vec<_> =
            failed.iter().filter_map(|answer| Some(&answer.result.as_ref().err()?.message)).collect();
        let last = "not called, since nothing was answered for 60 s, in the end with: down";
        assert_eq!((failed.len(), messages.iter().any(|message| *message == last)), (100, true));
        assert!(messages.iter().all(|message| message.matches("not called").count() <= 1), "{messages:?}");
    }

    /// A server that is back is used as before.
    #[tokio::test(start_paused = true)]
    async fn after_a_silence_the_calls_are_as_fast_as_before() {
        let server = Server::silent(1.0..11.0, 2);
        // Ten seconds without the silence.
        let (failed, _, took) = run_with(server, 64, 64 * 20 * 10, false).await;
        assert!(failed.len() <= 64, "{}", failed.len());
        assert!(took <= Duration::from_secs(10 + 10 + 15), "{took:?}");
    }

    /// A request that fails whatever happens is no outage: the others wait for it, but not for long.
    #[tokio::test(start_paused = true)]
    async fn requests_that_always_fail_are_taken_for_no_outage() {
        let (failed, calls, took) = run_at(1, 10, 0.0..0.0, 3..7, FailureKind::Server, false).await;
        assert_eq!(failed.len(), 4);
        assert!(failed.iter().all(|answer| (5..=10).contains(&answer.attempts)), "{failed:?}");
        assert!(calls <= 6 + 5 + 5 + 10 + 10 && took < Duration::from_secs(75), "{calls} calls in {took:?}");
        let (failed, calls, took) = run_at(32, 300, 0.0..0.0, 100..120, FailureKind::Server, false).await;
        assert_eq!((failed.len(), calls), (20, 280 + 20 * 5));
        assert!(took < Duration::from_secs(15), "{took:?}");
        let (failed, calls, _) = run_at(1, 10, 0.0..0.0, 0..1, FailureKind::Server, false).await;
        assert_eq!((failed.len(), calls), (1, 9 + 5));
    }

    /// A judge is asked the same of equal outputs.
    #[tokio::test(start_paused = true)]
    async fn an_outage_is_one_also_where_all_requests_are_equal() {
        let server = Server { kinds: 1, ..Server::down(1.0..41.0, FailureKind::Connection) };
        let (failed, calls, _) = run_with(server, 32, 2_000, false).await;
        assert!(failed.len() <= 40 && calls <= 2_000 + 300, "{} failed, {calls} calls", failed.len());
    }

    /// Who refuses some calls may take long to answer the others.
    #[tokio::test(start_paused = true)]
    async fn who_fails_fast_waits_for_answers_that_are_under_way() {
        let up = Server::down(0.0..0.0, FailureKind::Server);
        let server = Server { slots: 4, latency: Duration::from_secs(9), ..up };
        let (failed, calls, _) = run_with(server, 8, 12, true).await;
        assert!(calls > 12 && failed.len() <= 4, "{} failed of {calls}", failed.len());
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_fast_waits_for_no_model() {
        let (failed, _, took) = run(2_000, 0.0..f64::INFINITY, FailureKind::Server, true).await;
        assert_eq!(failed.len(), 2_000);
        assert!(took < Duration::from_secs(5), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_a_quota_that_is_gone_and_a_model_that_is_not_there_are_not_tried_again() {
        for kind in [FailureKind::Credential, FailureKind::Quota, FailureKind::NotFound] {
            let (failed, calls, took) = run(100, 0.0..f64::INFINITY, kind, false).await;
            assert_eq!((failed.len(), calls <= 32), (100, true), "{calls}");
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
    }

    /// What is not found for one request (a file that it names) says nothing about the others.
    #[tokio::test(start_paused = true)]
    async fn what_is_not_found_once_the_model_answered_is_about_that_request() {
        for (concurrency, poison) in [(1, 3..6), (32, 0..2)] {
            let (failed, calls, _) =
                run_at(concurrency, 100, 0.0..0.0, poison.clone(), FailureKind::NotFound, false).await;
            assert_eq!((failed.len(), calls), (poison.len(), 100), "{poison:?}");
        }
    }
}
