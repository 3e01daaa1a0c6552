//! How many calls at a time are borne, as a function of times alone (seconds from any start).
//!
//! Signs of overload narrow the window, answers widen it: multiplicative decrease, additive increase. Any large service
//! fails a call here and there, whatever is asked of it, so single signs are weighed against answers first, by a cumulative
//! sum (Page, "Continuous inspection schemes", 1954): what comes to less than a share of [`BORNE`] is never taken for
//! overload for long. Signs of calls that were sent before the window was last judged say nothing new.
//!
//! Calls that are lost (never arrived, broken off, silent) narrow it again only once something was answered since. Where all
//! are lost it is an outage, which no window mends: narrowed to one call, finding out would take as long as all calls one
//! after the other, and coming back would be slow.

/// Of the calls at a time, what remains after overload.
const NARROWED: f64 = 0.7;

/// Near the size from which it was narrowed, between these shares of it, it widens so many times more slowly: to try whether
/// more is borne by now costs calls.
const NEAR: (f64, f64) = (0.9, 1.2);
const SLOWER: f64 = 10.0;

/// The share of signs among all ends at which their weight neither grows nor shrinks.
const BORNE: f64 = 0.09;

/// So many more signs than are borne show overload, or half as many as there are calls under way, but more than one.
const SHOWN: (f64, f64) = (1.5, 4.0);

/// And more by this share of the calls under way: signs are mostly faster than answers.
const EARLY: f64 = 0.125;

/// The calls at a time that are borne.
#[derive(Debug)]
pub(super) struct Window {
    size: f64,
    most: f64,
    /// Below this the window grows by one with every answer.
    threshold: f64,
    /// Its size when overload was last shown.
    narrowed_from: f64,
    /// When it was last judged.
    judged: f64,
    is_narrowing: bool,
    /// Signs of overload above what is borne.
    weight: f64,
    /// The most calls under way while there was weight.
    busiest: usize,
    /// Whether anything was answered since it was last judged.
    is_answering: bool,
}

/// What a failed call may be a sign of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sign {
    /// The provider says that it cannot cope.
    Refused,
    /// Nothing was said.
    Lost,
}

impl Window {
    pub(super) fn new(most: f64) -> Self {
        Self {
            size: most,
            most,
            threshold: most,
            narrowed_from: 0.0,
            judged: f64::NEG_INFINITY,
            is_narrowing: false,
            weight: 0.0,
            busiest: 0,
            is_answering: true,
        }
    }

    /// Whole calls, at least one.
    pub(super) fn size(&self) -> f64 {
        self.size.floor().max(1.0)
    }

    pub(super) fn answered(&mut self) {
        self.is_narrowing = false;
        self.size = (self.size + self.step()).min(self.most);
        self.weight = (self.weight - BORNE).max(0.0);
        self.is_answering = true;
        if self.weight == 0.0 {
            self.busiest = 0;
        }
    }

    /// How much an answer widens it.
    fn step(&self) -> f64 {
        let step = if self.size < self.threshold { 1.0 } else { 1.0 / self.size };
        let from = self.narrowed_from;
        // Of a few calls, one more is much.
        let is_near = self.size >= (NEAR.0 * from).min(from - 1.0) && self.size < NEAR.1 * from + 1.0;
        if is_near { step / SLOWER } else { step }
    }

    /// A call is one too many. Whether the rate is to blame, since it was alone; in an outage, in which nothing was answered
    /// since the rate was last blamed, it is not.
    pub(super) fn blames_rate(&mut self) -> bool {
        self.size() <= 1.0 && std::mem::take(&mut self.is_answering)
    }

    /// A call that was sent at a time failed, as one of so many under way. Whether that shows overload.
    pub(super) fn failed(&mut self, sent: f64, sign: Sign, in_flight: usize, now: f64) -> bool {
        if sent < self.judged {
            return false;
        }
        self.weight += 1.0 - BORNE;
        self.busiest = self.busiest.max(in_flight);
        let in_flight = in_flight as f64;
        if self.weight <= (in_flight / 2.0).clamp(SHOWN.0, SHOWN.1) + EARLY * in_flight {
            return false;
        }
        let is_overload = sign == Sign::Refused || self.is_answering;
        if is_overload {
            self.narrow();
        }
        self.judged = now;
        (self.weight, self.busiest, self.is_answering) = (0.0, 0, false);
        is_overload
    }

    fn narrow(&mut self) {
        let size = self.size.min(self.busiest as f64);
        let narrower = (size * NARROWED).max(1.0);
        if !self.is_narrowing {
            self.narrowed_from = size;
            self.threshold = narrower;
        }
        self.size = narrower;
        self.is_narrowing = true;
    }
}
