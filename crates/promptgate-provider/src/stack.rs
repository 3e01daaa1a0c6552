//! The stack of a model, in one documented order.
//!
//! From the outside in: **record** (sees the final answer, once), **retry** (counts attempts), **price** (sees every
//! attempt), **scrub** (nothing above it sees a secret), the provider (one call). A recording stands in for all of it: **stored** over **price** over `replay`, since
//! nothing is called and nothing may be recorded anew from it. A new behaviour is one file in `middleware/` and one line
//! here.

use std::sync::Arc;

use promptgate_core::event::Listener;
use promptgate_core::price::Price;
use promptgate_core::secret::Scrubber;

use crate::middleware::{Priced, Recorded, Recorder, Retry, RetryPolicy, Scrubbed, Stored};
use crate::{Answerer, Provider};

/// The stack over a provider that is called.
pub(crate) fn live(
    provider: Arc<dyn Provider>,
    scrubber: Scrubber,
    price: Option<Price>,
    policy: RetryPolicy,
    listener: Listener,
    recorder: Option<&Recorder>,
) -> Box<dyn Answerer> {
    let stack = Scrubbed { inner: provider, scrubber };
    let stack = Priced { inner: stack, price };
    let stack = Retry { inner: stack, policy, listener };
    match recorder {
        Some(recorder) => Box::new(Recorded::new(stack, recorder)),
        None => Box::new(stack),
    }
}

/// The stack over a recording.
pub(crate) fn stored(recording: impl Provider + 'static, price: Option<Price>) -> Box<dyn Answerer> {
    Box::new(Stored(Priced { inner: recording, price }))
}
