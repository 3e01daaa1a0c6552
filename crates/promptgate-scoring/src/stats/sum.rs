//! Sums whose error does not grow with the length: nothing that is compared with a threshold is summed naively.

/// The sum by halves (error grows with log n).
pub fn pairwise(values: &[f64]) -> f64 {
    if values.len() <= 16 {
        return values.iter().sum();
    }
    let (left, right) = values.split_at(values.len() / 2);
    pairwise(left) + pairwise(right)
}

/// The mean; absent for no values.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() { None } else { Some(pairwise(values) / values.len() as f64) }
}

/// The sum of `f` over the values, by halves.
pub fn of(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    pairwise(&values.iter().map(|value| f(*value)).collect::<Vec<_>>())
}

/// The sum of what each item contributes.
pub fn over<T>(items: &[T], term: impl Fn(&T) -> f64) -> f64 {
    pairwise(&items.iter().map(term).collect::<Vec<_>>())
}
