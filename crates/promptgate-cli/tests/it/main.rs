//! The command as its users meet it: a real process in a throw-away project.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test that cannot go on has failed")]

mod bad_input;
mod budget;
mod cache;
mod calibrate;
mod canaries;
mod determinism;
mod durability;
mod fails_closed;
mod grouped;
mod images;
mod judged;
mod looking;
mod misconfigured;
mod plan;
mod proxied;
mod pull_request;
mod recorded;
mod rehearsal;
mod repriced;
mod resumed;
mod scored_anew;
mod serve_mock;
mod shared;
mod snapshot;
mod stopping;
mod tls;
mod triage;
