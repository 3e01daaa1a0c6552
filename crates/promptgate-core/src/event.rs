//! What happens during a run, for whoever shows progress. Events feed nothing but progress: reports are folded from the
//! settled record.

use std::sync::Arc;
use std::time::Duration;

use crate::name::ModelId;
use crate::score::Outcome;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The plan is made; nothing has been called yet.
    Planned {
        /// Trials of this run's share.
        trials: u64,
        /// Trials to be answered by calling a provider.
        calls: u64,
        /// Trials to be answered from recordings.
        replayed: u64,
        /// Trials taken over from earlier runs, or settled before a resume.
        reused: u64,
    },
    /// A trial is on disk.
    Settled {
        /// How it came out.
        outcome: Outcome,
        /// Whether a provider was called for it in this run.
        called: bool,
    },
    /// A call failed and is tried again.
    Retrying {
        /// The model.
        model: ModelId,
        /// Which attempt comes next, from 2.
        attempt: u32,
        /// How long it waits first.
        wait: Duration,
        /// Why.
        reason: String,
    },
    /// A model or an endpoint answers nothing: what is to be asked of it waits until it does.
    Held {
        /// Which one.
        who: String,
        /// How long it is waited for at most.
        longest: Duration,
        /// Why the last request was given up.
        reason: String,
    },
    /// A model or an endpoint is asked no more in this run: what it said holds for all requests.
    Gone {
        /// Which one.
        who: String,
        /// What it said.
        reason: String,
    },
    /// Calls under way now.
    InFlight(usize),
    /// No new calls are made; those under way are awaited.
    Stopping {
        /// Why, e.g. `Ctrl-C`.
        reason: String,
    },
    /// Nothing more will happen.
    Finished,
}

/// Takes events; called from any thread, must not block.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;
