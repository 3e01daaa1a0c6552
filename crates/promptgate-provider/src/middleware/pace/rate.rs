//! Calls a second that a model bears, as its refusals taught it. Times are seconds from any start.

use super::ends::Measure;

/// Of the rate that was right until now, what remains after a refusal.
const LOWERED: f64 = 0.92;

/// At most, of what was let in: however many calls were refused, the bucket that refused them holds more.
const LET_IN: f64 = 0.97;

/// Of a rate that is far too high, what remains.
const FAR_LOWERED: f64 = 0.7;

/// Of a rate that is nearly right, a smaller share than this is refused.
const FEW: f64 = 0.25;

/// So many calls that are let in between two refusals tell the right rate.
const ENOUGH: usize = 10;

/// What is let in over so many seconds is not only what a bucket held before.
const LONG: f64 = 5.0;

/// A rate is proven by so much of it that was let in for long.
const PROVEN: f64 = 0.9;

/// A rate that was nearly right when it was lowered is tried for so many seconds, neither raised nor lowered again: what
/// comes meanwhile shows whether it helped.
const TRIED: f64 = 8.0;

/// How much the rate grows with an answer, and at most in a second, once it is nearly known.
const GROWTH: (f64, f64) = (0.002, 0.01);

/// How much it grows in a second until then.
const SEARCH: f64 = 0.5;

/// A rate that is nearly known grows so many times as much once no call was refused for so many seconds, and so many calls:
/// one that is right is found too high by then, and who shared a limit may have it alone.
const SOONER: (f64, f64, f64) = (10.0, 45.0, 80.0);

/// A rate grows up to so many times what is answered: answers may take long, what was asked meanwhile is not seen in them.
const AHEAD: f64 = 10.0;

/// Grown by so much without a refusal, a rate was not the right one: whatever refused calls then does so no more.
const OUTGROWN: f64 = 1.4;

/// To grow too far costs the wait that the next refusal asks for. Where it is meant, the rate does not grow for so many
/// times as long, and for so many seconds at most: who shares a limit may have it alone by then.
const AT_REST: (f64, f64) = (20.0, 90.0);

/// A wait of so many seconds fills most buckets.
const FULL: f64 = 2.0;

/// What was not refused for so many seconds is not known any more.
const STALE: f64 = 300.0;

/// Calls a second to begin with, where nothing was answered before the first refusal.
const GUESS: f64 = 1.0;

/// Calls a second, at least: who refuses everything is still asked now and then.
const LEAST: f64 = 0.2;

/// The same of who lets some calls in and says of others how long to wait: some limits are a few calls a minute.
pub(super) const SLOWEST: f64 = 1.0 / 40.0;

/// A rate, since it was last lowered.
#[derive(Debug)]
pub(super) struct Rate {
    a_second: f64,
    /// To what it was lowered, and when.
    lowered_to: f64,
    lowered: f64,
    /// The share that was refused when it was lowered from one that was nearly right.
    lowered_for: Option<f64>,
    /// Whether it was measured, rather than guessed.
    is_known: bool,
    /// Whether as much was let in for long.
    is_proven: bool,
    /// When it last grew.
    grown: f64,
    /// It does not grow before.
    rests_until: f64,
    /// Whether there was a wait that fills buckets.
    has_waited: bool,
}

impl Rate {
    /// The rate after a refusal that says how long to wait, or not.
    pub(super) fn lowered(before: Option<&Self>, measure: &Measure, has_wait: bool, now: f64) -> Self {
        let is_nearly_right = is_nearly_right(before, measure);
        let right = right(before, measure, is_nearly_right);
        // Where nothing was let in in between, a lower rate says nothing of the right one; nor does one that is far below
        // what was let in.
        let is_told_of = measure.let_in >= ENOUGH || before.is_some() && measure.let_in > 0;
        let is_known = is_told_of && measure.rate <= 2.0 * right;
        let is_slow = before.is_some() && measure.let_in > 0 && has_wait;
        let a_second = right.max(if is_slow { SLOWEST } else { LEAST });
        Self {
            a_second,
            lowered_to: a_second,
            lowered: now,
            lowered_for: (is_nearly_right && right <= measure.rate).then_some(measure.refused),
            is_known,
            is_proven: is_known && PROVEN * a_second <= measure.rate && measure.seconds >= LONG,
            grown: now,
            rests_until: now,
            has_waited: false,
        }
    }

