//! Run logs, data sets, recordings and prompt versions, on disk and in git.
//!
//! The only crate that knows where things are kept. It implements the storing ports of `promptgate-core`; what the files
//! mean is core's to say. What is stored is data: nothing in it runs, and nothing outside the project is read.

mod answers;
pub mod atomic;
pub mod cache;
mod calibrations;
mod cases;
mod clock;
mod ids;
mod positioned;
mod project;
mod recording;
mod room;
pub mod run;
mod scrub;
pub mod tree;
pub mod versions;

pub use answers::StoredAnswers;
pub use calibrations::{CalibrationError, CalibrationFolder};
pub use cases::{CaseStore, CasesError};
pub use clock::SystemClock;
pub use ids::SystemIds;
pub use project::{PROJECT_FILE, Project, ProjectError};
pub use recording::RecordingFile;
pub use room::disk_room;
