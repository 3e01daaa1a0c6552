//! What a provider's refusals teach, as a function of times alone (seconds from any start).
//!
//! A refusal (429) sets the [`Rate`] to a little less than what was let in of late; each answer raises it again, slowly
//! while the right rate is nearly known, fast while it is not. A wait that the provider asks for holds all calls where it is
//! meant, see [`Hold`]. Signs of overload narrow the number of calls at a time, see [`Window`]; where a single call is one
//! too many, it is the rate. Ends of calls that were sent before a refusal taught something teach nothing new.
//!
//! Some refusals have nothing to do with our rate: a quota that is shared with others refuses a call here and there at any
//! rate, and a controller that slows down for each would hardly move. So a few among many calls are borne ([`BORNE`]); and a
//! share that a lower rate has not made smaller is not the rate's doing, and is borne as well for a while. What is borne
//! holds nobody else, whatever wait is asked for. Above a tenth or so that is not told from a rate that is too high.
//!
//! It cannot freeze: the rate is never below [`rate::SLOWEST`], the window never below one call, a hold always ends.

use super::ends::Ends;
use super::hold::Hold;
use super::rate::{self, Rate};
use super::window::{Sign, Window};

/// Of the calls of late, the share that may be refused before it says anything of the rate.
const BORNE: f64 = 0.03;

/// The largest share that is ever borne: who refuses more is to be called less.
const MOST_BORNE: f64 = 0.2;

/// So many refusals, among many calls, show what share is refused whatever the rate.
const SEVERAL: usize = 2;

/// For so many seconds that is believed.
const BELIEVED: f64 = 60.0;

/// Of the calls under way, the share that is refused before anything is made of it.
const EARLY: f64 = 0.125;

/// After so many seconds at least, a wait is tried out where the rate is not proven.
const PAUSE: f64 = 0.5;

/// Seconds of a wait that count for the measure of what is let in: a bucket fills meanwhile.
const FILLING: f64 = 1.0;

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
    /// None as long as no call was refused.
    rate: Option<Rate>,
    /// When the rate lets the next call go.
    next: f64,
    /// When a refusal last taught something.
    taught: f64,
    /// What became of calls since.
    ends: Ends,
    /// The share that is refused whatever the rate, and until when that is believed.
    chance: (f64, f64),
    hold: Hold,
    window: Window,
    in_flight: usize,
}

impl Controller {
    /// Of so many calls at a time at most, and waits of so many seconds.
    pub(super) fn new(most: f64, longest_hold: f64) -> Self {
        Self {
            rate: None,
            next: 0.0,
            taught: f64::NEG_INFINITY,
            ends: Ends::default(),
            chance: (0.0, 0.0),
            hold: Hold::new(longest_hold),
            window: Window::new(most),
            in_flight: 0,
        }
    }

    /// Whether a call may be made now.
    pub(super) fn admission(&self, now: f64) -> Admission {
        if self.in_flight as f64 >= self.window.size() {
            return Admission::Full;
        }
        let earliest = self.hold.ends().max(if self.rate.is_some() { self.next } else { now });
        if now < earliest { Admission::At(earliest) } else { Admission::Go }
    }

    /// The same; if it may, it is under way.
    pub(super) fn admit(&mut self, now: f64) -> Admission {
        let admission = self.admission(now);
        if admission == Admission::Go {
            if let Some(rate) = &self.rate {
                self.next = now + rate.gap();
                self.ends.sent(now);
            }
            self.hold.goes(now);
            self.in_flight += 1;
        }
        admission
    }

    /// A call that was sent at a time has ended.
    pub(super) fn ended(&mut self, sent: f64, how: Ended, now: f64) {
        let in_flight = self.in_flight;
        self.in_flight = self.in_flight.saturating_sub(1);
        match how {
            Ended::Answered => self.answered(sent, now),
            Ended::Refused(wait) => self.refused(sent, wait.unwrap_or(0.0), now),
            Ended::Overloaded(wait) => self.overloaded(sent, wait.unwrap_or(0.0), in_flight, now),
            Ended::Lost => {
                let _ = self.window.failed(sent, Sign::Lost, in_flight, now);
                self.hold.undecided(sent, now);
            }
            Ended::Unknown => self.hold.undecided(sent, now),
        }
    }

    fn answered(&mut self, sent: f64, now: f64) {
        self.window.answered();
        self.hold.answered(sent, now);
        // Nothing is counted that nobody will ask for: before the first refusal only the newest are of interest.
        self.ends.answered(now);
        let (are_many, answers_a_second) = (self.ends.are_many(), self.ends.answers_a_second(now));
        if let Some(rate) = &mut self.rate
            && sent >= self.taught
            && rate.tried_for(are_many, now).is_none()
        {
            rate.answered(answers_a_second, now);
        }
    }

