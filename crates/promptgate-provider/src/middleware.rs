//! What stands around a call, one file each. `stack.rs` puts them together.

mod breaker;
mod cache;
mod closed;
mod guard;
mod pace;
mod price;
mod record;
mod retry;
mod scrub;
pub(crate) mod sent;
mod stored;
mod watch;

pub(crate) use breaker::Guarded;
pub(crate) use cache::Cached;
pub use cache::Caching;
pub(crate) use closed::Closed;
pub(crate) use guard::{Guard, Told};
pub(crate) use pace::{Limits, Pace, Paced};
pub(crate) use price::Priced;
pub(crate) use record::Recorded;
pub use record::{Recorder, Saved};
pub(crate) use retry::Retry;
pub use retry::RetryPolicy;
pub(crate) use scrub::{Scrubbed, scrubbed_json};
pub(crate) use stored::Stored;
pub(crate) use watch::Watched;
