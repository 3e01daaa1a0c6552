//! Run files: `.promptgate/runs/<run id>.jsonl`, one append-only log of checksummed lines a run.
//!
//! Line 1 is the header, then one line a settled trial in order of completion, a `synced` line at the head of each batch,
//! and `finished` at the end (`run/line.rs` has the form). A trial that was paid for and is not settled yet, since a judge is
//! still to be asked or the budget was spent, has a `begun` line: it counts for a resume alone, the last one of a trial
//! holds, and a settled trial's no longer do. What the lines mean when something broke:
//!
//! - A batch is written and synced as a whole, and its `synced` line is written only after the batch before it was on
//!   disk. So a bad line that has a good `synced` or `finished` line behind it was once whole: it is corrupt, and named.
//! - A bad line without one stands in the last batch, which may never have been synced: it is torn. Everything from it
//!   on is cut off when the run is resumed, left out when it is read, and told either way ([`Torn`]).
//! - A second line that settles one trial is corrupt: two processes cannot write one file, so nothing of ours writes it.

mod ahead;
mod begun;
mod error;
mod file;
mod folder;
pub(crate) mod line;
mod merge;
mod scan;
mod stored;

pub use begun::Begun;
pub use error::RunError;
pub use file::RunFile;
pub use folder::{Resumed, RunEntry, RunFolder, RunState, Settled};
pub use merge::{MergeError, MergedRun};
pub use scan::Torn;
pub use stored::StoredRun;
