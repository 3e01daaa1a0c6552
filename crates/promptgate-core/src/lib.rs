//! The words of promptgate: values, pure rules and text formats that every other crate leans on.
//!
//! Nothing here opens a file, reads a clock, draws a random number or waits. What must come from outside comes in through
//! a [`port`] or as an argument. Formats turn text into valid values once, at the edge, and answer with a [`Diagnostic`]
//! that names file, line and column.

pub mod answer;
pub mod ask;
pub mod assertion;
pub mod calibration;
mod canonical;
pub mod case;
pub mod diagnostic;
pub mod digest;
pub mod event;
pub mod exit;
pub mod format;
pub mod formula;
pub mod gate;
pub mod judge_calibration;
pub mod media;
pub mod message;
pub mod name;
pub mod nearest;
pub mod number;
pub mod plan;
pub mod port;
pub mod price;
pub mod prompt;
pub mod propose;
pub mod python;
pub mod record;
pub mod reference;
pub mod report;
pub mod request;
pub mod room;
pub mod score;
pub mod secret;
pub mod selection;
pub mod sequence;
pub mod stricter;
pub mod suite;
pub mod value;
pub mod verdict;

pub use diagnostic::{Diagnostic, Diagnostics, Location};
pub use digest::Digest;
pub use exit::ExitCode;
