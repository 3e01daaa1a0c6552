//! Amounts with their unit: points, percent, durations.

use std::time::Duration;

use super::node::Kind;
use super::table::Fields;

/// Reads `500ms`, `60s`, `5m`, `2h` or `14d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let fail = || format!("`{text}` is not a duration");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let count: u64 = text[..digits].parse().map_err(|_| fail())?;
    let millis: u64 = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(fail()),
    };
    count.checked_mul(millis).map(Duration::from_millis).ok_or_else(|| format!("`{text}` is too long"))
}

pub(crate) const DURATION: &str = "write a number with its unit: \"500ms\", \"60s\", \"5m\", \"2h\" or \"14d\"";

/// A duration above 0 and at most `longest`.
pub(crate) fn duration_of(fields: &Fields<'_, '_, '_>, key: &'static str, longest: Duration) -> Option<Duration> {
    fields.parsed(key, DURATION, |text| match duration(text)? {
        Duration::ZERO => Err(format!("`{text}` is no time at all")),
        length if length > longest => Err(format!("`{text}` is too long")),
        length => Ok(length),
    })
}

/// An amount as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Amount {
    /// A bare number.
    Bare(f64),
    /// `"5pt"`: hundredths.
    Points(f64),
    /// `"25%"`.
    Percent(f64),
    /// `"4s"`.
    Time(Duration),
}

/// Reads an amount; what cannot be read is noted with `help`.
pub(crate) fn amount(fields: &Fields<'_, '_, '_>, key: &'static str, help: &str) -> Option<Amount> {
    let entry = fields.entry(key)?;
    let found = match &entry.value.kind {
        Kind::Number(number) => number.as_f64().map(Amount::Bare),
        Kind::Text(text) => of_text(text.trim()),
        Kind::Unfit => return None,
        _ => None,
    };
    if found.is_none() {
        let message = format!("`{key}` in {} is {}", fields.owner, entry.value.to_value());
        fields.mistake(key, message, help);
    }
    found
}

fn of_text(text: &str) -> Option<Amount> {
    let hundredths = |digits: &str| {
        let number: f64 = digits.trim_end().parse().ok()?;
        number.is_finite().then_some(number / 100.0)
    };
    if let Some(points) = text.strip_suffix("pt") {
        return hundredths(points).map(Amount::Points);
    }
    if let Some(percent) = text.strip_suffix('%') {
        return hundredths(percent).map(Amount::Percent);
    }
    duration(text).ok().map(Amount::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_and_fits() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("14d"), Ok(Duration::from_secs(14 * 86_400)));
        for wrong in ["", "60", "s", "1.5s", "-1s", "1 s", "1w", "99999999999999999999s", "99999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn points_and_percent_are_hundredths() {
        assert_eq!(of_text("5pt"), Some(Amount::Points(0.05)));
        assert_eq!(of_text("2.5 pt"), Some(Amount::Points(0.025)));
        assert_eq!(of_text("25%"), Some(Amount::Percent(0.25)));
        for wrong in ["5", "pt", "five pt", "infpt", "%"] {
            assert_eq!(of_text(wrong), None, "{wrong}");
        }
    }
}
