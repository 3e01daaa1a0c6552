//! McNemar's test on the discordant pairs (1947), exact and mid-p (Lancaster 1961), and the chi-square forms for reports.
//! X ~ Bin(fixed + broken, 1/2) under "no drop"; the concordant pairs carry no evidence.

use super::dist;

/// One-sided p of "worse": P(X >= broken). Never above its level; costs power at small n.
pub fn p_worse_exact(fixed: u64, broken: u64) -> f64 {
    match fixed + broken {
        0 => 1.0,
        n => dist::binomial_sf(broken as i64 - 1, n, 0.5),
    }
}

/// One-sided mid-p of "worse": P(X > broken) + P(X = broken)/2; 1 when nothing is discordant.
pub fn p_worse_mid(fixed: u64, broken: u64) -> f64 {
    match fixed + broken {
        0 => 1.0,
        n => dist::binomial_sf(broken as i64, n, 0.5) + 0.5 * dist::binomial_pmf(broken, n, 0.5),
    }
}

/// Two-sided exact p: twice the smaller tail, at most 1.
pub fn p_two_exact(fixed: u64, broken: u64) -> f64 {
    let (less, more) = (fixed.min(broken), fixed.max(broken));
    (2.0 * p_worse_exact(less, more)).min(1.0)
}

/// Two-sided mid-p: the exact p less half the chance of equally extreme tables (two of them, or the middle one alone); 1
/// when nothing is discordant.
pub fn p_two_mid(fixed: u64, broken: u64) -> f64 {
    let table = |n| dist::binomial_pmf(broken, n, 0.5);
    match fixed + broken {
        0 => 1.0,
        n if fixed == broken => 1.0 - 0.5 * table(n),
        n => p_two_exact(fixed, broken) - table(n),
    }
}

/// The chi-square statistic and its p, with `correction` 1 (Edwards) or 0; absent when nothing is discordant.
pub fn chi_square(fixed: u64, broken: u64, correction: f64) -> Option<(f64, f64)> {
    let n = (fixed + broken) as f64;
    let gap = (fixed.abs_diff(broken) as f64 - correction).max(0.0);
    let statistic = gap * gap / n;
    (n > 0.0).then(|| (statistic, dist::chi2_sf(statistic, 1.0)))
}
