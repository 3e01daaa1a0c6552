//! The wait that a refusal asks of all calls, as a function of times alone (seconds from any start).
//!
//! Some providers mean it: they refuse whatever comes before. Others name a wait that says nothing of when there is room
//! again, and who takes them at their word stands still most of the time. So it is tried out: after a pause calls go on, and
//! the first of them decides. An answer lifts the wait, a refusal confirms it. After more than one in a row was confirmed,
//! the next ones are believed, the more of them the more were.

/// After so many in a row, no more are believed than before.
const MOST_CONFIRMED: u32 = 5;

/// The wait of all calls, if any.
#[derive(Debug)]
pub(super) struct Hold {
    until: f64,
    /// Seconds; no wait is longer.
    longest: f64,
    trial: Trial,
    /// How many in a row were confirmed.
    confirmed: u32,
    /// So many waits are believed from here on.
    believed: u32,
    /// Refusals of calls that were sent before say nothing any more.
    lifted: f64,
}

/// What decides whether a wait is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trial {
    /// Nothing: it is believed.
    None,
    /// The first call after a time.
    After(f64),
    /// The call that was sent at a time; the next may go after another.
    Sent(f64, f64),
}

impl Hold {
    /// None yet.
    pub(super) fn new(longest: f64) -> Self {
        Self { until: 0.0, longest, trial: Trial::None, confirmed: 0, believed: 0, lifted: f64::NEG_INFINITY }
    }

    /// When the next call may go.
    pub(super) fn ends(&self) -> f64 {
        match self.trial {
            Trial::After(time) | Trial::Sent(_, time) => time.min(self.until),
            Trial::None => self.until,
        }
    }

    /// Whether waits were shown to be meant, more than once in a row, and nothing tries out this one.
    pub(super) fn is_meant(&self) -> bool {
        self.confirmed > 1 && self.trial == Trial::None
    }

    /// A call goes.
    pub(super) fn goes(&mut self, now: f64) {
        if let Trial::After(time) = self.trial {
            self.trial = if now < self.until { Trial::Sent(now, time) } else { Trial::None };
        }
    }

    /// A call that was sent at a time was answered, which lifts a wait that it tried out.
    pub(super) fn answered(&mut self, sent: f64, now: f64) {
        if self.is_tried_by(sent, now) {
            self.until = self.ends();
            (self.trial, self.confirmed, self.believed) = (Trial::None, 0, 0);
            self.lifted = now;
        }
    }

    /// A call that was sent at a time is refused and asks for a wait. Whether that confirms the one that it tried out.
    pub(super) fn confirmed(&mut self, sent: f64, wait: f64, now: f64) -> bool {
        let is_confirmed = wait > 0.0 && self.is_tried_by(sent, now);
        if is_confirmed {
            self.confirmed = (self.confirmed + 1).min(MOST_CONFIRMED);
            self.believed = (1 << (self.confirmed - 1)) - 1;
            self.trial = Trial::None;
            self.lengthen(wait, now);
        }
        is_confirmed
    }

    /// A call that was sent at a time is refused and asks for a wait, which may be tried out after a pause.
    pub(super) fn asked(&mut self, sent: f64, wait: f64, pause: f64, now: f64) {
        if wait <= 0.0 || sent < self.lifted {
            return;
        }
        if now >= self.until {
            self.trial = if self.believed > 0 { Trial::None } else { Trial::After(now + pause) };
            self.believed = self.believed.saturating_sub(1);
        } else if let Trial::Sent(first, _) = self.trial {
            self.trial = Trial::Sent(first, now + pause);
        }
        self.lengthen(wait, now);
    }

    fn lengthen(&mut self, wait: f64, now: f64) {
        self.until = self.until.max(now + wait.min(self.longest));
    }

    fn is_tried_by(&self, sent: f64, now: f64) -> bool {
        now < self.until && matches!(self.trial, Trial::Sent(first, _) if first == sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_the_first_call_after_the_pause_lifts_a_wait() {
        let mut hold = Hold::new(120.0);
        hold.asked(0.0, 20.0, 0.5, 1.0);
        assert_eq!(hold.ends(), 1.5);
        hold.goes(1.5);
        hold.goes(1.6);
        hold.answered(1.6, 1.7);
        assert!(hold.confirmed(1.5, 20.0, 1.8), "the first call decides, not the second");

        let mut hold = Hold::new(120.0);
        hold.asked(0.0, 20.0, 0.5, 1.0);
        hold.goes(1.5);
        hold.answered(1.5, 2.0);
        hold.asked(0.0, 20.0, 0.5, 2.1);
        assert_eq!(hold.ends(), 1.5, "who was sent before has nothing more to say");
    }

    #[test]
    fn a_refusal_of_the_first_call_confirms_it_and_the_next_are_believed_the_more_of_them_the_more_often_it_happens() {
        let mut hold = Hold::new(120.0);
        let mut now = 0.0;
        let mut tried = Vec::new();
        for wait in 0..12 {
            hold.asked(now, 20.0, 0.5, now);
            if hold.ends() < now + 20.0 {
                tried.push(wait);
                let sent = hold.ends();
                hold.goes(sent);
                assert!(hold.confirmed(sent, 19.0, sent + 0.5));
            }
            assert!(hold.ends() >= now + 20.0);
            assert_eq!(hold.is_meant(), tried.len() > 1);
            now = hold.ends();
        }
        assert_eq!(tried, [0, 1, 3, 7]);
    }
}
