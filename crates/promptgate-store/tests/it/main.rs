//! The store against real files, real git and damage.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test that cannot go on has failed")]

mod answers;
mod cache;
mod cases;
mod damage;
mod merge;
mod project;
mod recording;
mod runs;
mod sample;
mod tree;
mod versions;
