//! Why nothing is run: each reason with its exit code.

use std::fmt;

use promptgate_core::name::{CaseId, ModelId};
use promptgate_core::plan::TrialAddress;
use promptgate_core::port::PortError;
use promptgate_core::{Diagnostics, ExitCode};
use promptgate_provider::Lookup;

/// Why a plan could not be made, or may not be carried out. Nothing ran.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Something a user wrote is wrong: cases, prompts or assertions that do not fit each other.
    #[error("{0}")]
    Wrong(Diagnostics),
    /// There is nothing to do, or nothing to look at.
    #[error("{0}")]
    Nothing(NothingSelected),
    /// Recordings do not hold what is about to be asked.
    #[error("{0}")]
    Recordings(RecordingGaps),
    /// Calls are forbidden, and not every answer is stored.
    #[error("{0}")]
    CallsForbidden(CallsForbidden),
    /// Something could not be read.
    #[error("failed to read what the plan is made of: {0}")]
    Read(#[from] PortError),
}

impl PrepareError {
    /// How the command ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Wrong(_) | Self::Recordings(_) => ExitCode::Usage,
            Self::Nothing(_) => ExitCode::NothingSelected,
            // What a comparison needs may not be run: gate.md 2.3, `baseline_missing`.
            Self::CallsForbidden(_) => ExitCode::Invalid,
            Self::Read(_) => ExitCode::Bug,
        }
    }
}

/// What selects nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NothingSelected {
    /// The file holds no case.
    EmptyDataset {
        /// The file.
        file: String,
    },
    /// The stored run holds answers to none of the cases as they are now.
    NoneHeld {
        /// The file.
        file: String,
    },
    /// `--filter` holds for none of the cases.
    FilterMatchesNothing {
        /// As on the command line.
        filter: String,
        /// The file.
        file: String,
        /// How many it holds.
        cases: usize,
    },
    /// No assertion looks at any of the cases.
    NoLiveAssertion,
    /// A critical check of the gate, or a model, is about none of the cases.
    EmptySelection {
        /// What selects, e.g. "the rule `must-pass` is about".
        owner: String,
        /// As on the command line.
        selection: String,
    },
}

impl fmt::Display for NothingSelected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyDataset { file } => {
                write!(f, "`{file}` holds no case; add one, or name another file in `[cases]`")
            }
            Self::NoneHeld { file } => {
                write!(f, "every case of `{file}` is new or edited since the run: it holds an answer to none of them")
            }
            Self::FilterMatchesNothing { filter, file, cases } => {
                write!(
                    f,
                    "`--filter {filter}` matches no case of `{file}`, which holds {}",
                    counted(*cases as u64, "case")
                )
            }
            Self::NoLiveAssertion => f.write_str(
                "no assertion looks at any case; add an `[[assert]]`, or loosen the `when` of those there are",
            ),
            Self::EmptySelection { owner, selection } => {
                write!(f, "{owner} `{selection}`, which holds for no case; correct the selection or tag the cases")
            }
        }
    }
}

/// Answers that recordings do not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingGaps {
    /// Trials whose recorded answer was given to another request.
    pub stale: u64,
    /// Trials without a recorded answer.
    pub missing: u64,
    /// Trials that several lines fit equally well.
    pub ambiguous: u64,
    /// Trials whose line carries no request digest where one is required.
    pub unbound: u64,
    /// The first of them in plan order, one for a case, at most [`RecordingGaps::SHOWN`].
    pub first: Vec<Gap>,
    /// Cases concerned.
    pub cases: u64,
    /// The command that records anew.
    pub command: String,
    last_case: Option<CaseId>,
}

impl RecordingGaps {
    /// How many cases an error names.
    pub const SHOWN: usize = 5;

    pub(crate) fn add(&mut self, gap: Gap, lookup: &Lookup) {
        *match lookup {
            Lookup::Stale { .. } => &mut self.stale,
            Lookup::Ambiguous { .. } => &mut self.ambiguous,
            Lookup::Unbound { .. } => &mut self.unbound,
            Lookup::Missing | Lookup::Found => &mut self.missing,
        } += 1;
        // Gaps come case by case, so one look back tells whether the case is new.
        if self.last_case.as_ref() != Some(&gap.case) {
            self.cases += 1;
            self.last_case = Some(gap.case.clone());
            if self.first.len() < Self::SHOWN {
                self.first.push(gap);
            }
        }
    }

    /// Adds what was found in the next cases.
    pub(crate) fn append(&mut self, part: Self) {
        self.stale += part.stale;
        self.missing += part.missing;
        self.ambiguous += part.ambiguous;
        self.unbound += part.unbound;
        self.cases += part.cases;
        self.first.extend(part.first.into_iter().take(Self::SHOWN - self.first.len()));
    }

    /// Trials concerned.
    pub fn trials(&self) -> u64 {
        self.stale + self.missing + self.ambiguous + self.unbound
    }
}

/// One answer that a recording does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The case.
    pub case: CaseId,
    /// How the user named the version.
    pub reference: String,
    /// The model.
    pub model: ModelId,
    /// The repeat, from 1.
    pub repeat: u32,
    /// What is wrong, e.g. "line 12 answered another request".
    pub reason: String,
    /// What the recording has in place of it.
    pub(crate) lookup: Lookup,
    /// Where the trial stands in the plan.
    pub(crate) address: TrialAddress,
}

impl fmt::Display for RecordingGaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.stale, "stale"),
            (self.missing, "missing"),
            (self.ambiguous, "ambiguous"),
            (self.unbound, "without a digest"),
        ];
        let kinds: Vec<String> = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        let cases = counted(self.cases, "case");
        let noun = if self.trials() == 1 { "answer does" } else { "answers do" };
        writeln!(f, "recorded {noun} not fit what is about to be asked: {} ({cases})", kinds.join(", "))?;
        for gap in &self.first {
            writeln!(f, "  {}: {} on {}, trial {}: {}", gap.case, gap.reference, gap.model, gap.repeat, gap.reason)?;
        }
        if self.cases > self.first.len() as u64 {
            writeln!(f, "  and {} more", self.cases - self.first.len() as u64)?;
        }
        write!(f, "to record anew: {}", self.command)
    }
}

/// Answers that would have to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsForbidden {
    /// How many trials would be called.
    pub calls: u64,
    /// Out of how many.
    pub trials: u64,
}

impl fmt::Display for CallsForbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, trials) = (counted(self.calls, "answer"), self.trials);
        write!(
            f,
            "{calls} of {trials} would have to be asked for, and `--no-run` forbids calls; run it without `--no-run`"
        )
    }
}

/// "1 case", "2 cases".
pub(crate) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
