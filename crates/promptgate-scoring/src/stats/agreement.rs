//! Agreement of raters: Cohen's kappa (1960; weighted 1968) for two, Krippendorff's alpha for more or with gaps.

use super::{StatError, finite, sum};

/// Weights of disagreement between ordered categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// Any disagreement counts 1.
    None,
    /// The distance.
    Linear,
    /// Its square.
    Quadratic,
}

/// Kappa and the raw agreement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kappa {
    /// Absent where both raters are constant: there is no disagreement by chance to compare with.
    pub kappa: Option<f64>,
    /// The share of equal ratings.
    pub agreement: f64,
}

/// Cohen's kappa: 1 - weighted disagreement seen / expected by chance.
pub fn cohen_kappa(a: &[usize], b: &[usize], categories: usize, weights: Weights) -> Result<Kappa, StatError> {
    let n = a.len() as f64;
    if a.is_empty() || a.len() != b.len() {
        return Err(StatError::NoData);
    }
    if a.iter().chain(b).any(|rating| *rating >= categories) {
        return Err(StatError::InvalidScore);
    }
    let weight = |one: usize, other: usize| match weights {
        Weights::None => f64::from(u8::from(one != other)),
        Weights::Linear => one.abs_diff(other) as f64,
        Weights::Quadratic => (one.abs_diff(other) as f64).powi(2),
    };
    let share =
        |ratings: &[usize], category: usize| ratings.iter().filter(|rating| **rating == category).count() as f64 / n;
    let seen = a.iter().zip(b).map(|(one, other)| weight(*one, *other)).sum::<f64>() / n;
    let mut expected = 0.0;
    for one in 0..categories {
        for other in 0..categories {
            expected += weight(one, other) * share(a, one) * share(b, other);
        }
    }
    let agreement = a.iter().zip(b).filter(|(one, other)| one == other).count() as f64 / n;
    Ok(Kappa { kappa: (expected > 0.0).then(|| 1.0 - seen / expected), agreement })
}

/// Cohen's kappa of numbers, weighted by the squares of their distances: 1 - mean (a - b)^2 / (var a + var b + (mean a -
/// mean b)^2), population variances, the lower line being the squared distance of a rating by one from any by the other. Of
/// equidistant categories it is [`cohen_kappa`] with quadratic weights (Fleiss and Cohen 1973); which of them occur does not
/// matter. Absent where both raters are constant.
pub fn quadratic_kappa(a: &[f64], b: &[f64]) -> Result<Option<f64>, StatError> {
    if a.is_empty() || a.len() != b.len() {
        return Err(StatError::NoData);
    }
    let n = a.len() as f64;
    let mean = |values: &[f64]| sum::pairwise(values) / n;
    let (mean_a, mean_b) = (mean(finite(a)?), mean(finite(b)?));
    let variance = |values: &[f64], mean: f64| sum::of(values, |x| (x - mean).powi(2)) / n;
    let gaps: Vec<f64> = a.iter().zip(b).map(|(one, other)| one - other).collect();
    let seen = sum::of(&gaps, |gap| gap * gap) / n;
    let expected = variance(a, mean_a) + variance(b, mean_b) + (mean_a - mean_b).powi(2);
    Ok((expected > 1e-12).then(|| 1.0 - seen / expected))
}

/// The scale of ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Names.
    Nominal,
    /// Ranks.
    Ordinal,
    /// Distances.
    Interval,
}

/// Krippendorff's alpha; rows are raters, columns units, `None` a gap. Absent where no two values differ.
pub fn krippendorff(ratings: &[Vec<Option<f64>>], level: Level) -> Result<Option<f64>, StatError> {
    let mut values: Vec<f64> = ratings.iter().flatten().flatten().copied().collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let counts = coincidences(ratings, &values);
    let totals: Vec<f64> = counts.iter().map(|row| row.iter().sum()).collect();
    let n: f64 = totals.iter().sum();
    if n < 2.0 {
        return Err(StatError::NoData);
    }
    let (mut seen, mut expected) = (0.0, 0.0);
    for one in 0..values.len() {
        for other in 0..values.len() {
            let distance = distance(level, &values, &totals, one, other);
            seen += counts[one][other] * distance;
            expected += totals[one] * totals[other] * distance / (n - 1.0);
        }
    }
    Ok((expected > 0.0).then(|| 1.0 - seen / expected))
}

/// How often each pair of values meets in a unit, each unit weighted by one over its ratings less one.
fn coincidences(ratings: &[Vec<Option<f64>>], values: &[f64]) -> Vec<Vec<f64>> {
    let mut counts = vec![vec![0.0; values.len()]; values.len()];
    let units = ratings.iter().map(Vec::len).max().unwrap_or(0);
    let place = |value: f64| values.iter().position(|each| *each == value).unwrap_or(0);
    for unit in 0..units {
        let given: Vec<usize> = ratings.iter().filter_map(|row| row.get(unit).copied().flatten()).map(place).collect();
        for (at, one) in given.iter().enumerate() {
            for (_, other) in given.iter().enumerate().filter(|(other, _)| *other != at) {
                counts[*one][*other] += 1.0 / (given.len() - 1) as f64;
            }
        }
    }
    counts
}

fn distance(level: Level, values: &[f64], totals: &[f64], one: usize, other: usize) -> f64 {
    let (low, high) = (one.min(other), one.max(other));
    match level {
        _ if low == high => 0.0,
        Level::Nominal => 1.0,
        Level::Interval => (values[high] - values[low]).powi(2),
        Level::Ordinal => (totals[low..=high].iter().sum::<f64>() - (totals[low] + totals[high]) / 2.0).powi(2),
    }
}
