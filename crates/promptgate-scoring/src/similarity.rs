//! How alike two texts are: edit distance, shared tokens and n-grams, as the field's reference programs define them. Pure
//! numbers; the assertions over them add parameters and evidence.
//!
//! Work is bounded: where two texts are too long for a quadratic method, there is no number ([`TooLong`]).

pub mod bits;
pub mod bleu;
pub mod chrf;
pub mod gleu;
pub mod meteor;
mod porter;
pub mod ratio;
pub mod rouge;
mod runs;
pub mod squad;
pub mod ter;
pub mod tokens;

/// Two texts that are too long to be compared in bounded time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the texts are too long to be compared: {0} by {1} symbols")]
pub struct TooLong(pub usize, pub usize);
