//! Repeated trials: how much of the spread lies within cases and how much between them, and pass@k / pass^k.

use super::{StatError, describe, dist, finite, sum};

/// Variance components of repeated trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components {
    /// Mean of the case means.
    pub mean: f64,
    /// Mean over cases of the variance of their trials; absent with one trial a case.
    pub within: Option<f64>,
    /// Variance of the case means; absent with one case.
    pub of_case_means: Option<f64>,
    /// max(0, of_case_means - within / k).
    pub between: Option<f64>,
    /// Standard error of the mean.
    pub se_mean: Option<f64>,
    /// Intraclass correlation; absent where its denominator is 0.
    pub icc1: Option<f64>,
    /// Cases whose trials disagree.
    pub flaky: usize,
}

/// The components of a table of trials; rows are cases, each with the same number of trials.
pub fn components(rows: &[Vec<f64>]) -> Result<Components, StatError> {
    let described = rows.iter().map(|row| describe::describe(finite(row)?)).collect::<Result<Vec<_>, _>>()?;
    let means: Vec<f64> = described.iter().map(|case| case.mean).collect();
    let over_cases = describe::describe(&means)?;
    let variances: Option<Vec<f64>> = described.iter().map(|case| case.variance).collect();
    let within = variances.and_then(|variances| sum::mean(&variances));
    let of_case_means = over_cases.variance;
    let k = rows.first().map_or(1.0, |row| row.len() as f64);
    let both = within.zip(of_case_means);
    let icc = |(within, means): (f64, f64)| {
        let denominator = k * means + (k - 1.0) * within;
        (denominator > 0.0).then(|| (k * means - within) / denominator)
    };
    Ok(Components {
        mean: over_cases.mean,
        within,
        of_case_means,
        between: both.map(|(within, means)| (means - within / k).max(0.0)),
        se_mean: over_cases.se(),
        icc1: both.and_then(icc),
        flaky: rows.iter().filter(|row| row.iter().any(|value| *value != row[0])).count(),
    })
}

/// pass@k = 1 - C(n-c, k)/C(n, k) and pass^k = C(c, k)/C(n, k), of n trials with c passed.
pub fn pass_k(n: u64, passed: u64, k: u64) -> Result<(f64, f64), StatError> {
    if k > n {
        return Err(StatError::KExceedsTrials);
    }
    let share = |of: u64| if of < k { 0.0 } else { (dist::ln_choose(of, k) - dist::ln_choose(n, k)).exp() };
    Ok((1.0 - share(n - passed), share(passed)))
}
