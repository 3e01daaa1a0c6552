//! What a recording holds for a request, for a plan that must know before anything runs.

use std::fmt;

/// What a recording holds for a request. Anything but `Found` is an error before anything runs. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// One line answers.
    Found,
    /// A line fits, but it answered another request: prompt, parameters or input were edited since.
    Stale {
        /// That line.
        line: u64,
    },
    /// A line fits, but carries no digest, and the model does not say `bound = false`.
    Unbound {
        /// That line.
        line: u64,
    },
    /// No line fits.
    Missing,
    /// Two lines fit equally well.
    Ambiguous {
        /// They.
        lines: [u64; 2],
    },
}

impl fmt::Display for Lookup {
    /// The reason, a fragment to follow the case: "line 12 answered another request".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found => f.write_str("recorded"),
            Self::Stale { line } => write!(f, "line {line} answered another request"),
            Self::Unbound { line } => {
                write!(f, "line {line} has no request digest and is served only with `bound = false`")
            }
            Self::Missing => f.write_str("no line"),
            Self::Ambiguous { lines: [first, second] } => write!(f, "lines {first} and {second} fit equally well"),
        }
    }
}
