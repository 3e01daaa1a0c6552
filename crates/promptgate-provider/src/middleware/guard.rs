//! When one may be asked who answers nothing any more, so that an outage costs minutes and neither the night nor the run.
//!
//! What counts are requests that were given up, retries and all; and single calls, where retries wait long for their turn
//! (see `calls.rs`). Once enough of them were in a row, and more than one request (one alone may be what is wrong, unless it
//! is given up [`ALIKE`] times), the others wait; one at a time tries whether there is an answer again, after pauses that
//! grow. The first answer lets all of them go. One that has tried [`TRIES`] times in vain is given up with its own failure,
//! since it may be the only one that fails. An outage that lasts for [`OUTAGE`] ([`NEVER_SEEN`] where nothing was ever answered) is no short one: then those
//! that wait are given up with its message, and so are all that come later, but for one now and then. Who refuses a key, has
//! no quota left or is not there is not asked again: that is told once. What is not found or forbidden (403) once something
//! was answered is about that request, unless [`FORBIDDEN`] requests in a row are forbidden.

mod calls;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::digest::Digest;
use promptgate_core::event::{Event, Listener};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use calls::Calls;

/// Attempts that failed in a row before nobody is asked any more: a request that was tried as often as usual, or several
/// that were tried once, or as many generations of calls.
const PATIENCE: u32 = 5;

/// So many times one request is given up (a judge's on equal outputs, say) before that counts as several: it alone may be
/// what is wrong.
const ALIKE: u32 = 16;

/// The pause before the first try whether there is an answer again; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest one: within so long, and what a try takes, the end of an outage is noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often one request tries.
const TRIES: u32 = 2;

/// How much longer a request waits for each time it has tried: others are let go first.
const COURTESY: Duration = Duration::from_millis(500);

/// How often what is under way looks whether all is given up.
const LOOK: Duration = Duration::from_millis(500);

/// How long an outage lasts before it is told, where something was answered before: a request alone may fail so long.
const TOLD: Duration = Duration::from_secs(15);

/// How long an outage is waited for, from its first request that was given up.
const OUTAGE: Duration = Duration::from_secs(300);

/// The same where nothing was ever answered: a wrong address is likelier then.
pub(super) const NEVER_SEEN: Duration = Duration::from_secs(60);

/// Requests in a row that a key which had answers is forbidden before it is taken for one that has none any more: a filter
/// may hold back several hostile texts one after another.
const FORBIDDEN: u32 = 20;

/// What comes of a request.
pub(crate) trait Told {
    /// Why there is no answer.
    fn failure(&self) -> Option<&Failure>;

    /// The attempts it took.
    fn attempts(&self) -> u32;

    /// The same, with what it took to be told something else before.
    fn after(self, earlier: Self) -> Self;
}

/// Sees requests through to somebody who may be out.
pub(crate) struct Guard {
    /// Whom it stands before, e.g. `openai/gpt-4.1`.
    who: String,
    /// Whether the first request that is given up is the last one, for good.
    fail_fast: bool,
    listener: Listener,
    state: Mutex<State>,
    /// Rings when those that wait may look again.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The attempts that failed in a row. Requests that were sent before the first of them came back say the same as it,
    /// and theirs do not count.
    attempts: u32,
    /// When the first request of these came back, and the last one that counted.
    times: Option<(Instant, Instant)>,
    /// Which request was given up first.
    first: Option<Digest>,
    /// How often one was, and whether others were too.
    times_given_up: u32,
    several: bool,
    open: Option<Open>,
    /// Whether the listener knows.
    is_told: bool,
    /// Why asking again is in vain, whatever the time, and since when.
    gone: Option<(Failure, Instant)>,
    /// Whether somebody was there before, whatever was said.
    is_known: bool,
    /// Whether the model answered before, so that the key is known to be right.
    is_admitted: bool,
    /// The requests that were forbidden in a row since.
    forbidden: u32,
    calls: Calls,
}

/// Nobody is asked.
struct Open {
    /// Why the last request was given up.
    failure: Failure,
    pause: Duration,
    next_try: Instant,
    /// The request that tries.
    trying: Option<Digest>,
}

/// What becomes of a request.
enum Admission {
    /// It is asked.
    Go,
    /// It is asked, and tells whether there is an answer again.
    Try,
    /// It looks again at this time, or when something has changed.
    Wait(Instant),
    /// It is given up.
    Refused(Failure),
}

impl Guard {
    /// A guard that opens after enough requests in a row; with `fail_fast` after the first, for good.
    pub(crate) fn new(who: String, fail_fast: bool, listener: Listener) -> Self {
        Self { who, fail_fast, listener, state: Mutex::default(), changed: Notify::new() }
    }

