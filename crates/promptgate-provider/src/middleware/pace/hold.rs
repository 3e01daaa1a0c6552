//! The wait that a refusal asks of all calls, as a function of times alone (seconds from any start).
//!
//! Some providers mean it: they refuse whatever comes before. Others name a wait that says nothing of when there is room
//! again, and who takes them at their word stands still most of the time. So it is tried out: after a pause calls go on, and
//! the first of them decides. An answer lifts the wait, a refusal confirms it. After more than one in a row was confirmed,
//! the next ones are believed, the more of them the more were.

/// After so many in a row, no more are believed than before.
const MOST_IN_A_ROW: u32 = 5;

/// The wait of all calls, if any.
#[derive(Debug)]
pub(super) struct Hold {
    until: f64,
    /// Seconds; no wait is longer.
    longest: f64,
    trial: Trial,
    /// How many in a row were confirmed. What is answered in between makes them several; of one outage, one counts.
    in_a_row: u32,
    is_answered_since: bool,
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
    /// The call that was sent at a time. Others follow it, but none before `next`.
    Sent { at: f64, next: f64 },
}

impl Hold {
    /// None yet.
    pub(super) fn new(longest: f64) -> Self {
        Self {
            until: 0.0,
            longest,
            trial: Trial::None,
            in_a_row: 0,
            is_answered_since: true,
            believed: 0,
            lifted: f64::NEG_INFINITY,
        }
    }

    /// When the next call may go.
    pub(super) fn ends(&self) -> f64 {
        match self.trial {
            Trial::After(time) | Trial::Sent { next: time, .. } => time.min(self.until),
            Trial::None => self.until,
        }
    }

    /// Whether waits were shown to be meant, more than once in a row, and nothing tries out this one.
    pub(super) fn is_meant(&self) -> bool {
        self.in_a_row > 1 && self.trial == Trial::None
    }

    /// A call goes.
    pub(super) fn goes(&mut self, now: f64) {
        if let Trial::After(time) = self.trial {
            self.trial = if now < self.until { Trial::Sent { at: now, next: time } } else { Trial::None };
        }
    }

    /// A call that was sent at a time was answered, which lifts a wait that it tried out.
    pub(super) fn answered(&mut self, sent: f64, now: f64) {
        self.is_answered_since |= sent >= self.until;
        if self.is_tried_by(sent, now) {
            self.until = self.ends();
            (self.trial, self.in_a_row, self.believed) = (Trial::None, 0, 0);
            self.lifted = now;
        }
    }

    /// A call that was sent at a time ended in a way that says nothing: another one is to decide.
    pub(super) fn undecided(&mut self, sent: f64, now: f64) {
        if self.is_tried_by(sent, now) {
            self.trial = Trial::After(self.ends());
        }
    }

    /// A call that was sent at a time is refused and asks for a wait. Whether that confirms the one that it tried out.
    pub(super) fn confirm(&mut self, sent: f64, wait: f64, now: f64) -> bool {
        let is_confirmed = wait > 0.0 && self.is_tried_by(sent, now);
        if is_confirmed {
            if std::mem::take(&mut self.is_answered_since) {
                self.in_a_row = (self.in_a_row + 1).min(MOST_IN_A_ROW);
                self.believed = (1 << (self.in_a_row - 1)) - 1;
            }
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
        } else if let Trial::Sent { next, .. } = &mut self.trial {
            *next = now + pause;
        }
        self.lengthen(wait, now);
    }

    fn lengthen(&mut self, wait: f64, now: f64) {
        self.until = self.until.max(now + wait.min(self.longest));
    }

    fn is_tried_by(&self, sent: f64, now: f64) -> bool {
        now < self.until && matches!(self.trial, Trial::Sent { at, .. } if at == sent)
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
        assert!(hold.confirm(1.5, 20.0, 1.8), "the first call decides, not the second");

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
        for wait in 0..40 {
            hold.asked(now, 20.0, 0.5, now);
            if hold.ends() < now + 20.0 {
                tried.push(wait);
                let sent = hold.ends();
                hold.goes(sent);
                assert!(hold.confirm(sent, 19.0, sent + 0.5));
            }
            assert!(hold.ends() >= now + 20.0);
            assert_eq!(hold.is_meant(), tried.len() > 1);
            now = hold.ends();
            hold.answered(now, now + 0.1);
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31], "never more than fifteen in a row are believed");
    }

    #[test]
    fn of_one_outage_one_wait_is_confirmed() {
        let mut hold = Hold::new(120.0);
        for start in 0..5 {
            let now = 21.0 * f64::from(start);
            hold.asked(now, 20.0, 0.5, now);
            hold.goes(now + 0.5);
            assert!(hold.confirm(now + 0.5, 19.5, now + 0.6));
            assert!(!hold.is_meant());
        }
    }

    #[test]
    fn a_call_that_comes_to_nothing_leaves_it_to_the_next() {
        let mut hold = Hold::new(120.0);
        hold.asked(0.0, 20.0, 0.5, 1.0);
        hold.goes(1.5);
        hold.undecided(1.5, 1.8);
        hold.goes(1.9);
        hold.answered(1.9, 2.0);
        assert_eq!(hold.ends(), 1.5);
    }
}
