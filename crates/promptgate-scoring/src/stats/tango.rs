//! Tango's score statistic and interval for a paired difference of proportions ("Equivalence test and confidence interval
//! for the difference in proportions for the paired-sample design", 1998). Unlike Wald's, its variance does not collapse
//! when no pair is discordant, so five identical cases do not prove anything.

use super::dist;

/// Paired 0/1 outcomes as counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pairs {
    /// Baseline failed, candidate passed.
    pub fixed: u64,
    /// Baseline passed, candidate failed.
    pub broken: u64,
    /// All pairs.
    pub n: u64,
}

impl Pairs {
    /// (fixed - broken) / n.
    pub fn estimate(self) -> f64 {
        (self.fixed as f64 - self.broken as f64) / self.n as f64
    }

    /// The score statistic against a true difference of `theta0`; larger speaks for the candidate.
    ///
    /// A radicand below 0 by rounding is 0; a zero variance gives 0 for a zero numerator, else a signed infinity.
    pub fn z(self, theta0: f64) -> f64 {
        let (b, c, n) = (self.fixed as f64, self.broken as f64, self.n as f64);
        let quadratic = 2.0 * n;
        let linear = -b - c + (2.0 * n - b + c) * theta0;
        let constant = -c * theta0 * (1.0 - theta0);
        let root = (linear * linear - 4.0 * quadratic * constant).max(0.0).sqrt();
        let q = (root - linear) / (2.0 * quadratic);
        let variance = n * (2.0 * q + theta0 * (1.0 - theta0));
        let numerator = b - c - n * theta0;
        match numerator {
            _ if variance > 1e-15 => numerator / variance.sqrt(),
            _ if numerator.abs() < 1e-12 => 0.0,
            _ => numerator.signum() * f64::INFINITY,
        }
    }

    /// The interval { theta0 : |z(theta0)| <= z_crit }, by bisection; z falls as theta0 rises.
    pub fn interval(self, z_crit: f64) -> (f64, f64) {
        let estimate = self.estimate();
        let low =
            if self.z(-1.0) <= z_crit { -1.0 } else { dist::bisect(-1.0, estimate, |theta0| self.z(theta0) <= z_crit) };
        let high =
            if self.z(1.0) >= -z_crit { 1.0 } else { dist::bisect(1.0, estimate, |theta0| self.z(theta0) >= -z_crit) };
        (low, high)
    }

    /// One-sided p of "worse by `margin` or more is refuted": P(Z >= z(-margin)).
    pub fn p_noninferior(self, margin: f64) -> f64 {
        dist::normal_sf(self.z(-margin))
    }
}

/// The fewest pairs, none of them discordant, that clear a drop of `margin`: z^2 (1 - m) / m, rounded up.
pub fn fewest_identical(margin: f64, z_crit: f64) -> u64 {
    (z_crit * z_crit * (1.0 - margin) / margin - 1e-9).ceil().max(1.0) as u64
}
