//! The statistics of the gate: one method a file, its formula and source in its docs, pure functions of slices.
//!
//! Orientation everywhere: a difference is candidate minus baseline with "positive is better", `p_worse` is the one-sided
//! p of "the candidate is worse". What cannot be computed is absent (`None`) or a [`StatError`], never 0, NaN or an
//! infinity in its place. Nothing here knows a record, a policy or a verdict.

pub mod agreement;
pub mod bootstrap;
pub mod calibration;
pub mod cluster;
pub mod describe;
pub mod dist;
pub mod drift;
pub mod e_value;
pub mod exact_noninf;
pub mod hall;
pub mod log_ratio;
pub mod looks;
pub mod mcnemar;
pub mod multiple;
pub mod paired_intervals;
pub mod paired_t;
pub mod plan;
pub mod proportion;
pub mod sequential;
pub mod sign_flip;
pub mod sum;
pub mod tango;
pub mod these_cases;
pub mod trials;
pub mod wilcoxon;

/// Why a statistic does not exist for its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatError {
    /// Nothing to compute from.
    #[error("no data")]
    NoData,
    /// A value that is not a finite number, or not in its range.
    #[error("a score is not a finite number in its range")]
    InvalidScore,
    /// A ratio needs positive amounts.
    #[error("an amount is zero or negative")]
    NonPositive,
    /// More trials asked for than there are.
    #[error("k exceeds the number of trials")]
    KExceedsTrials,
    /// A judge no better than guessing corrects nothing.
    #[error("sensitivity and specificity do not exceed 1 together")]
    JudgeUninformative,
}

impl StatError {
    /// The code in reports and vectors.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::InvalidScore => "invalid_score",
            Self::NonPositive => "non_positive",
            Self::KExceedsTrials => "k_exceeds_trials",
            Self::JudgeUninformative => "judge_uninformative",
        }
    }
}

/// Every value finite, and at least one of them.
pub fn finite(values: &[f64]) -> Result<&[f64], StatError> {
    match values {
        [] => Err(StatError::NoData),
        _ if values.iter().any(|value| !value.is_finite()) => Err(StatError::InvalidScore),
        _ => Ok(values),
    }
}
