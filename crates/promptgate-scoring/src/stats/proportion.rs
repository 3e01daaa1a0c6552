//! Intervals for one pass rate: Wilson (1927), Clopper and Pearson (1934), Jeffreys.

use super::{StatError, dist};

fn checked(n: u64) -> Result<f64, StatError> {
    if n == 0 { Err(StatError::NoData) } else { Ok(n as f64) }
}

/// Wilson's score interval: (p + z^2/2n -/+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). `conf` is two-sided.
pub fn wilson(passed: u64, n: u64, conf: f64) -> Result<(f64, f64), StatError> {
    let size = checked(n)?;
    let z = dist::normal_quantile(0.5 + conf / 2.0);
    let p = passed as f64 / size;
    let centre = p + z * z / (2.0 * size);
    let half = z * (p * (1.0 - p) / size + z * z / (4.0 * size * size)).sqrt();
    let scale = 1.0 + z * z / size;
    let low = if passed == 0 { 0.0 } else { (centre - half) / scale };
    let high = if passed == n { 1.0 } else { (centre + half) / scale };
    Ok((low, high))
}

/// Clopper and Pearson's exact interval by beta quantiles.
pub fn clopper_pearson(passed: u64, n: u64, conf: f64) -> Result<(f64, f64), StatError> {
    let size = checked(n)?;
    let (x, tail) = (passed as f64, (1.0 - conf) / 2.0);
    let low = if passed == 0 { 0.0 } else { dist::beta_quantile(tail, x, size - x + 1.0) };
    let high = if passed == n { 1.0 } else { 1.0 - dist::beta_quantile(tail, size - x, x + 1.0) };
    Ok((low, high))
}

/// The equal-tailed interval of Beta(x + 1/2, n - x + 1/2), with 0 and 1 where nothing or everything passed.
pub fn jeffreys(passed: u64, n: u64, conf: f64) -> Result<(f64, f64), StatError> {
    let size = checked(n)?;
    let (a, b, tail) = (passed as f64 + 0.5, size - passed as f64 + 0.5, (1.0 - conf) / 2.0);
    let low = if passed == 0 { 0.0 } else { dist::beta_quantile(tail, a, b) };
    let high = if passed == n { 1.0 } else { 1.0 - dist::beta_quantile(tail, b, a) };
    Ok((low, high))
}
