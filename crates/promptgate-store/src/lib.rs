//! Run logs, data sets, recordings and prompt versions, on disk and in git.
//!
//! The only crate that knows where things are kept. It implements the storing ports of `promptgate-core`; what the files
//! mean is core's to say. What is stored is data: nothing in it runs, and nothing outside the project is read.

mod answers;
pub mod atomic;
mod clock;
mod ids;
pub mod run;
mod scrub;
pub mod tree;

pub use answers::StoredAnswers;
pub use clock::SystemClock;
pub use ids::SystemIds;
