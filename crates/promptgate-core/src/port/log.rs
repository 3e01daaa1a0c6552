//! The append-only log of a run.

use super::PortError;
use crate::record::{BegunTrial, SettledTrial};

/// Takes settled trials. One writer thread owns it and commits in groups: a result counts, and is shown, after its
/// commit.
pub trait RunLog: Send {
    /// Adds a trial to the open batch; returns the bytes of the batch so far.
    fn append(&mut self, trial: &SettledTrial) -> Result<usize, PortError>;

    /// Adds to the open batch what a trial that is not settled has come to; returns the bytes of the batch so far.
    fn append_begun(&mut self, trial: &BegunTrial) -> Result<usize, PortError>;

    /// Writes the open batch and syncs it to disk.
    fn commit(&mut self) -> Result<(), PortError>;

    /// Commits, and marks the run as complete.
    fn finish(&mut self) -> Result<(), PortError>;
}
