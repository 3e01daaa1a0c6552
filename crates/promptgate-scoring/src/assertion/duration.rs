//! Times as suites write them.

/// Reads `800ms`, `4s`, `1.5m`.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let factor = match &text[unit_at..] {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        _ => return None,
    };
    let value = text[..unit_at].trim_end().parse::<f64>().ok()? * factor;
    (value.is_finite() && value >= 1.0).then_some(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_are_above_zero() {
        assert_eq!(milliseconds("800ms"), Some(800));
        assert_eq!(milliseconds("1.5 s"), Some(1500));
        assert_eq!(milliseconds("2m"), Some(120_000));
        for text in ["", "4", "s", "-1s", "0s", "NaNs", "infs", "1h", "1e400s"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
