//! How many cases it takes: sample sizes and smallest detectable drops for paired designs. Rounded up by the caller.

use super::dist;

/// (z_{1-alpha} + z_{power})^2.
pub fn z_sum_squared(alpha: f64, power: f64) -> f64 {
    (dist::normal_quantile(1.0 - alpha) + dist::normal_quantile(power)).powi(2)
}

/// Pairs that clear a drop of `margin` with the given power when there is no drop: (z_a + z_b)^2 v / m^2, where v is the
/// variance of one difference (for 0/1 outcomes the share of discordant pairs).
pub fn certify(variance: f64, margin: f64, alpha: f64, power: f64) -> f64 {
    z_sum_squared(alpha, power) * variance / (margin * margin)
}

/// Pairs that find a drop of `drop` in 0/1 outcomes: (z_a sqrt(psi) + z_b sqrt(psi - D^2))^2 / D^2.
pub fn detect_binary(discordant: f64, drop: f64, alpha: f64, power: f64) -> f64 {
    let (z_a, z_b) = (dist::normal_quantile(1.0 - alpha), dist::normal_quantile(power));
    let spread = z_a * discordant.sqrt() + z_b * (discordant - drop * drop).max(0.0).sqrt();
    spread * spread / (drop * drop)
}

/// The smallest mean drop that n pairs find: (z_a + z_b) sd / sqrt(n).
pub fn smallest_drop(sd: f64, n: u64, alpha: f64, power: f64) -> f64 {
    z_sum_squared(alpha, power).sqrt() * sd / (n as f64).sqrt()
}

/// Rounds a planned size up, forgiving the last digits of a double.
pub fn round_up(n: f64) -> u64 {
    (n - 1e-9).ceil().max(0.0) as u64
}
