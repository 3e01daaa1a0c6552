//! The stack of a model, in one documented order.
//!
//! From the outside in: **record** (sees the final answer, once), **cache** (what is kept is not asked again), **breaker**
//! (a model that answers nothing is not called on and on), **seen out** (tells the budget when a request is over), **retry**
//! (counts attempts), **budget** (sets aside what an attempt may take), **pace** (waits until the model can bear it: limits,
//! learnt rate, window), **watch** (tells the breaker of single calls), **price** (sees every attempt), **scrub** (nothing
//! above it sees a secret), the provider (one call, under the time limits of `http.rs`). A recording stands in for all of
//! it: **stored** over **price** over `replay`, since nothing is called and nothing may be recorded anew from it. A new
//! behaviour is one file in `middleware/` and one line here.

use std::sync::Arc;

use promptgate_core::event::Listener;
use promptgate_core::name::ModelId;
use promptgate_core::price::Price;
use promptgate_core::secret::Scrubber;

use crate::budget::{Budget, Budgeted, SeenOut};
use crate::middleware::{
    Cached, Caching, Closed, Guard, Guarded, Pace, Paced, Priced, Recorded, Recorder, Retry, RetryPolicy, Scrubbed,
    Stored, Watched,
};
use crate::registry::Built;
use crate::{Answerer, Provider};

/// How models are called, apart from who they are.
pub struct Calling<'a> {
    /// How calls are tried again.
    pub retry: RetryPolicy,
    /// Whether the first request that is given up ends the calls to its model.
    pub fail_fast: bool,
    /// What all calls may take together.
    pub budget: Option<Budget>,
    /// Where answers are kept by content.
    pub caching: Option<Caching>,
    /// Whether no call may be made, so that only what is kept is served.
    pub forbidden: bool,
    /// Hears of what is tried again.
    pub listener: Listener,
    /// Keeps the answers.
    pub recorder: Option<&'a Recorder>,
}

impl Calling<'_> {
    /// Calls that are tried again by a policy, and nothing else.
    pub fn retrying(retry: RetryPolicy, listener: Listener) -> Self {
        Self { retry, fail_fast: false, budget: None, caching: None, forbidden: false, listener, recorder: None }
    }

    /// How calls are tried again.
    pub(crate) fn policy(&self) -> RetryPolicy {
        if self.fail_fast { self.retry.clone().hasty() } else { self.retry.clone() }
    }
}

/// The stack over a provider that is called at a pace.
pub(crate) fn live(
    model: &ModelId,
    built: &Built,
    pace: Arc<Pace>,
    scrubber: Scrubber,
    price: Option<Price>,
    calling: &Calling<'_>,
) -> Box<dyn Answerer> {
    // What answers on this machine by a rule is not worth keeping.
    let caching = calling.caching.clone().filter(|_| built.probe.is_some());
    if calling.forbidden {
        return kept(Closed, caching, (built, price), calling.recorder);
    }
    let stack = Scrubbed { inner: built.provider.clone(), scrubber };
    let stack = Priced { inner: stack, price };
    let (policy, listener) = (calling.policy(), calling.listener.clone());
    let guard = Arc::new(Guard::new(model.to_string(), calling.fail_fast, listener.clone()));
    let stack = Watched { inner: stack, guard: guard.clone() };
    let stack = Paced { inner: stack, pace };
    let stack = Budgeted { inner: stack, budget: calling.budget.clone(), price };
    let (fail_fast, streak) = (calling.fail_fast, Default::default());
    let stack = Retry { inner: stack, policy, listener, fail_fast, streak, guard: guard.clone() };
    let stack = SeenOut { inner: stack, budget: calling.budget.clone() };
    let stack = Guarded::new(stack, guard);
    kept(stack, caching, (built, price), calling.recorder)
}

fn kept(
    stack: impl Answerer + 'static,
    caching: Option<Caching>,
    (built, price): (&Built, Option<Price>),
    recorder: Option<&Recorder>,
) -> Box<dyn Answerer> {
    match caching {
        Some(caching) => recorded(Cached { inner: stack, caching, source: built.source.clone(), price }, recorder),
        None => recorded(stack, recorder),
    }
}

fn recorded(stack: impl Answerer + 'static, recorder: Option<&Recorder>) -> Box<dyn Answerer> {
    match recorder {
        Some(recorder) => Box::new(Recorded::new(stack, recorder)),
        None => Box::new(stack),
    }
}

/// The stack over a recording.
pub(crate) fn stored(recording: impl Provider + 'static, price: Option<Price>) -> Box<dyn Answerer> {
    Box::new(Stored(Priced { inner: recording, price }))
}
