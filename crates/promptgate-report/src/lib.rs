//! Renders run and gate reports, and shows progress.
//!
//! A renderer sees a [`promptgate_core::report::Report`] and, where a format lists every trial, the settled record; it
//! computes nothing of its own, so a stored run prints what the live one printed. Text from a model or a user's file
//! reaches a sink only through that sink's escaper in [`escape`].

pub mod escape;
pub mod progress;
pub mod registry;

mod checks;
mod csv;
mod explain;
mod groups;
mod json;
mod jsonl;
mod junit;
mod labels;
mod markdown;
mod plan;
mod table;
mod terminal;
mod words;

pub use explain::explanation;
pub use registry::{FORMATS, Format, PLAN_FORMATS, PlanFormat, Rendering};
