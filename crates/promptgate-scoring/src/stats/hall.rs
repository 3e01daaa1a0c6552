//! Hall's bounds for a mean, corrected for skewness by his monotone cubic transformation ("On the removal of skewness by
//! transformation", 1992), and the guard against what was not seen.

use super::describe::Description;
use super::{StatError, describe, dist, finite, sum};

/// One-sided bounds, each at level 1 - alpha.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
}

impl Bounds {
    /// The more careful of two.
    #[must_use]
    pub fn wider(self, other: Self) -> Self {
        Self { lower: self.lower.min(other.lower), upper: self.upper.max(other.upper) }
    }
}

/// Population skewness m3 / m2^1.5; 0 where there is no spread.
pub fn skewness(values: &[f64], mean: f64) -> f64 {
    let n = values.len() as f64;
    let second = sum::of(values, |x| (x - mean).powi(2)) / n;
    let third = sum::of(values, |x| (x - mean).powi(3)) / n;
    if second > 0.0 { third / second.powf(1.5) } else { 0.0 }
}

/// Hall's bounds: lower = mean - s u(y), upper = mean - s u(-y), with y = t_{1-alpha, n-1}/sqrt(n) and
/// u(y) = (3/g)(cbrt(1 + g (y - g/(6n))) - 1), u(y) = y when |g| < 1e-8. Absent for one value.
pub fn hall(values: &[f64], alpha: f64) -> Result<Option<Bounds>, StatError> {
    let plain: Description = describe::describe(finite(values)?)?;
    let Some(sd) = plain.sd() else { return Ok(None) };
    let n = plain.n as f64;
    let skew = skewness(values, plain.mean);
    let y = dist::t_quantile(1.0 - alpha, n - 1.0) / n.sqrt();
    let bent = |y: f64| {
        if skew.abs() < 1e-8 { y } else { 3.0 / skew * ((1.0 + skew * (y - skew / (6.0 * n))).cbrt() - 1.0) }
    };
    Ok(Some(Bounds { lower: plain.mean - sd * bent(y), upper: plain.mean - sd * bent(-y) }))
}

/// The guard for units that were not seen: with q = alpha^(1/units), an outcome more likely than 1 - q would have been
/// seen, so that share is taken to be as bad (`low`) or as good (`high`) as can be. A heuristic, justified by simulation.
pub fn guard(mean: f64, units: usize, alpha: f64, low: f64, high: f64) -> Bounds {
    let q = alpha.powf(1.0 / units.max(1) as f64);
    Bounds { lower: q * mean + (1.0 - q) * low, upper: q * mean + (1.0 - q) * high }
}

/// The fewest units with which a mean difference of 0 clears a drop of `margin` under the guard:
/// ln(alpha) / ln(1 - margin/range), rounded up.
pub fn fewest_units(margin: f64, alpha: f64, range: f64) -> u64 {
    if margin <= 0.0 {
        return u64::MAX;
    }
    (alpha.ln() / (-margin / range).ln_1p() - 1e-9).ceil() as u64
}
