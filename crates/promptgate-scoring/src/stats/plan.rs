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

/// Pairs (a real number) that find a mean drop of `drop` by the one-sided paired t test: solved on the noncentral t.
pub fn detect_mean_t(sd: f64, drop: f64, alpha: f64, power: f64) -> f64 {
    let effect = drop / sd;
    let reached = |n: f64| {
        let critical = dist::t_quantile(1.0 - alpha, n - 1.0);
        dist::noncentral_t_sf(critical, n - 1.0, effect * n.sqrt())
    };
    let mut high = 4.0;
    while reached(high) < power {
        high *= 2.0;
    }
    let mut low: f64 = 2.0;
    while high - low > 1e-7 * high {
        let middle = 0.5 * (low + high);
        if reached(middle) >= power { high = middle } else { low = middle }
    }
    high
}

/// The variance of one difference with k trials a side: between + (w_baseline + w_candidate) / k.
pub fn variance_with_trials(between: f64, within_baseline: f64, within_candidate: f64, trials: f64) -> f64 {
    between + (within_baseline + within_candidate) / trials
}
