//! The folds: from the settled record of a run to the one value that every report, verdict and exit code comes from.
//!
//! Header and trials are the only input, read once and in a stream, so a stored run folds to what the live one did.

mod answerers;
mod by_name;
mod causes;
mod check;
mod comparison;
mod evidence;
mod explain;
mod floor;
mod gate;
mod groups;
mod heard;
mod labels;
mod look_here;
mod measured;
mod orders;
mod pairs;
mod people;
mod reason;
mod rule;
mod run;
mod stage;
mod state;
mod subject;
mod table;
mod tally;

use promptgate_core::port::PortError;

pub use explain::explanation;
pub use gate::{calibration, confirmations, gate_report, is_settled};
pub use orders::order_summary;
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
}
