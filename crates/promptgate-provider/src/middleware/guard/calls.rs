//! Whether single calls come to anything, however long the retries of a request wait for their turn.
//!
//! A request that is given up shows an outage only once it had all its attempts, and where these pass a narrow window, or a
//! low rate, one after the other, that takes as long as all requests together. So calls are counted in generations too: one
//! is over when all that was under way as it began has ended. Some calls that fail at once thus say nothing while others,
//! which may yet be answered, are under way.

use promptgate_core::digest::Digest;
use tokio::time::Instant;

use super::{ALIKE, FIRST_PAUSE, PATIENCE};

/// Single calls, under way and failed.
#[derive(Default)]
pub(super) struct Calls {
    generation: u64,
    /// Under way since before this generation, and since.
    older: usize,
    newer: usize,
    failed: Option<Failed>,
}

/// Generations in a row of which no call was answered.
struct Failed {
    generations: u32,
    first: Instant,
    last: Instant,
    request: Digest,
    /// How many calls there were, and whether they were of several requests.
    calls: u32,
    several: bool,
}

impl Calls {
    /// A call is under way; its generation.
    pub(super) fn sent(&mut self) -> u64 {
        self.newer += 1;
        self.generation
    }

    /// A call of a generation is no longer under way.
    pub(super) fn ended(&mut self, generation: u64) {
        let under_way = if generation == self.generation { &mut self.newer } else { &mut self.older };
        *under_way = under_way.saturating_sub(1);
    }

    pub(super) fn are_under_way(&self) -> bool {
        self.older + self.newer > 0
    }

    /// Somebody is there.
    pub(super) fn answered(&mut self) {
        self.failed = None;
    }

    /// A call of a request that has ended was not answered.
    pub(super) fn failed(&mut self, request: &Digest, now: Instant) {
        let first = Failed { generations: 0, first: now, last: now, request: *request, calls: 0, several: false };
        let failed = self.failed.get_or_insert(first);
        failed.calls += 1;
        failed.several |= failed.request != *request || failed.calls >= PATIENCE * ALIKE;
        // Calls that fail at once are as little apart as the attempts of one request.
        let is_due = failed.generations == 0 || now >= failed.last + FIRST_PAUSE;
        if self.older == 0 && is_due {
            failed.generations += 1;
            failed.last = now;
            self.generation += 1;
            self.older = std::mem::take(&mut self.newer);
        }
    }

    /// Since when nothing was answered, where so many generations of several requests failed.
    pub(super) fn lost_since(&self, generations: u32) -> Option<Instant> {
        self.failed
            .as_ref()
            .filter(|failed| failed.several && failed.generations >= generations)
            .map(|failed| failed.first)
    }
}
