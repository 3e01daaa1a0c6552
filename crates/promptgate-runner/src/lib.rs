//! Carries a plan out: bounded concurrency, typed events, the run log.
//!
//! [`prepare`] looks at every case and makes the plan, [`survey`] counts where its answers will come from,
//! [`estimate`] reckons what they take, [`execute`]
//! gets and grades what is missing and logs it. What a run came to is read from its log, never from here.

mod asking;
mod changes;
mod chunks;
mod estimate;
mod execute;
mod failed;
mod grading;
mod images;
mod log;
mod order;
mod outcome;
mod prepare;
mod share;
mod stop;
mod survey;

pub use asking::{Questions, grade_outputs};
pub use changes::{CaseChanges, Changed};
pub use estimate::{Estimate, SideEstimate, estimate};
pub use execute::{Job, Limits, execute};
pub use failed::FailedCases;
pub use images::inline_images;
pub use log::GroupCommit;
pub use order::Order;
pub use outcome::{RunError, RunOutcome, Tally};
pub use prepare::{
    CallsForbidden, Gap, Lineup, LoadedModel, LoadedVersion, NothingSelected, PlanRequest, PrepareError, Prepared,
    RecordingGaps, StoredRun, prepare,
};
pub use share::Share;
pub use stop::Stop;
pub use survey::{Begun, Calls, Counts, Kept, Reuse, Settled, Supply, called_sides, survey, survey_confirmations};
