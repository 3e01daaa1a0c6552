//! The handle that ends a run early and cleanly: no new calls, those under way are awaited for a moment, and everything
//! settled is committed.

use std::sync::Arc;

use tokio::sync::watch;

/// Stops a run; clones stop the same one. Safe to call from a signal handler's thread, before the run begins too.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<Option<String>>>);

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// A handle that nobody has pulled yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Asks the run to stop. The first reason stays, e.g. `Ctrl-C`.
    pub fn stop(&self, reason: impl Into<String>) {
        self.0.send_if_modified(|held| {
            let first = held.is_none();
            if first {
                *held = Some(reason.into());
            }
            first
        });
    }

    /// Why the run is to stop, if it is.
    pub fn reason(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Whether the run is to stop.
    pub fn is_pulled(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until somebody stops the run.
    pub(crate) async fn pulled(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays() {
        let stop = Stop::new();
        assert!(!stop.is_pulled());
        stop.clone().stop("Ctrl-C");
        stop.stop("the disk is full");
        assert_eq!(stop.reason().as_deref(), Some("Ctrl-C"));
    }
}
