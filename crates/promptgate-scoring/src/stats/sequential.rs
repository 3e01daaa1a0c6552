//! Looking more than once (gate.md, 6.1): the levels of planned looks, and e-values on independent units, which are cases
//! or clusters of them. Natural logarithms; no unit is 0.

use super::{dist, e_value, looks};

/// Stakes of the mixture against "no drop".
pub const STAKES_WORSE: [f64; 10] = [0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8, 0.95];

/// Stakes of the mixture against "a drop of the allowed size".
pub const STAKES_NOT_WORSE: [f64; 6] = [0.1, 0.2, 0.35, 0.5, 0.7, 0.9];

/// The nominal one-sided level 1 - Phi(z_k) of each of some planned looks that together spend `alpha`.
pub fn look_alphas(looks: usize, alpha: f64) -> Vec<f64> {
    looks::obrien_fleming(looks, alpha).1.into_iter().map(dist::normal_sf).collect()
}

/// How an error rate is split between e-values while running and the fixed tests on the complete plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// For the e-values.
    pub running: f64,
    /// For the tests at the end.
    pub complete: f64,
}

/// Two fifths for the e-values, three for the tests at the end: the union bound keeps the promise and most of the power.
pub fn split(alpha: f64) -> Split {
    Split { running: 0.4 * alpha, complete: 0.6 * alpha }
}

/// An independent unit: a case, or a cluster of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// The sum of its cases' differences.
    pub total: f64,
    /// Its cases.
    pub size: u64,
}

/// The units of some differences, `keys[i]` naming the unit of `differences[i]`, in order of their keys.
pub fn units<K: Ord + Copy>(differences: &[f64], keys: &[K]) -> Vec<Unit> {
    let mut keyed: Vec<(K, f64)> = keys.iter().copied().zip(differences.iter().copied()).collect();
    keyed.sort_by_key(|(key, _)| *key);
    let unit = |group: &[(K, f64)]| Unit {
        total: group.iter().map(|(_, difference)| difference).sum(),
        size: group.len() as u64,
    };
    keyed.chunk_by(|(one, _), (other, _)| one == other).map(unit).collect()
}

/// log E against "no drop": the mean over stakes l of prod(1 - l T / (M L)), with T the total of a unit, M the size of the
/// largest one (known before the first look) and L the length of the score range.
pub fn log_e_worse(units: &[Unit], largest: u64, range: f64) -> f64 {
    let scale = largest.max(1) as f64 * range;
    e_value::log_mean_of_products(&STAKES_WORSE, units, |stake, unit| -stake * unit.total / scale)
}

/// log E against "a drop of m": the mean over stakes l of prod(1 + l/(1-m) (T/L + m n) / M), with n the size of a unit and
/// m in units of the range.
pub fn log_e_not_worse(units: &[Unit], largest: u64, margin: f64, range: f64) -> f64 {
    let margin = margin / range;
    let scale = largest.max(1) as f64 * (1.0 - margin);
    e_value::log_mean_of_products(&STAKES_NOT_WORSE, units, |stake, unit| {
        stake * (unit.total / range + margin * unit.size as f64) / scale
    })
}

/// The differences that neither e-value excludes at `alpha` each way, at any time: the interval that goes with them.
pub fn interval(units: &[Unit], largest: u64, range: f64, alpha: f64) -> (f64, f64) {
    let mirrored: Vec<Unit> = units.iter().map(|unit| Unit { total: -unit.total, ..*unit }).collect();
    (lower(units, largest, range, alpha), -lower(&mirrored, largest, range, alpha))
}

/// The largest lower bound that the evidence excludes: E against "a drop of m" grows with m.
fn lower(units: &[Unit], largest: u64, range: f64, alpha: f64) -> f64 {
    let excluded = |margin: f64| log_e_not_worse(units, largest, margin, range) >= -alpha.ln();
    // A drop of nearly the whole range is the largest there is; a "drop" below 0 is a gain.
    let (least, most) = (-range * 0.999, range * 0.999);
    if !excluded(most) { -range } else { -dist::bisect(least, most, excluded) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singles(differences: &[f64]) -> Vec<Unit> {
        units(differences, &(0..differences.len()).collect::<Vec<_>>())
    }

    #[test]
    fn single_cases_are_clusters_of_one() {
        let differences = [0.2, -0.5, 0.0, 1.0, -1.0, 0.3];
        let worse = e_value::log_e_mixture_worse(&differences, &STAKES_WORSE);
        assert!((log_e_worse(&singles(&differences), 1, 1.0) - worse).abs() < 1e-12);
        let not = e_value::log_e_mixture_noninferior(&differences, 0.05, &STAKES_NOT_WORSE);
        assert!((log_e_not_worse(&singles(&differences), 1, 0.05, 1.0) - not).abs() < 1e-12);
    }

    #[test]
    fn a_cluster_bets_no_more_than_its_size_allows() {
        let clusters = units(&[-1.0, -1.0, -1.0], &[4, 4, 4]);
        assert_eq!(clusters, [Unit { total: -3.0, size: 3 }]);
        assert!((log_e_worse(&clusters, 3, 1.0) - log_e_worse(&singles(&[-1.0]), 1, 1.0)).abs() < 1e-12);
        assert!(log_e_not_worse(&clusters, 3, 0.05, 1.0).is_finite());
    }

    #[test]
    fn the_interval_excludes_just_what_the_evidence_does() {
        let units = singles(&[vec![0.0; 95], vec![1.0; 5]].concat());
        let (low, high) = interval(&units, 1, 1.0, 0.02);
        assert!(low < 0.05 && high > 0.05, "{low} {high}");
        let clears = |margin: f64| log_e_not_worse(&units, 1, margin, 1.0) >= -0.02_f64.ln();
        assert!(clears(-low + 1e-9) && !clears(-low - 1e-6));
    }

    #[test]
    fn nothing_seen_excludes_nothing() {
        assert_eq!(interval(&[], 1, 1.0, 0.05), (-1.0, 1.0));
        assert_eq!(log_e_worse(&[], 1, 1.0), 0.0);
    }
}
