//! What became of calls of late.

use std::collections::VecDeque;

/// They are counted over so many seconds.
const MEMORY: f64 = 15.0;

/// So many calls tell what share of them is refused.
const MANY: usize = 20;

/// The least span, in seconds, of which so many tell how many there are in a second.
const MOMENT: f64 = 0.05;

/// The calls since a time, none older than a few seconds.
#[derive(Debug, Default)]
pub(super) struct Ends {
    since: f64,
    sent: VecDeque<f64>,
    answers: VecDeque<f64>,
    refusals: VecDeque<f64>,
}

/// What they show of the rate at which calls are let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// Calls a second that were let in.
    pub(super) rate: f64,
    /// Over how many seconds.
    pub(super) seconds: f64,
    /// How many there were.
    pub(super) let_in: usize,
    /// The share that was refused, in 0..=1.
    pub(super) refused: f64,
    /// Whether there are enough to tell that share.
    pub(super) are_many: bool,
}

impl Ends {
    /// None yet.
    pub(super) fn since(now: f64) -> Self {
        Self { since: now, ..Self::default() }
    }

    pub(super) fn sent(&mut self, now: f64) {
        self.sent.push_back(now);
        self.forget(now);
    }

    /// One that was sent at a time does not count.
    pub(super) fn leave_out(&mut self, sent: f64) {
        self.sent.retain(|time| *time != sent);
    }

    pub(super) fn answered(&mut self, now: f64) {
        self.answers.push_back(now);
        self.forget(now);
    }

    pub(super) fn refused(&mut self, now: f64) {
        self.refusals.push_back(now);
        self.forget(now);
    }

    fn forget(&mut self, now: f64) {
        for times in [&mut self.sent, &mut self.answers, &mut self.refusals] {
            while times.front().is_some_and(|oldest| now - oldest > MEMORY) {
                times.pop_front();
            }
        }
    }

    pub(super) fn refusals(&self) -> usize {
        self.refusals.len()
    }

    /// Whether there are enough to tell a share of them.
    pub(super) fn are_many(&self) -> bool {
        self.answers.len() + self.refusals.len() >= MANY
    }

    /// The share that was refused, in 0..=1.
    pub(super) fn refused_share(&self) -> f64 {
        self.refusals.len() as f64 / (self.answers.len() + self.refusals.len()).max(1) as f64
    }

    /// A moment tells nothing of a second, unless much happened in it.
    pub(super) fn answers_a_second(&self, now: f64) -> f64 {
        self.answers.len() as f64 / self.span(now).max(if self.are_many() { MOMENT } else { 1.0 })
    }

    /// What they show when a call is refused that was sent at a time. Those sent before it that were not refused are let in,
    /// though their answers may take long; what became of later ones is open. Answers tell more where there was no rate when
    /// calls were sent, or where they wait for one another.
    pub(super) fn measure(&self, sent: f64, now: f64) -> Measure {
        let sent_before = self.sent.partition_point(|time| *time <= sent);
        let let_in = sent_before.saturating_sub(self.refusals.len());
        let let_in_a_second = let_in as f64 / self.span(sent).max(f64::EPSILON);
        Measure {
            rate: self.answers_a_second(now).max(if let_in > 0 { let_in_a_second } else { 0.0 }),
            seconds: self.span(now),
            let_in: self.answers.len().max(let_in),
            refused: self.refused_share(),
            are_many: self.are_many(),
        }
    }

    fn span(&self, now: f64) -> f64 {
        now - self.since.max(now - MEMORY)
    }
}
