//! What the settings of a provider allow all of its models together.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::format::project::ProviderSettings;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::line::Line;

/// The limits of a provider.
pub(crate) struct Limits {
    started: Instant,
    lines: Mutex<Lines>,
    /// First come, first served, and each model sends one call at a time to wait: they take turns.
    permits: Option<Arc<Semaphore>>,
    most: f64,
    is_halted: AtomicBool,
}

struct Lines {
    requests: Line,
    tokens: Line,
}

impl Limits {
    /// The limits that the settings state.
    pub(crate) fn of(settings: &ProviderSettings) -> Self {
        let a_second = |a_minute: Option<u32>| a_minute.map(|count| f64::from(count) / 60.0);
        let requests = Line::new(a_second(settings.requests_per_minute));
        let tokens = Line::new(a_second(settings.tokens_per_minute));
        let permits = settings.concurrency.map(|most| Arc::new(Semaphore::new(most.max(1) as usize)));
        let most = settings.concurrency.map_or(f64::INFINITY, f64::from);
        Self {
            started: Instant::now(),
            lines: Mutex::new(Lines { requests, tokens }),
            permits,
            most,
            is_halted: AtomicBool::new(false),
        }
    }

    /// No more calls are to be made.
    pub(crate) fn halt(&self) {
        self.is_halted.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_halted(&self) -> bool {
        self.is_halted.load(Ordering::Relaxed)
    }

    /// Calls at a time.
    pub(super) fn most(&self) -> f64 {
        self.most
    }

    /// Waits until one more call may be under way, which it is until the permit is dropped.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.permits.clone()?.acquire_owned().await.ok()
    }

    /// Takes a place for a call of so many tokens, and says when it may go.
    pub(super) fn place(&self, tokens: f64) -> Instant {
        let now = self.started.elapsed().as_secs_f64();
        let mut lines = self.lock();
        let due = lines.requests.take(1.0, now).max(lines.tokens.take(tokens, now));
        self.started + Duration::from_secs_f64(due)
    }

    /// Makes good what a call took more tokens than its place (or, below 0, fewer).
    pub(super) fn correct(&self, by: f64) {
        self.lock().tokens.correct(by);
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
