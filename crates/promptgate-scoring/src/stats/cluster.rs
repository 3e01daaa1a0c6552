//! Means of values that come in clusters: the cluster-robust standard error of Liang and Zeger (1986) with the factor
//! G/(G-1) (CR1) and t with G - 1 degrees of freedom, and the totals that the cluster sign flip turns.

use super::{StatError, describe, dist, finite, sum};

/// A mean over clusters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteredMean {
    /// Values.
    pub n: usize,
    /// Clusters.
    pub clusters: usize,
    /// The mean over values.
    pub mean: f64,
    /// The standard error as if values were independent; absent for one value.
    pub se_iid: Option<f64>,
    /// sqrt(sum of squared cluster totals of residuals) / n; absent with one cluster.
    pub se_cr0: Option<f64>,
    /// The same times sqrt(G/(G-1)).
    pub se_cr1: Option<f64>,
}

impl ClusteredMean {
    /// mean -/+ t_{1-alpha, G-1} * CR1, each end one-sided at `alpha`; absent with one cluster.
    pub fn bounds(&self, alpha: f64) -> Option<(f64, f64)> {
        let half = dist::t_quantile(1.0 - alpha, (self.clusters - 1).max(1) as f64) * self.se_cr1?;
        Some((self.mean - half, self.mean + half))
    }
}

/// The clustered mean of values, `clusters[i]` naming the cluster of `values[i]`.
pub fn clustered_mean<K: Ord + Copy>(values: &[f64], clusters: &[K]) -> Result<ClusteredMean, StatError> {
    let plain = describe::describe(finite(values)?)?;
    let residuals: Vec<f64> = values.iter().map(|value| value - plain.mean).collect();
    let totals = totals(&residuals, clusters);
    let count = totals.len();
    let se_cr0 = (count > 1).then(|| sum::of(&totals, |total| total * total).sqrt() / plain.n as f64);
    let se_cr1 = se_cr0.map(|se| se * (count as f64 / (count - 1) as f64).sqrt());
    Ok(ClusteredMean { n: plain.n, clusters: count, mean: plain.mean, se_iid: plain.se(), se_cr0, se_cr1 })
}

/// The totals of the clusters, in order of their keys; within a cluster values are summed in the order given.
pub fn totals<K: Ord + Copy>(values: &[f64], clusters: &[K]) -> Vec<f64> {
    let mut keyed: Vec<(K, f64)> = clusters.iter().copied().zip(values.iter().copied()).collect();
    keyed.sort_by_key(|(cluster, _)| *cluster);
    let total = |group: &[(K, f64)]| sum::pairwise(&group.iter().map(|(_, value)| *value).collect::<Vec<_>>());
    keyed.chunk_by(|(one, _), (other, _)| one == other).map(total).collect()
}
