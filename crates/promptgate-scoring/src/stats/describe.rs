//! Mean, variance, quantiles. Variance by two passes with a correction, so an offset of 1e9 does no harm (Chan, Golub and
//! LeVeque, "Algorithms for computing the sample variance", 1983).

use super::{StatError, finite, sum};

/// What one sample looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Description {
    /// Values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their variance with n - 1; absent for one value.
    pub variance: Option<f64>,
}

impl Description {
    /// The standard deviation with n - 1; absent for one value.
    pub fn sd(&self) -> Option<f64> {
        self.variance.map(f64::sqrt)
    }

    /// The standard error of the mean; absent for one value.
    pub fn se(&self) -> Option<f64> {
        self.variance.map(|variance| (variance / self.n as f64).sqrt())
    }
}

/// Describes a sample; `no_data` when it is empty.
pub fn describe(values: &[f64]) -> Result<Description, StatError> {
    let values = finite(values)?;
    let n = values.len();
    // The second mean takes out what rounding left in the first one.
    let first = sum::pairwise(values) / n as f64;
    let mean = first + sum::of(values, |x| x - first) / n as f64;
    let squares = sum::of(values, |x| (x - mean) * (x - mean));
    let rest = sum::of(values, |x| x - mean);
    let variance = (n > 1).then(|| ((squares - rest * rest / n as f64) / (n - 1) as f64).max(0.0));
    Ok(Description { n, mean, variance })
}

/// The quantile by linear interpolation between order statistics (Hyndman and Fan, 1996, type 7).
pub fn quantile7(values: &[f64], q: f64) -> Result<f64, StatError> {
    let mut sorted = finite(values)?.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Ok(low + (high - low) * (at - at.floor()))
}
