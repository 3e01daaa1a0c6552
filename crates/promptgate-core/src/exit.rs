//! Exit codes: one meaning each, a promise to scripts.

use serde::{Deserialize, Serialize};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum ExitCode {
    /// Done; for a gate: the requirement is met.
    Done,
    /// A bug of ours, or an unexpected error.
    Bug,
    /// Bad usage, config, suite, prompt, dataset or recording: nothing ran.
    Usage,
    /// Nothing selected: zero cases, zero live assertions, a filter that matches nothing.
    NothingSelected,
    /// A credential or permission is missing.
    NoPermission,
    /// The gate failed, or a case of `run` did.
    Failed,
    /// The evidence does not decide.
    Inconclusive,
    /// Not comparable.
    Invalid,
    /// An outage or quota kept too many cases from being answered.
    Unavailable,
    /// Stopped by a budget, a full disk or one Ctrl-C; resumable; no verdict.
    Incomplete,
    /// The requirement is met, but an output file could not be written.
    OutputNotWritten,
    /// Killed by a second Ctrl-C.
    Interrupted,
    /// Killed by SIGTERM before a clean end.
    Terminated,
}

impl ExitCode {
    /// Every code with its number and its meaning, the table of the reference pages.
    pub const ALL: [(Self, u8, &'static str); 13] = [
        (Self::Done, 0, "done; for a gate: the requirement is met"),
        (Self::Bug, 1, "a bug of ours, or an unexpected error"),
        (Self::Usage, 2, "bad usage, config, suite, prompt, dataset or recording: nothing ran"),
        (Self::NothingSelected, 4, "nothing selected: zero cases, zero live assertions, a filter that matches nothing"),
        (Self::NoPermission, 77, "a credential or permission is missing"),
        (Self::Failed, 100, "failed: the gate, or a case of `run`"),
        (Self::Inconclusive, 102, "inconclusive: the evidence does not decide"),
        (Self::Invalid, 103, "invalid: not comparable"),
        (Self::Unavailable, 104, "unavailable: an outage or quota; says nothing about the prompt"),
        (Self::Incomplete, 106, "incomplete: stopped by budget, a full disk or one Ctrl-C; resumable; no verdict"),
        (Self::OutputNotWritten, 110, "the requirement is met, but an output file could not be written"),
        (Self::Interrupted, 130, "killed by a second Ctrl-C before a clean end"),
        (Self::Terminated, 143, "terminated before a clean end"),
    ];

    /// The number a process exits with.
    pub fn code(self) -> u8 {
        u8::from(self)
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        ExitCode::ALL.iter().find(|(each, ..)| *each == code).map_or(1, |(_, number, _)| *number)
    }
}

impl TryFrom<u8> for ExitCode {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, each, _)| *each == number);
        found.map(|(code, ..)| *code).ok_or_else(|| format!("{number} is not an exit code of promptgate"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_from_its_number() {
        for (code, number, _) in ExitCode::ALL {
            assert_eq!((code.code(), ExitCode::try_from(number)), (number, Ok(code)));
        }
    }
}