    fn overloaded(&mut self, sent: f64, wait: f64, in_flight: usize, now: f64) {
        if self.window.blames_rate() {
            return self.refused(sent, wait, now);
        }
        let is_shown = self.window.failed(sent, Sign::Refused, in_flight, now);
        // A single one may be by chance, and decides nothing.
        if !is_shown {
            self.hold.undecided(sent, now);
        } else if !self.hold.confirm(sent, wait, now) {
            self.hold.asked(sent, wait, PAUSE, now);
        }
    }

    fn refused(&mut self, sent: f64, wait: f64, now: f64) {
        if self.rate.is_some() && self.hold.confirm(sent, wait, now) {
            return self.begin_again(now);
        }
        let is_news = sent >= self.taught;
        let went_ahead = self.rate.as_ref().is_some_and(|rate| sent < self.taught + rate.gap());
        if is_news && went_ahead {
            return self.went_ahead(sent, wait, now);
        }
        let mut is_lowered = false;
        if is_news {
            self.ends.refused(now);
            self.learn_chance(now);
            if self.is_borne(now) || self.is_beginning() {
                return;
            }
            is_lowered = self.lower(sent, wait > 0.0, now);
        }
        self.hold.asked(sent, wait, self.pause(), now);
        if is_lowered {
            self.begin_again(now);
        }
    }

    /// A call is refused that went before its time, on the provider's word: the rate is not shown to be wrong.
    fn went_ahead(&mut self, sent: f64, wait: f64, now: f64) {
        self.ends.leave_out(sent);
        self.hold.asked(sent, wait, self.pause(), now);
        self.next = self.hold.ends().max(now + self.gap());
    }

    /// Lowers the rate, unless it is being tried. Whether it did.
    fn lower(&mut self, sent: f64, has_wait: bool, now: f64) -> bool {
        let is_far = self.ends.refusals() > SEVERAL && rate::is_far_too_high(self.ends.refused_share());
        let is_lowered = is_far || self.tried_for(now).is_none();
        if is_lowered {
            self.rate = Some(Rate::lowered(self.rate.as_ref(), &self.ends.measure(sent, now), has_wait, now));
        }
        is_lowered
    }

    /// Something was learnt: calls go on at the rate once the wait is over, and show anew what is let in.
    fn begin_again(&mut self, now: f64) {
        let (until, is_meant) = (self.hold.ends(), self.hold.is_meant());
        if let Some(rate) = &mut self.rate {
            rate.waits(until, is_meant, now);
            // A guessed rate says less than the provider does.
            let is_told = !rate.is_known() && until > now;
            self.next = if is_told { until } else { until.max(now + rate.gap()) };
        }
        self.taught = now;
        self.ends = Ends::since((until - FILLING).max(now));
    }

    /// Seconds after which a wait is tried out.
    fn pause(&self) -> f64 {
        if self.rate.as_ref().is_some_and(Rate::is_proven) { 0.0 } else { self.gap().max(PAUSE) }
    }

    fn gap(&self) -> f64 {
        self.rate.as_ref().map_or(0.0, Rate::gap)
    }

    fn tried_for(&self, now: f64) -> Option<f64> {
        self.rate.as_ref()?.tried_for(self.ends.are_many(), now)
    }

    /// Whether so few are refused that it says nothing of the rate.
    fn is_borne(&self, now: f64) -> bool {
        let (chance, until) = self.chance;
        let by_chance = if now < until { chance } else { 0.0 };
        self.ends.refused_share() <= (BORNE + 2.0 * by_chance).min(MOST_BORNE)
    }

    /// Whether so little has ended that those under way are to be waited for: refusals are faster than answers, so the first
    /// of many calls that ends may well be the only one that is refused.
    fn is_beginning(&self) -> bool {
        self.rate.is_none() && !self.ends.are_many() && (self.ends.refusals() as f64) < EARLY * self.in_flight as f64
    }

    /// A bucket refuses nothing at a rate below what was let in. Where about the same share is refused there, that is not
    /// the rate's doing.
    fn learn_chance(&mut self, now: f64) {
        let is_shown = self.ends.are_many() && self.ends.refusals() >= SEVERAL;
        let Some(before) = self.tried_for(now).filter(|_| is_shown) else { return };
        let share = self.ends.refused_share();
        if (before / 2.0..=before * 2.0).contains(&share) {
            self.chance = (share, now + BELIEVED);
            self.rate.as_mut().into_iter().for_each(Rate::forget);
        }
    }
}

#[cfg(test)]
mod tests;
