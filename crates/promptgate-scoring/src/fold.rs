//! The folds: from the settled record of a run to the one value that every report, verdict and exit code comes from.
//!
//! Header and trials are the only input, read once and in a stream, so a stored run folds to what the live one did.

mod check;
mod comparison;
mod evidence;
mod floor;
mod gate;
mod measured;
mod pairs;
mod reason;
mod rule;
mod run;
mod state;
mod subject;
mod table;
mod tally;

use promptgate_core::port::PortError;

pub use gate::{can_judge, gate_report};
pub use run::run_report;

/// Why a record could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The record could not be read.
    #[error(transparent)]
    Record(#[from] PortError),
    /// Header and trials do not fit together.
    #[error("the record contradicts itself: {0}")]
    Contradiction(String),
    /// The policy asks for what this version does not do; a mistake of the user's (exit 2), found before any judgement.
    #[error("{what} is not done by this version; {help}")]
    NotYet {
        /// The setting.
        what: String,
        /// What to write instead.
        help: String,
    },
}
