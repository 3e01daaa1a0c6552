//! Numbers as people read them in verdicts: points, percentages, counts. One place, so that a headline, a reason and a
//! table never round differently.

use super::run::OrderSummary;

/// A share or a difference of shares in points: `0.071` is `7.1 pt`, `0.05` is `5 pt`. The sign is kept.
pub fn points(share: f64) -> String {
    format!("{} pt", trimmed(share * 100.0))
}

/// A share in percent: `0.26` is `26%`, `0.0125` is `1.25%`.
pub fn percent(share: f64) -> String {
    let digits = |digits: usize| trim_zeros(&format!("{:.digits$}", share * 100.0));
    if share.abs() >= 0.1 { format!("{}%", digits(1)) } else { format!("{}%", digits(2)) }
}

/// A probability as a sentence says it: whole percent from 1 % on, then one digit, then "less than 0.1%".
pub fn chance(p: f64) -> String {
    match p {
        p if p >= 0.995 => "close to 100%".to_owned(),
        p if p >= 0.0995 => format!("{:.0}%", p * 100.0),
        p if p >= 0.00095 => format!("{}%", trim_zeros(&format!("{:.1}", p * 100.0))),
        _ => "less than 0.1%".to_owned(),
    }
}

/// A count with thousands apart and the right form of its noun: `1 case`, `1,000 cases`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}

/// How often judges changed their minds with the order of two answers: `40 of 1,000 preferences (4%) flip with the order, 30
/// of them to the answer that stands first (by chance: 0.2%)`.
pub fn flips(summary: &OrderSummary) -> String {
    let counts = &summary.counts;
    let of = counted(counts.judged, "preference", "preferences");
    let share = || percent(counts.flipped as f64 / counts.judged as f64);
    match (counts.flipped, counts.to_first) {
        (0, _) => format!("none of {of} flips with the order"),
        (1, to_first) => {
            let place = if to_first == 1 { "first" } else { "second" };
            format!("1 of {of} ({}) flips with the order, to the answer that stands {place}", share())
        }
        (flipped, to_first) => {
            let (flipped, to_first) = (thousands(flipped), thousands(to_first));
            let by_chance = |p| format!(" (by chance: {})", chance(p));
            let (share, lean) = (share(), summary.first_p_value.map(by_chance).unwrap_or_default());
            format!(
                "{flipped} of {of} ({share}) flip with the order, {to_first} of them to the answer that stands first{lean}"
            )
        }
    }
}

/// At most so many characters of a text that may be any, and dots where it goes on. Not escaped: each format does that.
pub fn cut(text: &str, width: usize) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(width).collect();
    if chars.next().is_some() { head + "..." } else { head }
}

/// `1000` is `1,000`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One decimal, or as many as it takes to show that a small number is not 0; no trailing zeros.
fn trimmed(number: f64) -> String {
    let digits = [1, 2, 3, 4].into_iter().find(|digits| {
        let shown: f64 = format!("{number:.*}", *digits).parse().unwrap_or(0.0);
        shown != 0.0 || number.abs() < 1e-9
    });
    trim_zeros(&format!("{number:.*}", digits.unwrap_or(1)))
}

fn trim_zeros(text: &str) -> String {
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::BothOrders;

    #[test]
    fn numbers_read_as_in_the_examples_of_the_design() {
        assert_eq!((points(0.071), points(0.05), points(-0.0004)), ("7.1 pt".into(), "5 pt".into(), "-0.04 pt".into()));
        assert_eq!((percent(0.9), percent(0.0125), percent(0.0)), ("90%".into(), "1.25%".into(), "0%".into()));
        assert_eq!(
            (chance(0.2617), chance(0.0027), chance(1e-9)),
            ("26%".into(), "0.3%".into(), "less than 0.1%".into())
        );
        assert_eq!((cut("wörter", 2), cut("wö", 2)), ("wö...".into(), "wö".into()));
        let flips = |judged, flipped, to_first| {
            let (assertion, counts) = ("prefer#1".to_owned(), BothOrders { judged, flipped, to_first });
            flips(&OrderSummary { assertion, counts, flip_rate: 0.0, first_p_value: Some(0.0022) })
        };
        assert_eq!(flips(1, 0, 0), "none of 1 preference flips with the order");
        assert_eq!(flips(8, 1, 0), "1 of 8 preferences (12.5%) flips with the order, to the answer that stands second");
        assert!(flips(1_000, 40, 30).starts_with("40 of 1,000 preferences (4%) flip with the order, 30 of them to"));
        assert!(flips(1_000, 40, 30).ends_with("stands first (by chance: 0.2%)"));
        assert_eq!((counted(1, "case", "cases"), thousands(1_234_567)), ("1 case".into(), "1,234,567".into()));
    }
}
