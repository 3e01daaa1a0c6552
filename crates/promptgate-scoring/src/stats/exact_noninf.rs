//! The exact unconditional test that a paired difference exceeds -m (`strict`): tables are ranked by Tango's z at -m, and
//! the nuisance (the share of discordant pairs) is maximised over a grid, as Hsueh, Liu and Chen (2001) do.

use rayon::prelude::*;

use super::dist;
use super::tango::Pairs;

/// The largest probability over the grid of a table at least as favourable as the one seen.
///
/// Grid psi_j = m + (1 - m) j / (grid - 1); cells broken (psi + m)/2 and fixed (psi - m)/2. For each number of broken
/// pairs the smallest number of fixed ones that is as favourable is searched once (z rises with it), so that a grid
/// point costs n binomial tails.
pub fn p_noninferior(seen: Pairs, margin: f64, grid: usize) -> f64 {
    let z_seen = seen.z(-margin) - 1e-10;
    let thresholds = thresholds(seen.n, margin, z_seen);
    let step = (1.0 - margin) / (grid.max(2) - 1) as f64;
    let points: Vec<f64> = (0..grid.max(2)).map(|j| margin + step * j as f64).collect();
    let tails: Vec<f64> = points.par_iter().map(|psi| probability(seen.n, &thresholds, *psi, margin)).collect();
    tails.into_iter().fold(0.0, f64::max).min(1.0)
}

/// For each number of broken pairs, the fewest fixed ones with z >= z_seen; absent where none does.
fn thresholds(n: u64, margin: f64, z_seen: f64) -> Vec<Option<u64>> {
    let reaches = |broken: u64, fixed: u64| Pairs { fixed, broken, n }.z(-margin) >= z_seen;
    (0..=n)
        .map(|broken| {
            let most = n - broken;
            if !reaches(broken, most) {
                return None;
            }
            let (mut low, mut high) = (0, most);
            while low < high {
                let middle = (low + high) / 2;
                if reaches(broken, middle) { high = middle } else { low = middle + 1 }
            }
            Some(low)
        })
        .collect()
}

fn probability(n: u64, thresholds: &[Option<u64>], psi: f64, margin: f64) -> f64 {
    let broken_share = (psi + margin) / 2.0;
    let fixed_share = ((psi - margin) / 2.0).max(0.0);
    // Given the broken ones, each other pair is fixed with this chance.
    let given = if broken_share < 1.0 { (fixed_share / (1.0 - broken_share)).clamp(0.0, 1.0) } else { 0.0 };
    let terms: Vec<f64> = thresholds
        .iter()
        .enumerate()
        .filter_map(|(broken, least)| {
            let (broken, least) = (broken as u64, (*least)?);
            let weight = dist::binomial_pmf(broken, n, broken_share);
            (weight > 1e-18).then(|| weight * dist::binomial_sf(least as i64 - 1, n - broken, given))
        })
        .collect();
    super::sum::pairwise(&terms)
}
