//! What a provider's refusals teach, as a function of times alone (seconds from any start).
//!
//! A refusal (429) sets the rate to a little less than what was answered of late; each answer raises it again, slowly
//! while the right rate is nearly known, fast while it is not. A wait that the provider asks for holds all calls, up to a
//! cap. Signs of overload narrow the number of calls at a time in the same way: multiplicative decrease, additive
//! increase. Refusals of calls that were sent before the last one taught something teach nothing new.
//!
//! It cannot freeze: the rate is never below [`LEAST_RATE`], the window never below one call, a hold always ends.

use std::collections::VecDeque;

/// Answers are counted over so many seconds.
const MEMORY: f64 = 15.0;

/// Of the rate that was right until now, what remains after a refusal.
const LOWERED: f64 = 0.92;

/// Of the calls at a time, what remains after a sign of overload.
const NARROWED: f64 = 0.7;

/// How much the rate grows with an answer, and at most in a second, once it is nearly known.
const GROWTH: (f64, f64) = (0.002, 0.01);

/// How much it grows in a second until then.
const SEARCH: f64 = 0.5;

/// So many answers between two refusals tell the right rate.
const ENOUGH: usize = 10;

/// Grown by so much without a refusal, a rate was not the right one: whatever refused calls then does so no more.
const OUTGROWN: f64 = 1.4;

/// Calls a second to begin with, where nothing was answered before the first refusal.
const GUESS: f64 = 1.0;

/// Calls a second, at least: who refuses everything is still asked now and then.
pub(super) const LEAST_RATE: f64 = 0.2;

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Admission {
    /// It is counted as under way.
    Go,
    /// Not before this time.
    At(f64),
    /// Not before another ends.
    Full,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ended {
    /// With an answer.
    Answered,
    /// It was one too many; the wait asked for, in seconds.
    Refused(Option<f64>),
    /// The provider cannot cope, or cannot be reached; the wait asked for, in seconds.
    Overloaded(Option<f64>),
    /// In a way that says nothing about the pace.
    Unknown,
}

/// The rate and the window that a provider bears.
#[derive(Debug)]
pub(super) struct Controller {
    /// Calls a second; nothing as long as none was refused.
    rate: Option<f64>,
    /// Whether that rate was measured, rather than guessed.
    is_known: bool,
    /// When the rate lets the next call go.
    next: f64,
    /// When the rate last grew.
    grown: f64,
    /// When it was last lowered, and to what.
    lowered: f64,
    lowered_to: f64,
    /// Since when answers are counted.
    counted_since: f64,
    answers: VecDeque<f64>,
    /// No call before this time.
    hold: f64,
    longest_hold: f64,
    /// Calls at a time.
    window: f64,
    most: f64,
    /// Below this the window grows with every answer.
    threshold: f64,
    narrowed: f64,
    is_narrowing: bool,
    in_flight: usize,
}

impl Controller {
    pub(super) fn new(most: f64, longest_hold: f64) -> Self {
        Self {
            rate: None,
            is_known: false,
            next: 0.0,
            grown: 0.0,
            lowered: f64::NEG_INFINITY,
            lowered_to: 0.0,
            counted_since: 0.0,
            answers: VecDeque::new(),
            hold: 0.0,
            longest_hold,
            window: most,
            most,
            threshold: most,
            narrowed: f64::NEG_INFINITY,
            is_narrowing: false,
            in_flight: 0,
        }
    }

    /// Whether a call may be made now; if so, it is under way.
    pub(super) fn admit(&mut self, now: f64) -> Admission {
        if self.in_flight as f64 >= self.window.floor().max(1.0) {
            return Admission::Full;
        }
        let earliest = self.hold.max(if self.rate.is_some() { self.next } else { now });
        if now < earliest {
            return Admission::At(earliest);
        }
        if let Some(rate) = self.rate {
            self.next = now + 1.0 / rate;
        }
        self.in_flight += 1;
        Admission::Go
    }

    /// A call that was sent at a time has ended.
    pub(super) fn ended(&mut self, sent: f64, how: Ended, now: f64) {
        let in_flight = self.in_flight;
        self.in_flight = self.in_flight.saturating_sub(1);
        match how {
            Ended::Answered => self.answered(now),
            Ended::Refused(wait) => {
                self.hold_for(wait, now);
                self.refused(sent, now);
            }
            Ended::Overloaded(wait) => {
                self.hold_for(wait, now);
                self.overloaded(sent, in_flight, now);
            }
            Ended::Unknown => {}
        }
    }

    fn hold_for(&mut self, wait: Option<f64>, now: f64) {
        let wait = wait.unwrap_or(0.0).clamp(0.0, self.longest_hold);
        self.hold = self.hold.max(now + wait);
    }

    fn answered(&mut self, now: f64) {
        self.is_narrowing = false;
        self.window = (self.window + if self.window < self.threshold { 1.0 } else { 1.0 / self.window }).min(self.most);
        // Nothing is counted that nobody will ask for: before the first refusal only the newest are of interest.
        self.answers.push_back(now);
        self.forget(now);
        let Some(rate) = self.rate else { return };
        let since = (now - self.grown).max(0.0);
        let growth = if self.is_known { GROWTH.0.min(GROWTH.1 * since) } else { SEARCH * since.min(1.0) };
        let rate = rate * (1.0 + growth);
        self.is_known &= rate < OUTGROWN * self.lowered_to;
        (self.rate, self.grown) = (Some(rate), now);
    }

    fn refused(&mut self, sent: f64, now: f64) {
        if sent < self.lowered {
            return;
        }
        if let Some(rate) = self.rate
            && sent < self.lowered + 1.0 / rate
        {
            // It went before its time, on the provider's word; its own pace is not shown to be wrong.
            self.next = self.hold.max(now + 1.0 / rate);
            return;
        }
        self.forget(now);
        let span = (now - self.counted_since.max(now - MEMORY)).max(1.0);
        let measured = self.answers.len() as f64 / span;
        let is_measured = self.answers.len() >= ENOUGH;
        let right = match self.rate {
            None => (measured * LOWERED).max(GUESS),
            // It was raised in leaps: what was answered meanwhile says little, the last leap was one too many.
            Some(rate) if !self.is_known => rate * NARROWED,
            // It was nearly right for a while.
            Some(rate) if measured > 0.75 * rate => rate * LOWERED,
            // Far too high, and the measure is the better the more was answered.
            Some(rate) if is_measured => (rate * NARROWED).max(measured * LOWERED),
            Some(rate) => rate * NARROWED,
        };
        // Where nothing was answered in between, a lower rate says nothing of the right one.
        self.is_known = is_measured || self.rate.is_some() && !self.answers.is_empty();
        let rate = right.max(LEAST_RATE);
        self.rate = Some(rate);
        (self.lowered, self.lowered_to) = (now, rate);
        self.grown = now;
        // A guessed rate says less than the provider does.
        let is_told = !self.is_known && self.hold > now;
        self.next = if is_told { self.hold } else { self.hold.max(now + 1.0 / rate) };
        self.counted_since = self.hold.max(now);
        self.answers.clear();
    }

    fn overloaded(&mut self, sent: f64, in_flight: usize, now: f64) {
        if sent < self.narrowed {
            return;
        }
        let narrower = (self.window.min(in_flight as f64) * NARROWED).max(1.0);
        if !self.is_narrowing {
            self.threshold = narrower;
        }
        self.window = narrower;
        self.narrowed = now;
        self.is_narrowing = true;
    }

    fn forget(&mut self, now: f64) {
        while self.answers.front().is_some_and(|oldest| now - oldest > MEMORY) {
            self.answers.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
