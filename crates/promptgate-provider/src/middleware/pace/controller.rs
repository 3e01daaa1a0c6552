//! What a provider's refusals teach, as a function of times alone (seconds from any start).
//!
//! A refusal (429) sets the rate to a little less than what was answered of late; each answer raises it again, slowly
//! while the right rate is nearly known, fast while it is not. A wait that the provider asks for holds all calls, up to a
//! cap. Signs of overload narrow the number of calls at a time, see [`Window`]. Refusals of calls that were sent before the
//! last one taught something teach nothing new.
//!
//! Some refusals have nothing to do with our rate: a quota that is shared with others refuses a call here and there at any
//! rate, and a controller that slows down for each would hardly move. So a few among many calls are borne ([`BORNE`]); and a
//! share that a lower rate has not made smaller is not the rate's doing, and is borne as well for a while. What is borne
//! holds nobody else, whatever wait is asked for. Above a tenth or so that is not told from a rate that is too high.
//!
//! It cannot freeze: the rate is never below [`LEAST_RATE`], the window never below one call, a hold always ends.

use super::ends::Ends;
use super::window::{Sign, Window};

/// Of the rate that was right until now, what remains after a refusal.
const LOWERED: f64 = 0.92;

/// At most, of what was answered: however many calls were refused, the bucket that refused them holds more.
const ANSWERED: f64 = 0.97;

/// A rate that was nearly right when it was lowered is tried for so many seconds, neither raised nor lowered again: what
/// comes meanwhile shows whether it helped.
const CALM: f64 = 8.0;

/// Of the calls of late, the share that may be refused before it says anything of the rate.
const BORNE: f64 = 0.03;

/// The largest share that is ever borne: who refuses most calls is to be called less.
const MOST_BORNE: f64 = 0.5;

/// Of a rate that is nearly right, a smaller share than this is refused.
const FEW: f64 = 0.25;

/// So many refusals, among many calls, show what share is refused whatever the rate.
const SEVERAL: usize = 2;

/// For so many seconds that is believed.
const BELIEVED: f64 = 60.0;

/// Of a rate that is far too high, what remains.
const FAR_LOWERED: f64 = 0.7;

/// How much the rate grows with an answer, and at most in a second, once it is nearly known.
const GROWTH: (f64, f64) = (0.002, 0.01);

/// How much it grows in a second until then.
const SEARCH: f64 = 0.5;

/// A rate grows up to so many times what is answered: answers may take long, what was asked meanwhile is not seen in them.
const AHEAD: f64 = 10.0;

/// So many answers between two refusals tell the right rate.
const ENOUGH: usize = 10;

/// Of the calls under way, the share that is refused before anything is made of it.
const EARLY: f64 = 0.125;

/// Grown by so much without a refusal, a rate was not the right one: whatever refused calls then does so no more.
const OUTGROWN: f64 = 1.4;

/// Calls a second to begin with, where nothing was answered before the first refusal.
const GUESS: f64 = 1.0;

/// Calls a second, at least: who refuses everything is still asked now and then.
pub(super) const LEAST_RATE: f64 = 0.2;

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Admission {
    /// At once.
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
    /// The provider cannot cope; the wait asked for, in seconds.
    Overloaded(Option<f64>),
    /// Without a word: it never arrived, broke off, or was met with silence.
    Lost,
    /// In a way that says nothing about the pace.
    Unknown,
}

