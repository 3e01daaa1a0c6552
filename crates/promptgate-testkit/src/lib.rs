//! Throw-away projects, a real model server on loopback, kinds for tests.
//!
//! Everything here may panic with a message: a test that cannot set up its world has failed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up its world has failed")]

pub mod asking;
mod data;
mod project;

pub use data::{data_dir, has_python};
pub use project::{Output, Project};
