//! The report formats over stored values: what each fixture prints, and that no text of it acts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot set up its world has failed"
)]

mod escapers;
mod fixture;
mod junit;
mod markdown;
mod plan;
mod samples;
mod sinks;
mod snapshots;