/// The rate and the window that a model bears.
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
    /// What ended since the rate was last lowered.
    ends: Ends,
    /// The share that was refused when a rate that was nearly right was last lowered.
    lowered_for: Option<f64>,
    /// The share that is refused whatever the rate, and until when that is believed.
    chance: (f64, f64),
    /// No call before this time.
    hold: f64,
    longest_hold: f64,
    window: Window,
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
            ends: Ends::default(),
            lowered_for: None,
            chance: (0.0, 0.0),
            hold: 0.0,
            longest_hold,
            window: Window::new(most),
            in_flight: 0,
        }
    }

    /// Whether a call may be made now.
    pub(super) fn admission(&self, now: f64) -> Admission {
        if self.in_flight as f64 >= self.window.size() {
            return Admission::Full;
        }
        let earliest = self.hold.max(if self.rate.is_some() { self.next } else { now });
        if now < earliest { Admission::At(earliest) } else { Admission::Go }
    }

    /// The same; if it may, it is under way.
    pub(super) fn admit(&mut self, now: f64) -> Admission {
        let admission = self.admission(now);
        if admission == Admission::Go {
            self.next = self.rate.map_or(self.next, |rate| now + 1.0 / rate);
            self.in_flight += 1;
        }
        admission
    }

    /// A call that was sent at a time has ended.
    pub(super) fn ended(&mut self, sent: f64, how: Ended, now: f64) {
        let in_flight = self.in_flight;
        self.in_flight = self.in_flight.saturating_sub(1);
        match how {
            Ended::Answered => self.answered(now),
            Ended::Refused(wait) => self.refused(sent, wait.unwrap_or(0.0), now),
            Ended::Overloaded(wait) => {
                if self.window.failed(sent, Sign::Refused, in_flight, now) {
                    self.hold_for(wait.unwrap_or(0.0), now);
                }
            }
            Ended::Lost => {
                let _ = self.window.failed(sent, Sign::Lost, in_flight, now);
            }
            Ended::Unknown => {}
        }
    }

    fn hold_for(&mut self, wait: f64, now: f64) {
        self.hold = self.hold.max(now + wait.clamp(0.0, self.longest_hold));
    }

    fn answered(&mut self, now: f64) {
        self.window.answered();
        // Nothing is counted that nobody will ask for: before the first refusal only the newest are of interest.
        self.ends.answered(now);
        let Some(rate) = self.rate.filter(|_| !self.is_tried(now)) else { return };
        // A rate that is not made use of is not shown to be right.
        if rate > AHEAD * self.ends.answers_a_second(now).max(GUESS) {
            return;
        }
        let since = (now - self.grown).max(0.0);
        let growth = if self.is_known { GROWTH.0.min(GROWTH.1 * since) } else { SEARCH * since.min(1.0) };
        let rate = rate * (1.0 + growth);
        self.is_known &= rate < OUTGROWN * self.lowered_to;
        (self.rate, self.grown) = (Some(rate), now);
    }

    fn refused(&mut self, sent: f64, wait: f64, now: f64) {
        let is_news = sent >= self.lowered;
        let is_early = self.rate.is_some_and(|rate| sent < self.lowered + 1.0 / rate);
        if is_news && !is_early {
            self.ends.refused(now);
            self.learn_chance(now);
            if self.is_borne(now) || self.is_beginning() {
                return;
            }
        }
        self.hold_for(wait, now);
        match self.rate {
            _ if !is_news => {}
            // It went before its time, on the provider's word; its own pace is not shown to be wrong.
            Some(rate) if is_early => self.next = self.hold.max(now + 1.0 / rate),
            _ => self.lower(now),
        }
    }

    fn lower(&mut self, now: f64) {
        let is_far = self.ends.refusals() > SEVERAL && self.ends.refused_share() >= FEW;
        if self.is_tried(now) && !is_far {
            return;
        }
        let measured = self.ends.answers_a_second(now);
        let is_nearly_right = self.is_nearly_right(measured);
        let right = self.lowered_rate(measured, is_nearly_right);
        self.lowered_for = (is_nearly_right && right <= measured).then(|| self.ends.refused_share());
        // Where nothing was answered in between, a lower rate says nothing of the right one; nor does one that is far below
        // what was answered.
        let is_told_of = self.is_measured() || self.rate.is_some() && self.ends.answers() > 0;
        self.is_known = is_told_of && measured <= 2.0 * right;
        let rate = right.max(LEAST_RATE);
        self.rate = Some(rate);
        (self.lowered, self.lowered_to) = (now, rate);
        self.grown = now;
        // A guessed rate says less than the provider does.
        let is_told = !self.is_known && self.hold > now;
        self.next = if is_told { self.hold } else { self.hold.max(now + 1.0 / rate) };
        self.ends = Ends::since(self.hold.max(now));
    }

    fn is_measured(&self) -> bool {
        self.ends.answers() >= ENOUGH
    }

    fn is_nearly_right(&self, measured: f64) -> bool {
        let are_few = self.ends.are_many() && self.ends.refused_share() < FEW;
        are_few || self.is_known && self.rate.is_some_and(|rate| measured > (1.0 - FEW) * rate)
    }

    fn lowered_rate(&self, measured: f64, is_nearly_right: bool) -> f64 {
        match self.rate {
            None => (measured * LOWERED).max(GUESS),
            // It was raised in leaps: what was answered meanwhile says little, the last leap was one too many.
            Some(rate) if !self.is_known => rate * FAR_LOWERED,
            Some(rate) if is_nearly_right => (rate * LOWERED).min(measured * ANSWERED),
            // Far too high, and the measure is the better the more was answered.
            Some(rate) if self.is_measured() => (rate * FAR_LOWERED).max(measured * LOWERED),
            Some(rate) => rate * FAR_LOWERED,
        }
    }

    /// Whether so few are refused that it says nothing of the rate.
    fn is_borne(&self, now: f64) -> bool {
        let (chance, until) = self.chance;
        let by_chance = if now < until { chance } else { 0.0 };
        self.ends.refused_share() <= (BORNE + 2.0 * by_chance).min(MOST_BORNE)
    }

    /// Whether a rate that was lowered from one that was nearly right is being tried.
    fn is_tried(&self, now: f64) -> bool {
        let seconds = if self.ends.are_many() { CALM } else { 3.0 * CALM };
        self.lowered_for.is_some() && now < self.lowered + seconds
    }

    /// Whether so little has ended that those under way are to be waited for: refusals are faster than answers, so the first
    /// of many calls that ends may well be the only one that is refused.
    fn is_beginning(&self) -> bool {
        self.rate.is_none() && !self.ends.are_many() && (self.ends.refusals() as f64) < EARLY * self.in_flight as f64
    }

    /// A bucket refuses nothing at a rate below what was answered. Where about the same share is refused there, that is not
    /// the rate's doing.
    fn learn_chance(&mut self, now: f64) {
        let is_shown = self.ends.are_many() && self.ends.refusals() >= SEVERAL;
        let Some(before) = self.lowered_for.filter(|_| is_shown && self.is_tried(now)) else { return };
        let share = self.ends.refused_share();
        if (before / 2.0..=before * 2.0).contains(&share) {
            self.chance = (share, now + BELIEVED);
            // So it was lowered for nothing, and how high it may be is open.
            (self.is_known, self.lowered_for) = (false, None);
        }
    }
}

#[cfg(test)]
mod tests;
