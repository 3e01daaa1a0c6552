//! When two JSON numbers are the same: by value, whole numbers exactly, also beyond what a double can hold. Selections and
//! assertions share the rule.

use serde_json::Number;

/// Whether two numbers are the same: `1` is `1.0`, and no number is the double that only comes near it.
pub fn same_number(left: &Number, right: &Number) -> bool {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left == right,
        (None, None) => left.as_f64() == right.as_f64(),
        _ => false,
    }
}

/// The number as an integer, if it is one.
pub fn whole(number: &Number) -> Option<i128> {
    let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    exact.or_else(|| {
        number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < 1e38).map(|value| value as i128)
    })
}
