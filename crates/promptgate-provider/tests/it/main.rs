//! The providers and their stack, from the outside: through a set that is built from settings, as the command line does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot set up its world has failed"
)]

mod aws;
mod calling;
mod conformance;
mod openai;
mod programs;
mod recording;
mod replay;
mod retry;
mod scripted;
mod secrets;
mod setup;
mod support;
mod wires;
