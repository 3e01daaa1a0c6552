//! How calls ended of late.

use std::collections::VecDeque;

/// They are counted over so many seconds.
const MEMORY: f64 = 15.0;

/// So many calls tell what share of them is refused.
const MANY: usize = 20;

/// The least span, in seconds, of which so many tell how many there are in a second.
const MOMENT: f64 = 0.05;

/// The ends of calls since a time, none older than a few seconds.
#[derive(Debug, Default)]
pub(super) struct Ends {
    since: f64,
    answers: VecDeque<f64>,
    refusals: VecDeque<f64>,
}

impl Ends {
    /// None yet.
    pub(super) fn since(now: f64) -> Self {
        Self { since: now, ..Self::default() }
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
        for ends in [&mut self.answers, &mut self.refusals] {
            while ends.front().is_some_and(|oldest| now - oldest > MEMORY) {
                ends.pop_front();
            }
        }
    }

    pub(super) fn answers(&self) -> usize {
        self.answers.len()
    }

    pub(super) fn refusals(&self) -> usize {
        self.refusals.len()
    }

    /// Whether there are enough to tell a share of them.
    pub(super) fn are_many(&self) -> bool {
        self.answers() + self.refusals() >= MANY
    }

    /// The share that was refused, in 0..=1.
    pub(super) fn refused_share(&self) -> f64 {
        self.refusals() as f64 / (self.answers() + self.refusals()).max(1) as f64
    }

    /// A moment tells nothing of a second, unless much happened in it.
    pub(super) fn answers_a_second(&self, now: f64) -> f64 {
        let span = now - self.since.max(now - MEMORY);
        self.answers() as f64 / span.max(if self.are_many() { MOMENT } else { 1.0 })
    }
}