    /// Has a request asked once it may be, and again where it tries in vain. The error is why it was not asked at all.
    pub(crate) async fn see_through<T, F>(&self, request: &Digest, ask: impl Fn() -> F) -> Result<T, Failure>
    where
        T: Told,
        F: Future<Output = T>,
    {
        let (mut tries, mut before) = (0, None::<T>);
        loop {
            let is_try = match self.admitted(request, tries).await {
                Ok(is_try) => is_try,
                Err(failure) => return before.ok_or(failure),
            };
            let under_way = UnderWay { guard: self, sent: Instant::now(), is_try };
            let told = ask().await;
            let is_in_vain = under_way.note(request, &told);
            drop(under_way);
            let told = match before.take() {
                Some(before) => told.after(before),
                None => told,
            };
            tries += 1;
            if !(is_try && is_in_vain && tries < TRIES) {
                return Ok(told);
            }
            before = Some(told);
        }
    }

    /// Waits until a call of a request is in vain, and why: nothing is answered any more, and what was sent before that was
    /// known had its time. A request that tries is let be.
    pub(crate) async fn given_up(&self, request: &Digest) -> Failure {
        loop {
            tokio::time::sleep(LOOK).await;
            let state = self.lock();
            let tries = state.open.as_ref().is_some_and(|open| open.trying.as_ref() == Some(request));
            if let Some(failure) = state.hopeless(self.fail_fast).filter(|_| !tries || state.gone.is_some()) {
                return failure;
            }
        }
    }

    /// Whether a call that failed is in vain tried again, also one of a request that tries.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.lock().hopeless(self.fail_fast).is_some()
    }

    /// A call is on its way.
    pub(crate) fn sent(&self) -> Call<'_> {
        Call { guard: self, generation: self.lock().calls.sent(), has_ended: false }
    }

    /// Whether calls are under way.
    pub(crate) fn has_calls(&self) -> bool {
        self.lock().calls.are_under_way()
    }

    /// Whether a request that came now would only wait.
    pub(crate) fn is_held(&self) -> bool {
        let state = self.lock();
        let (now, over) = (Instant::now(), state.over());
        let waits = |open: &Open| open.trying.is_some() || now < open.next_try;
        !self.fail_fast && now < over && state.open.as_ref().is_some_and(waits)
    }

    /// Tells of an outage, once. Requests that try in vain for a while show it, unless nothing was answered before.
    fn tell(&self, state: &mut State, is_shown: bool) {
        let is_shown = is_shown || !state.is_known;
        if let Some(open) = state.open.as_ref().filter(|_| is_shown && !state.is_told && !self.fail_fast) {
            let (who, longest, reason) = (self.who.clone(), state.longest(), open.failure.message.clone());
            (self.listener)(Event::Held { who, longest, reason });
            state.is_told = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request that has tried so often may be asked; whether it tries. The error is why it may not at all.
    async fn admitted(&self, request: &Digest, tries: u32) -> Result<bool, Failure> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let admission = self.lock().admission(self.fail_fast, request, tries);
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

    /// Until when this one is.
    fn over(&self) -> Instant {
        self.times.map_or_else(Instant::now, |(first, _)| first + self.longest())
    }

    /// Why nothing is asked any more, if nothing is.
    fn verdict(&self, fail_fast: bool) -> Option<Admission> {
        if let Some((failure, _)) = &self.gone {
            return Some(refused("an earlier call was refused", failure));
        }
        let open = self.open.as_ref()?;
        if fail_fast {
            return Some(refused("an earlier request failed", &open.failure));
        }
        let (first, _) = self.times?;
        let since = Instant::now() - first;
        let why = format!("nothing was answered for {} s, in the end with", since.as_secs());
        (since >= self.longest()).then(|| refused(&why, &open.failure))
    }

    /// Why what is under way is not waited for any more.
    fn hopeless(&self, fail_fast: bool) -> Option<Failure> {
        let has_had_its_time = self.gone.as_ref().map_or(!fail_fast, |(_, since)| since.elapsed() >= NEVER_SEEN);
        match self.verdict(fail_fast).filter(|_| has_had_its_time)? {
            Admission::Refused(failure) => Some(failure),
            _ => None,
        }
    }

    fn admission(&mut self, fail_fast: bool, request: &Digest, tries: u32) -> Admission {
        let (over, verdict) = (self.over(), self.verdict(fail_fast));
        let is_final = fail_fast || self.gone.is_some();
        if let Some(open) = self.open.as_mut().filter(|_| !is_final) {
            let due = open.next_try + COURTESY * tries;
            if open.trying.is_none() && Instant::now() >= due {
                open.trying = Some(*request);
                return Admission::Try;
            }
            return verdict.unwrap_or(Admission::Wait(if open.trying.is_some() { over } else { due.min(over) }));
        }
        verdict.unwrap_or(Admission::Go)
    }

    /// A request that was sent then was given up.
    fn given_up(&mut self, request: &Digest, told: &impl Told, sent: Instant, patience: u32) {
        let (Some(failure), now) = (told.failure().cloned(), Instant::now()) else { return };
        self.times_given_up += 1;
        self.several |= self.first.get_or_insert(*request) != request || self.times_given_up >= ALIKE;
        if self.times.is_none_or(|(_, last)| sent >= last) {
            self.attempts = self.attempts.saturating_add(told.attempts());
            self.times = Some((self.times.map_or(now, |(first, _)| first), now));
        }
        // What is given up by the verdict repeats its words.
        let is_over = self.verdict(false).is_some();
        match &mut self.open {
            Some(open) if !is_over => open.failure = failure,
            None if self.attempts >= patience && (self.several || patience == 1) => self.open(failure, now),
            _ => {}
        }
    }

    fn open(&mut self, failure: Failure, now: Instant) {
        self.open = Some(Open { failure, pause: FIRST_PAUSE, next_try: now + FIRST_PAUSE, trying: None });
    }

    /// A call that has ended was not answered. Since when that holds of all, where it shows an outage.
    fn call_failed(&mut self, request: &Digest, failure: &Failure) -> Option<Instant> {
        let now = Instant::now();
        self.calls.failed(request, now);
        let since = self.calls.lost_since(PATIENCE)?;
        if self.open.is_none() {
            self.open(failure.clone(), now);
            self.times.get_or_insert((now, now));
        }
        Some(since)
    }

    /// The try is over, and nothing was answered.
    fn has_tried(&mut self) {
        if let Some(open) = &mut self.open {
            open.trying = None;
            open.pause = (open.pause * 2).min(LONGEST_PAUSE);
            open.next_try = Instant::now() + open.pause;
        }
    }
}

/// Whether a key is refused by the status that also refuses what one request asks for.
fn is_forbidden(failure: &Failure) -> bool {
    failure.kind == FailureKind::Credential && failure.status == Some(403)
}

fn refused(why: &str, failure: &Failure) -> Admission {
    Admission::Refused(Failure { message: format!("not called, since {why}: {}", failure.message), ..failure.clone() })
}

/// A request under way. However it ends, those that wait look again.
struct UnderWay<'a> {
    guard: &'a Guard,
    sent: Instant,
    is_try: bool,
}

