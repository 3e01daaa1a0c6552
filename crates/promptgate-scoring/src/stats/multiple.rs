//! Several tests at once: Bonferroni, Holm (1979), Benjamini and Hochberg (1995), Benjamini and Yekutieli (2001). Adjusted
//! p-values, in the order given.

/// min(1, K p).
pub fn bonferroni(p: &[f64]) -> Vec<f64> {
    p.iter().map(|each| (each * p.len() as f64).min(1.0)).collect()
}

/// Holm: the running maximum of min(1, (K - i + 1) p_(i)) from the smallest on.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut running: f64 = 0.0;
    for (rank, at) in order(p).into_iter().enumerate() {
        running = running.max(((p.len() - rank) as f64 * p[at]).min(1.0));
        adjusted[at] = running;
    }
    adjusted
}

/// Benjamini-Hochberg: the running minimum of min(1, K p_(i) / i) from the largest on.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    step_up(p, 1.0)
}

/// Benjamini-Yekutieli: the same times the harmonic sum, for any dependence.
pub fn benjamini_yekutieli(p: &[f64]) -> Vec<f64> {
    step_up(p, (1..=p.len()).map(|i| 1.0 / i as f64).sum())
}

fn step_up(p: &[f64], factor: f64) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut running: f64 = 1.0;
    for (rank, at) in order(p).into_iter().enumerate().rev() {
        running = running.min(factor * p.len() as f64 / (rank + 1) as f64 * p[at]);
        adjusted[at] = running;
    }
    adjusted
}

fn order(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|left, right| p[*left].total_cmp(&p[*right]));
    order
}