    /// Seconds from a call to the next.
    pub(super) fn gap(&self) -> f64 {
        1.0 / self.a_second
    }

    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) fn is_proven(&self) -> bool {
        self.is_proven
    }

    /// The share that was refused before it was lowered, as long as it is being tried whether that helped. `are_many` says
    /// whether enough has ended since to tell.
    pub(super) fn tried_for(&self, are_many: bool, now: f64) -> Option<f64> {
        let seconds = if are_many { TRIED } else { 3.0 * TRIED };
        self.lowered_for.filter(|_| now < self.lowered + seconds)
    }

    /// It was lowered for nothing, and how high it may be is open.
    pub(super) fn forget(&mut self) {
        (self.is_known, self.lowered_for) = (false, None);
    }

    /// All calls wait until a time, and perhaps it is known that this is meant.
    pub(super) fn waits(&mut self, until: f64, is_meant: bool, now: f64) {
        let wait = (until - now).max(0.0);
        self.has_waited = wait > FULL;
        self.rests_until =
            if is_meant && self.lowered_for.is_some() { now + (AT_REST.0 * wait).min(AT_REST.1) } else { now };
    }

    /// How many times faster it grows than one that was just lowered.
    fn haste(&self, now: f64) -> f64 {
        let (haste, seconds, calls) = SOONER;
        let is_soon = now < self.lowered.max(self.rests_until) + seconds.max(calls * self.gap());
        if is_soon { 1.0 } else { haste }
    }

    /// A call is answered, as one of so many a second.
    pub(super) fn answered(&mut self, answers_a_second: f64, now: f64) {
        let is_at_rest = self.is_known && now < self.rests_until;
        // A rate that is not made use of is not shown to be right.
        if is_at_rest || self.a_second > AHEAD * answers_a_second.max(GUESS) {
            return;
        }
        let since = (now - self.grown).max(0.0);
        let growth =
            if self.is_known { self.haste(now) * GROWTH.0.min(GROWTH.1 * since) } else { SEARCH * since.min(1.0) };
        self.a_second *= 1.0 + growth;
        self.is_known &= self.a_second < OUTGROWN * self.lowered_to && now < self.lowered.max(self.rests_until) + STALE;
        self.grown = now;
    }
}

/// Whether so many are refused that a rate is far too high.
pub(super) fn is_far_too_high(refused: f64) -> bool {
    refused >= FEW
}

fn is_nearly_right(before: Option<&Rate>, measure: &Measure) -> bool {
    let are_few = measure.are_many && measure.refused < FEW;
    are_few || before.is_some_and(|rate| rate.is_known && measure.rate > (1.0 - FEW) * rate.a_second)
}

fn right(before: Option<&Rate>, measure: &Measure, is_nearly_right: bool) -> f64 {
    let Some(before) = before else { return (measure.rate * LOWERED).max(GUESS) };
    let far_lowered = before.a_second * FAR_LOWERED;
    // It was raised in leaps: what was let in meanwhile says little, the last leap was one too many. Or most of it was let
    // in by a bucket that a wait had filled.
    if !before.is_known || before.has_waited && measure.seconds < LONG {
        return far_lowered;
    }
    if is_nearly_right {
        return (before.a_second * LOWERED).min(measure.rate * LET_IN);
    }
    // The measure is the better the more was let in.
    if measure.let_in >= ENOUGH { far_lowered.max(measure.rate * LOWERED) } else { far_lowered }
}
