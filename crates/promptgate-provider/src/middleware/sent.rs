//! Whether an attempt was sent, rather than waiting for its turn: what was not sent is no call and costs nothing. It is
//! told through the task, since an attempt that is given up is dropped and returns nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether one attempt was sent.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

tokio::task_local! {
    static SENT: Sent;
}

impl Sent {
    /// The same attempt, watched.
    pub(crate) async fn watch<T>(&self, attempt: impl Future<Output = T>) -> T {
        SENT.scope(self.clone(), attempt).await
    }

    pub(crate) fn was_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The attempt under way leaves.
pub(crate) fn leaves() {
    // Where nobody watches, nobody asks.
    let _ = SENT.try_with(|sent| sent.0.store(true, Ordering::Relaxed));
}

/// Whether the attempt under way has left. One that nobody watches has.
pub(crate) fn has_left() -> bool {
    SENT.try_with(Sent::was_sent).unwrap_or(true)
}
