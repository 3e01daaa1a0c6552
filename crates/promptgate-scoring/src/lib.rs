//! Scoring: assertions and extractors on one output, statistics, and the fold from a settled record to a report.
//!
//! Nothing here waits or calls out. An assertion that needs a model, a vector or a program says so with
//! [`assertion::Step::Ask`] and is resumed with the replies.

pub mod accepting;
pub mod assertion;
pub mod calibrating;
pub mod extract;
pub mod fold;
pub mod grader;
pub mod planning;
pub mod similarity;
pub mod stats;
