//! Core against real files: the Dotprompt corpus, and hostile input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot set up its world has failed"
)]

mod digests;
mod dotprompt;
mod fixture;
mod hostile;
mod mutants;
mod prompt;
mod round_trips;
