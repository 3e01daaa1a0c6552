//! Ratios of positive amounts (cost, tokens, latency): r_i = ln(candidate_i / baseline_i); the estimate is exp(mean r), the
//! geometric mean ratio, with a t interval on the log scale.

use super::describe::{Description, describe};
use super::{StatError, dist, finite};

/// r_i = ln(candidate_i / baseline_i); `non_positive` when an amount is 0 or less.
pub fn log_ratios(baseline: &[f64], candidate: &[f64]) -> Result<Vec<f64>, StatError> {
    finite(baseline)?;
    finite(candidate)?;
    if baseline.iter().chain(candidate).any(|amount| *amount <= 0.0) {
        return Err(StatError::NonPositive);
    }
    Ok(baseline.iter().zip(candidate).map(|(base, cand)| (cand / base).ln()).collect())
}

/// mean -/+ t_{1-alpha, n-1} s / sqrt(n) of some log ratios; absent for one.
pub fn t_bounds(ratios: &[f64], alpha: f64) -> Result<Option<(f64, f64)>, StatError> {
    let plain: Description = describe(ratios)?;
    let half = plain.se().map(|se| se * dist::t_quantile(1.0 - alpha, (plain.n - 1) as f64));
    Ok(half.map(|half| (plain.mean - half, plain.mean + half)))
}

/// One-sided p of "the ratio rose": P(T >= mean / se); absent without spread.
pub fn p_increase(ratios: &[f64]) -> Result<Option<f64>, StatError> {
    let plain = describe(ratios)?;
    let se = plain.se().filter(|se| *se > 0.0);
    Ok(se.map(|se| dist::t_sf(plain.mean / se, (plain.n - 1) as f64)))
}
