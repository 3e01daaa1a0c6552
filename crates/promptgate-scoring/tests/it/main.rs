//! The integration tests of the scoring crate, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod bench;
mod gate;
mod grader;
mod instructions;
mod judges;
mod kinds;
mod looks;
mod math;
mod people;
mod planning;
mod properties;
mod registry;
mod run;
mod small;
mod structure;
mod trajectories;
mod trial;
mod vectors;
