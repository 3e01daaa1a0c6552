//! Time and fresh ids, which come in as arguments so that results repeat exactly.

use crate::name::RunId;

/// The time of day.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> u64;

    /// The same as RFC 3339 text, UTC, to the second.
    fn now_text(&self) -> String;
}

/// Fresh ids.
pub trait IdSource: Send + Sync {
    /// The id of a new run; sorts by time.
    fn run_id(&self) -> RunId;
}
