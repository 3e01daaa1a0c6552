//! Bootstrap limits from given replicates: percentile and BCa (Efron 1987). Reported as intervals, never used to pass.

use super::{StatError, describe, dist, finite, sum};

/// The limits and what they are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bca {
    /// Bias correction.
    pub z0: f64,
    /// Acceleration, from the jackknife.
    pub acceleration: f64,
    /// The corrected percentages.
    pub p: (f64, f64),
    /// The BCa limits.
    pub limits: (f64, f64),
    /// The plain percentile limits.
    pub percentile: (f64, f64),
}

/// BCa limits of the mean of `values` from bootstrap `replicates` of it.
pub fn bca(values: &[f64], replicates: &[f64], conf: f64) -> Result<Bca, StatError> {
    let mean = describe::describe(values)?.mean;
    let below = finite(replicates)?.iter().filter(|replicate| **replicate < mean).count() as f64;
    let up_to = replicates.iter().filter(|replicate| **replicate <= mean).count() as f64;
    let z0 = dist::normal_quantile((below + up_to) / 2.0 / replicates.len() as f64);
    let acceleration = acceleration(values, mean);
    let tail = (1.0 - conf) / 2.0;
    let corrected = |p: f64| {
        let shifted = z0 + dist::normal_quantile(p);
        dist::normal_cdf(z0 + shifted / (1.0 - acceleration * shifted))
    };
    let p = (corrected(tail), corrected(1.0 - tail));
    let at = |p: f64| describe::quantile7(replicates, p);
    Ok(Bca { z0, acceleration, p, limits: (at(p.0)?, at(p.1)?), percentile: (at(tail)?, at(1.0 - tail)?) })
}

/// sum d^3 / (6 (sum d^2)^1.5) over the jackknife means' distances from their mean.
fn acceleration(values: &[f64], mean: f64) -> f64 {
    let scale = (values.len() as f64 - 1.0).max(1.0);
    let cubes = sum::of(values, |value| ((value - mean) / scale).powi(3));
    let squares = sum::of(values, |value| ((value - mean) / scale).powi(2));
    if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 }
}
