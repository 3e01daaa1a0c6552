//! Student's paired t test and its two one-sided form (Schuirmann 1987): for reports and cross-checks, never for a verdict
//! on scores (rare failures make it far too ready to pass).

use super::describe::describe;
use super::{StatError, dist};

/// A paired t test; what needs a spread is absent without one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedT {
    /// Pairs.
    pub n: usize,
    /// The mean difference.
    pub mean: f64,
    /// Its standard error.
    pub se: Option<f64>,
    /// mean / se.
    pub t: Option<f64>,
    /// One-sided p of "worse".
    pub p_worse: Option<f64>,
    /// Two-sided p.
    pub p_two: Option<f64>,
}

/// The test on differences.
pub fn paired_t(differences: &[f64]) -> Result<PairedT, StatError> {
    let plain = describe(differences)?;
    let df = (plain.n - 1) as f64;
    let se = plain.se();
    let t = se.filter(|se| *se > 0.0).map(|se| plain.mean / se);
    let p_worse = t.map(|t| dist::t_cdf(t, df));
    let p_two = t.map(|t| (2.0 * dist::t_cdf(-t.abs(), df)).min(1.0));
    Ok(PairedT { n: plain.n, mean: plain.mean, se, t, p_worse, p_two })
}

/// The one-sided p-values against -margin and against +margin; the larger is the test's. Absent without spread.
pub fn tost(differences: &[f64], margin: f64) -> Result<Option<(f64, f64)>, StatError> {
    let plain = describe(differences)?;
    let df = (plain.n - 1) as f64;
    let se = plain.se().filter(|se| *se > 0.0);
    Ok(se.map(|se| (dist::t_sf((plain.mean + margin) / se, df), dist::t_cdf((plain.mean - margin) / se, df))))
}