impl UnderWay<'_> {
    /// Takes down what a request was told; whether that speaks for an outage.
    fn note(&self, request: &Digest, told: &impl Told) -> bool {
        let mut state = self.guard.lock();
        match told.failure().map(|failure| failure.kind) {
            _ if told.failure().is_some_and(is_forbidden) && state.is_admitted && state.gone.is_none() => {
                state.forbidden += 1;
                if state.forbidden >= FORBIDDEN {
                    self.is_gone(&mut state, told);
                }
            }
            Some(FailureKind::Quota | FailureKind::Credential) => self.is_gone(&mut state, told),
            Some(FailureKind::NotFound) if !state.is_known => self.is_gone(&mut state, told),
            Some(FailureKind::Connection | FailureKind::RateLimit | FailureKind::Server) => {
                let patience = if self.guard.fail_fast { 1 } else { PATIENCE };
                state.given_up(request, told, self.sent, patience);
                let lasts = state.times.is_some_and(|(first, last)| last - first >= TOLD);
                self.guard.tell(&mut state, self.is_try && lasts);
                return true;
            }
            // Nobody was asked.
            Some(FailureKind::Budget) => {}
            // An answer, or a failure that is about the request. What is gone stays so: others may have been under way. Who
            // answers is there, though.
            kind => {
                let is_of_one = |failure: &Failure| failure.kind == FailureKind::NotFound || is_forbidden(failure);
                let stays = |(failure, _): &(Failure, _)| !is_of_one(failure) || kind.is_some();
                let is_admitted = state.is_admitted || kind.is_none_or(FailureKind::is_the_models);
                let gone = state.gone.take().filter(stays);
                let calls = std::mem::take(&mut state.calls);
                *state = State { gone, is_known: true, is_admitted, calls, ..State::default() };
            }
        }
        false
    }

    /// Nothing is asked any more, and why, which is told once.
    fn is_gone(&self, state: &mut State, told: &impl Told) {
        let Some(failure) = told.failure().cloned() else { return };
        // What comes later may repeat its words.
        if state.gone.is_none() {
            let (who, reason) = (self.guard.who.clone(), failure.message.clone());
            (self.guard.listener)(Event::Gone { who, reason });
            state.gone = Some((failure, Instant::now()));
        }
    }
}

/// A single call under way, until it has come back or is dropped.
pub(crate) struct Call<'a> {
    guard: &'a Guard,
    generation: u64,
    has_ended: bool,
}

impl Call<'_> {
    /// It has come back, with a failure or with an answer.
    pub(crate) fn came(mut self, request: &Digest, failure: Option<&Failure>) {
        let mut state = self.guard.lock();
        state.calls.ended(self.generation);
        self.has_ended = true;
        let Some(failure) = failure.filter(|failure| failure.kind.is_retryable()) else {
            return state.calls.answered();
        };
        // Who wants to fail fast counts seconds.
        if self.guard.fail_fast {
            return;
        }
        if let Some(since) = state.call_failed(request, failure) {
            self.guard.tell(&mut state, since.elapsed() >= TOLD);
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.guard.lock().calls.ended(self.generation);
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if self.is_try {
            self.guard.lock().has_tried();
        }
        self.guard.changed.notify_waiters();
    }
}
