//! Bootstrap limits: percentile and BCa (Efron 1987) from given replicates, and of the ratio of two quantiles by resampled
//! pairs. Reported as intervals, never used to pass.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

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

/// candidate / baseline at a quantile, as a ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileRatio {
    /// Of the pairs as they are.
    pub ratio: f64,
    /// The percentile limits.
    pub limits: (f64, f64),
}

/// The ratio of the sides' quantiles q, with percentile limits at `alpha` each way over resampled pairs. Replicate b draws
/// from the ChaCha8 stream number b of the seed.
///
/// # Errors
///
/// `no_data` without pairs, `non_positive` for an amount of 0 or less.
pub fn quantile_ratio(
    baseline: &[f64],
    candidate: &[f64],
    q: f64,
    alpha: f64,
    (seed, replicates): (u64, u32),
) -> Result<QuantileRatio, StatError> {
    super::log_ratio::log_ratios(baseline, candidate)?;
    let n = baseline.len();
    let ratio = describe::quantile7(candidate, q)? / describe::quantile7(baseline, q)?;
    let key = ChaCha8Rng::seed_from_u64(seed);
    let drawn = |replicate: u32| -> Result<f64, StatError> {
        let mut rng = key.clone();
        rng.set_stream(u64::from(replicate));
        let picks: Vec<usize> = (0..n).map(|_| ((u64::from(rng.next_u32()) * n as u64) >> 32) as usize).collect();
        let of = |side: &[f64]| describe::quantile7(&picks.iter().map(|at| side[*at]).collect::<Vec<_>>(), q);
        Ok(of(candidate)? / of(baseline)?)
    };
    let ratios = (1..=replicates).into_par_iter().map(drawn).collect::<Result<Vec<f64>, StatError>>()?;
    let limits = (describe::quantile7(&ratios, alpha)?, describe::quantile7(&ratios, 1.0 - alpha)?);
    Ok(QuantileRatio { ratio, limits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_tail_of_a_side_that_is_a_fifth_slower_is_a_fifth_longer() {
        let baseline: Vec<f64> = (0..400).map(|at| 100.0 + f64::from(at * 37 % 400)).collect();
        let candidate: Vec<f64> = baseline.iter().map(|latency| latency * 1.2).collect();
        let found = quantile_ratio(&baseline, &candidate, 0.95, 0.05, (7, 999)).unwrap();
        assert!((found.ratio - 1.2).abs() < 1e-9 && (found.limits.0 - 1.2).abs() < 1e-9, "{found:?}");
        let mixed: Vec<f64> = candidate.iter().rev().copied().collect();
        let found = quantile_ratio(&baseline, &mixed, 0.95, 0.05, (7, 999)).unwrap();
        assert!(found.limits.0 < 1.2 && found.limits.1 > 1.2, "{found:?}");
        assert_eq!(quantile_ratio(&[0.0], &[1.0], 0.5, 0.05, (7, 9)), Err(StatError::NonPositive));
    }
}
