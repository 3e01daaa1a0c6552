//! Plans are made, surveyed and carried out over ports held in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod asking;
mod changing;
mod estimating;
mod limits;
mod planning;
mod retaking;
mod running;
mod stopping;
mod surveying;
mod world;
