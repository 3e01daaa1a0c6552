//! Wilcoxon's signed rank test (1945; zeros after Pratt 1959). It asks about symmetry, which is another question than the
//! gate's, so it stays out of it.

use super::{StatError, dist, finite};

/// What happens to differences of 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zeros {
    /// They are dropped before ranking (Wilcoxon).
    Dropped,
    /// They are ranked and then dropped (Pratt).
    Ranked,
}

/// The positive rank sum with its p-values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Sum of the ranks of positive differences.
    pub w_plus: f64,
    /// One-sided p of "worse"; absent when every difference is 0.
    pub p_worse: Option<f64>,
    /// Two-sided p.
    pub p_two: Option<f64>,
}

/// The test; `exact` enumerates, else the normal approximation with tie correction is used.
pub fn signed_rank(differences: &[f64], zeros: Zeros, exact: bool, correction: bool) -> Result<SignedRank, StatError> {
    let differences = finite(differences)?;
    let kept: Vec<f64> = match zeros {
        Zeros::Dropped => differences.iter().copied().filter(|difference| *difference != 0.0).collect(),
        Zeros::Ranked => differences.to_vec(),
    };
    let ranks = ranks(&kept);
    let moved: Vec<(f64, f64)> = kept.iter().copied().zip(ranks).filter(|(difference, _)| *difference != 0.0).collect();
    let w_plus = moved.iter().filter(|(difference, _)| *difference > 0.0).map(|(_, rank)| rank).sum();
    let tails = if exact { by_counting(&moved, w_plus) } else { by_normal(&moved, kept.len(), w_plus, correction) };
    let (p_worse, p_better) = tails.unzip();
    let p_two = p_worse.zip(p_better).map(|(worse, better)| (2.0 * worse.min(better)).min(1.0));
    Ok(SignedRank { w_plus, p_worse, p_two })
}

/// Average ranks of the absolute values.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|left, right| values[*left].abs().total_cmp(&values[*right].abs()));
    let mut ranks = vec![0.0; values.len()];
    for group in order.chunk_by(|left, right| values[*left].abs() == values[*right].abs()) {
        let first = order.iter().position(|at| *at == group[0]).unwrap_or_default();
        let rank = first as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|at| ranks[*at] = rank);
    }
    ranks
}

/// P(W <= w) and P(W >= w) over all signs, by convolving the doubled ranks (whole numbers even with ties).
fn by_counting(moved: &[(f64, f64)], w_plus: f64) -> Option<(f64, f64)> {
    let doubled: Vec<usize> = moved.iter().map(|(_, rank)| (2.0 * rank).round() as usize).collect();
    let mut chances = vec![0.0; doubled.iter().sum::<usize>() + 1];
    chances[0] = 1.0;
    for rank in &doubled {
        for sum in (0..chances.len()).rev() {
            chances[sum] = 0.5 * (chances[sum] + if sum >= *rank { chances[sum - rank] } else { 0.0 });
        }
    }
    let seen = (2.0 * w_plus).round() as usize;
    (!moved.is_empty()).then(|| (chances[..=seen].iter().sum(), chances[seen..].iter().sum()))
}

fn by_normal(moved: &[(f64, f64)], ranked: usize, w_plus: f64, correction: bool) -> Option<(f64, f64)> {
    let (n, zeros) = (ranked as f64, (ranked - moved.len()) as f64);
    let mean = (n * (n + 1.0) - zeros * (zeros + 1.0)) / 4.0;
    let squares = |n: f64| n * (n + 1.0) * (2.0 * n + 1.0) / 24.0;
    let mut sorted: Vec<f64> = moved.iter().map(|(_, rank)| *rank).collect();
    sorted.sort_by(f64::total_cmp);
    let ties: f64 = sorted
        .chunk_by(|left, right| left == right)
        .map(|group| (group.len() as f64).powi(3) - group.len() as f64)
        .sum();
    let variance = squares(n) - squares(zeros) - ties / 48.0;
    let gap = w_plus - mean;
    let shift = if correction { 0.5 * gap.signum() } else { 0.0 };
    (variance > 0.0).then(|| {
        let z = (gap - shift) / variance.sqrt();
        (dist::normal_cdf(z), dist::normal_sf(z))
    })
}
