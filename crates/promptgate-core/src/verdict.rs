//! Verdicts, their order, and what meets a requirement: one place, so that text, reports and exit code cannot differ.

use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;

/// A gate's answer; a larger one is worse. A proven regression never hides behind another word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Shown not to be worse, or a rule kept.
    Pass,
    /// Not settled.
    Inconclusive,
    /// Too many pairs got no answer for reasons of infrastructure.
    Unavailable,
    /// The comparison cannot be made.
    Invalid,
    /// Worse, or a rule broken.
    Fail,
}

impl Verdict {
    /// All of them, the worst first.
    pub const WORST_FIRST: [Self; 5] = [Self::Fail, Self::Invalid, Self::Unavailable, Self::Inconclusive, Self::Pass];

    /// The worst of some verdicts.
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        verdicts.into_iter().max()
    }

    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Unavailable => "unavailable",
            Self::Invalid => "invalid",
            Self::Fail => "fail",
        }
    }
}

/// What the numbers of one metric check say, oriented so that larger is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// One-sided p of "the candidate is worse", adjusted for the family.
    pub p_worse: f64,
    /// One-sided error rate, each way.
    pub alpha: f64,
    /// The estimated difference.
    pub estimate: f64,
    /// The allowed drop, 0 or more.
    pub margin: f64,
    /// Whether the one-sided lower bound at level 1 - alpha clears the allowed drop.
    pub cleared: bool,
}

impl Finding {
    /// The verdict: worse and by at least the allowed drop, shown not to be, or neither.
    pub fn verdict(self) -> Verdict {
        let dropped = self.estimate <= -self.margin + 1e-12;
        match self {
            Self { p_worse, alpha, .. } if p_worse <= alpha && dropped => Verdict::Fail,
            Self { cleared: true, .. } => Verdict::Pass,
            _ => Verdict::Inconclusive,
        }
    }
}

/// What a gate requires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// Met by `pass` alone.
    #[default]
    ShownNotWorse,
    /// Met by `pass`, and by `inconclusive` where something was looked at.
    NoRegressionFound,
}

impl Requirement {
    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ShownNotWorse => "shown-not-worse",
            Self::NoRegressionFound => "no-regression-found",
        }
    }

    /// Whether a verdict meets this. `nothing_looked_at`: the verdict is inconclusive for the reasons `no_data` or
    /// `unscored`; nothing found must not mean nothing looked at.
    pub fn is_met_by(self, verdict: Verdict, nothing_looked_at: bool) -> bool {
        match verdict {
            Verdict::Pass => true,
            Verdict::Inconclusive => self == Self::NoRegressionFound && !nothing_looked_at,
            Verdict::Unavailable | Verdict::Invalid | Verdict::Fail => false,
        }
    }
}

/// The exit code of a gate: 0 when the requirement is met, else the verdict's own.
pub fn exit_code(verdict: Verdict, met: bool) -> ExitCode {
    match verdict {
        _ if met => ExitCode::Done,
        Verdict::Fail => ExitCode::Failed,
        Verdict::Invalid => ExitCode::Invalid,
        Verdict::Unavailable => ExitCode::Unavailable,
        // A pass that does not meet its requirement does not exist; it is listed with the undecided.
        Verdict::Inconclusive | Verdict::Pass => ExitCode::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fail_is_worse_than_anything_that_says_nothing() {
        let all = [Verdict::Pass, Verdict::Unavailable, Verdict::Fail, Verdict::Invalid, Verdict::Inconclusive];
        assert_eq!(Verdict::worst(all), Some(Verdict::Fail));
        let mut sorted = all;
        sorted.sort_by_key(|verdict| std::cmp::Reverse(*verdict));
        assert_eq!(sorted, Verdict::WORST_FIRST);
    }

    #[test]
    fn only_an_inconclusive_that_looked_meets_the_weaker_requirement() {
        let met = |verdict, blind| Requirement::NoRegressionFound.is_met_by(verdict, blind);
        assert!(met(Verdict::Inconclusive, false) && met(Verdict::Pass, false));
        assert!(!met(Verdict::Inconclusive, true) && !met(Verdict::Unavailable, false));
        assert!(!Requirement::ShownNotWorse.is_met_by(Verdict::Inconclusive, false));
    }
}
