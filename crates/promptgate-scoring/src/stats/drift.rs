//! Drift in production, as hints: population stability with a threshold that knows the sample size, the two-sample
//! Kolmogorov-Smirnov test, CUSUM (Page 1954) and Page-Hinkley.

use super::{StatError, dist, finite};

/// PSI = sum (p - q) ln(p/q) over bins with `add` counts added to each, and its p: PSI / (1/n + 1/m) is about chi-square
/// with bins - 1 degrees of freedom (n and m count before the addition).
pub fn psi(expected: &[f64], actual: &[f64], add: f64) -> Result<(f64, f64), StatError> {
    finite(expected)?;
    finite(actual)?;
    let (n, m): (f64, f64) = (expected.iter().sum(), actual.iter().sum());
    if n <= 0.0 || m <= 0.0 || expected.len() != actual.len() {
        return Err(StatError::NoData);
    }
    let more = add * expected.len() as f64;
    let shares = |counts: &[f64], total: f64| -> Vec<f64> {
        counts.iter().map(|count| (count + add) / (total + more)).collect()
    };
    let (before, after) = (shares(expected, n), shares(actual, m));
    let psi: f64 = before.iter().zip(&after).map(|(p, q)| (p - q) * (p / q).ln()).sum();
    Ok((psi, dist::chi2_sf(psi / (1.0 / n + 1.0 / m), expected.len() as f64 - 1.0)))
}

/// A two-sample Kolmogorov-Smirnov test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// The largest distance of the two distribution functions.
    pub d: f64,
    /// Exact two-sided p.
    pub p_exact: f64,
    /// The p of a one-sample test on nm/(n+m) points, rounded.
    pub p_asymptotic: f64,
}

/// The test. The exact p counts lattice paths that stay inside the distance (Hodges 1958).
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> Result<KolmogorovSmirnov, StatError> {
    let (mut one, mut other) = (finite(a)?.to_vec(), finite(b)?.to_vec());
    one.sort_by(f64::total_cmp);
    other.sort_by(f64::total_cmp);
    let (n, m) = (one.len() as i64, other.len() as i64);
    let apart = |x: &f64| {
        let below = |sorted: &[f64]| sorted.partition_point(|value| value <= x) as i64;
        (below(&one) * m - below(&other) * n).abs()
    };
    let most = one.iter().chain(&other).map(apart).max().unwrap_or(0);
    let d = most as f64 / (n * m) as f64;
    let points = ((n * m) as f64 / (n + m) as f64).round().max(1.0);
    Ok(KolmogorovSmirnov { d, p_exact: 1.0 - inside(n, m, most), p_asymptotic: one_sample_sf(d, points as usize) })
}

/// The share of lattice paths from (0, 0) to (n, m) on which |i m - j n| stays below `limit`.
fn inside(n: i64, m: i64, limit: i64) -> f64 {
    let within = |i: i64, j: i64| (i * m - j * n).abs() < limit;
    let mut row = vec![0.0; m as usize + 1];
    for i in 0..=n {
        for j in 0..=m {
            let at = j as usize;
            let (from_left, from_below) = (if j > 0 { row[at - 1] } else { 0.0 }, row[at]);
            row[at] = match (i, j) {
                _ if !within(i, j) => 0.0,
                (0, 0) => 1.0,
                _ => (i as f64 * from_below + j as f64 * from_left) / (i + j) as f64,
            };
        }
    }
    row[m as usize]
}

/// P(D_n >= d) for one sample of n points, by the matrix power of Marsaglia, Tsang and Wang (2003); beyond 1,000 points by
/// Kolmogorov's limit.
fn one_sample_sf(d: f64, n: usize) -> f64 {
    if n > 1_000 {
        let scaled = 2.0 * n as f64 * d * d;
        let terms = (1..=100).map(|k: i32| f64::from(1 - 2 * ((k + 1) % 2)) * (-scaled * f64::from(k * k)).exp());
        return (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0);
    }
    let k = (n as f64 * d).floor() as usize + 1;
    let size = 2 * k - 1;
    let h = k as f64 - n as f64 * d;
    let mut matrix = vec![vec![0.0; size]; size];
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            *cell = if i + 1 >= j { 1.0 } else { 0.0 };
        }
    }
    for (i, row) in matrix.iter_mut().enumerate() {
        row[0] -= h.powi(i as i32 + 1);
    }
    for (i, cell) in matrix[size - 1].iter_mut().enumerate() {
        *cell -= h.powi((size - i) as i32);
    }
    matrix[size - 1][0] += if 2.0 * h > 1.0 { (2.0 * h - 1.0).powi(size as i32) } else { 0.0 };
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate().take(i + 2) {
            *cell /= (1..=(i + 1).saturating_sub(j)).map(|g| g as f64).product::<f64>();
        }
    }
    // n! / n^n is folded into the steps, so nothing overflows.
    let mut row: Vec<f64> = matrix[k - 1].iter().map(|value| value / n as f64).collect();
    for step in 2..=n {
        let next = |j: usize| row.iter().zip(&matrix).map(|(value, from)| value * from[j]).sum::<f64>();
        row = (0..size).map(|j| next(j) * step as f64 / n as f64).collect();
    }
    (1.0 - row[k - 1]).clamp(0.0, 1.0)
}

/// A chart of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Cusum {
    /// Upper sums.
    pub high: Vec<f64>,
    /// Lower sums.
    pub low: Vec<f64>,
    /// The first point, from 0, at which a sum exceeds h.
    pub alarm: Option<usize>,
}

/// hi = max(0, hi + x - target - k), lo = max(0, lo + target - x - k), alarm above h.
pub fn cusum(values: &[f64], target: f64, k: f64, h: f64) -> Cusum {
    let (mut high, mut low) = (Vec::new(), Vec::new());
    let (mut up, mut down): (f64, f64) = (0.0, 0.0);
    for x in values {
        up = (up + x - target - k).max(0.0);
        down = (down + target - x - k).max(0.0);
        high.push(up);
        low.push(down);
    }
    let alarm = high.iter().zip(&low).position(|(up, down)| *up > h || *down > h);
    Cusum { high, low, alarm }
}

/// Page-Hinkley for drops: the running mean includes the current point, M += x - mean + delta, the statistic is
/// max(0, M_1..M_t) - M_t; alarm above the threshold.
pub fn page_hinkley_drop(values: &[f64], delta: f64, threshold: f64) -> (Vec<f64>, Option<usize>) {
    let (mut mean, mut walk, mut most) = (0.0, 0.0, 0.0_f64);
    let mut statistics = Vec::new();
    for (at, x) in values.iter().enumerate() {
        mean += (x - mean) / (at + 1) as f64;
        walk += x - mean + delta;
        most = most.max(walk);
        statistics.push(most - walk);
    }
    let alarm = statistics.iter().position(|statistic| *statistic > threshold);
    (statistics, alarm)
}
