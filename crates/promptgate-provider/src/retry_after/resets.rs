//! When a limit that a refusal tells of is full again. Services say how much of each of their limits is left and when it is
//! reset, each in its own words: `x-ratelimit-remaining-tokens: 0` with `x-ratelimit-reset-tokens: 6m0s` (OpenAI and those of
//! its shape), `anthropic-ratelimit-tokens-reset: 2026-11-28T12:00:00Z`, `ratelimit: "minute";r=0;t=30` (IETF).

use std::time::Duration;

use http::header::HeaderMap;
use jiff::Timestamp;

/// A limit that is reset later is told by mistake.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Numbers from here on count from 1970, and from there on they are milliseconds; smaller ones are a count of seconds.
const SECONDS_SINCE_1970: f64 = 1e9;
const MILLISECONDS_SINCE_1970: f64 = 1e11;

/// One limit, as it is told.
struct Limit {
    is_exhausted: bool,
    /// Nothing where what is said makes no sense or has passed.
    wait_ms: Option<u64>,
}

/// The wait until every limit that is exhausted is reset; where none is told to be, until the only one is. Of several nobody
/// knows which one refused.
pub(crate) fn reset_ms(headers: &HeaderMap, now_ms: u64) -> Option<u64> {
    let limits: Vec<Limit> = limits(headers, now_ms);
    let exhausted = limits.iter().filter(|limit| limit.is_exhausted).filter_map(|limit| limit.wait_ms).max();
    match limits.as_slice() {
        [only] => only.wait_ms,
        _ => exhausted,
    }
}

fn limits(headers: &HeaderMap, now_ms: u64) -> Vec<Limit> {
    let limit = |left: Option<&str>, reset: &str| Limit {
        is_exhausted: left.and_then(|left| left.parse().ok()).is_some_and(|left: f64| left <= 0.0),
        wait_ms: wait_ms(reset, now_ms).filter(|wait| (1..=LONGEST.as_millis()).contains(&u128::from(*wait))),
    };
    let mut limits = Vec::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        if name == "ratelimit" {
            limits.extend(of_fields(value).into_iter().map(|(left, reset)| limit(left, reset)));
        } else if let Some(beside) = beside(name.as_str()) {
            let left = headers.get(beside).and_then(|left| left.to_str().ok()).map(str::trim);
            limits.push(limit(left, value.trim()));
        }
    }
    limits
}

/// The header that says how much is left of the limit whose reset a header says.
fn beside(name: &str) -> Option<String> {
    let is_reset = match name.strip_prefix("anthropic-ratelimit-") {
        Some(rest) => rest.ends_with("-reset"),
        None => {
            let after = name.strip_prefix("x-").unwrap_or(name).strip_prefix("ratelimit-reset");
            after.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        }
    };
    is_reset.then(|| name.replacen("reset", "remaining", 1))
}

/// What is left and when it is reset, of the limits in one header: `"minute";r=0;t=30, "day";r=5;t=60`, or, as it was at
/// first, `limit=100, remaining=0, reset=30`.
fn of_fields(value: &str) -> Vec<(Option<&str>, &str)> {
    fn field<'a>(fields: &'a str, at: &[char], name: &str) -> Option<&'a str> {
        fields.split(at).find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('=')).map(str::trim)
    }
    let of_item = |item| Some((field(item, &[';'], "r"), field(item, &[';'], "t")?));
    let limits: Vec<_> = value.split(',').filter_map(of_item).collect();
    let at_first = || Some((field(value, &[',', ';'], "remaining"), field(value, &[',', ';'], "reset")?));
    if limits.is_empty() { at_first().into_iter().collect() } else { limits }
}

/// The time until a reset, in any of the forms in use.
fn wait_ms(text: &str, now_ms: u64) -> Option<u64> {
    if let Ok(number) = text.parse::<f64>() {
        let since_1970 = |milliseconds: f64| milliseconds - now_ms as f64;
        let wait = match number {
            MILLISECONDS_SINCE_1970.. => since_1970(number),
            SECONDS_SINCE_1970.. => since_1970(number * 1_000.0),
            _ => number * 1_000.0,
        };
        return (wait.is_finite() && wait >= 0.0).then(|| wait.ceil() as u64);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return u64::try_from(at.as_millisecond()).ok()?.checked_sub(now_ms);
    }
    duration_ms(text)
}

/// `2.5s`, `2500ms`, `1m30.5s`, `1h2m`, as Go writes durations.
fn duration_ms(text: &str) -> Option<u64> {
    let (mut rest, mut milliseconds) = (text, 0.0);
    while !rest.is_empty() {
        let is_number = |next: char| next.is_ascii_digit() || next == '.';
        let (count, after) = rest.split_at(rest.find(|next| !is_number(next))?);
        let (unit, after) = after.split_at(after.find(is_number).unwrap_or(after.len()));
        let unit = match unit {
            "d" => 86_400_000.0,
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" => 1_000.0,
            "ms" => 1.0,
            "us" | "µs" => 1e-3,
            "ns" => 1e-6,
            _ => return None,
        };
        milliseconds += count.parse::<f64>().ok()? * unit;
        rest = after;
    }
    (!text.is_empty()).then(|| milliseconds.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2025-11-28T12:00:00Z.
    const NOW: u64 = 1_764_331_200_000;

    fn check(headers: &[(&'static str, &str)], expected: Option<u64>) {
        let header = |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        let told: HeaderMap = headers.iter().map(header).collect();
        assert_eq!(reset_ms(&told, NOW), expected, "{headers:?}");
    }

    #[test]
    fn every_form_of_a_reset_is_read() {
        for (text, wait) in [
            ("2.5s", 2_500),
            ("2s500ms", 2_500),
            ("2500ms", 2_500),
            ("1m30.5s", 90_500),
            ("6m0s", 360_000),
            ("1h2m", 3_720_000),
            ("1m0.0001s", 60_001),
            ("30", 30_000),
            ("0.25", 250),
            ("1764331203", 3_000),
            ("1764331200125", 125),
            ("2025-11-28T12:00:07Z", 7_000),
            ("2025-11-28T14:00:07.5+02:00", 7_500),
        ] {
            check(&[("x-ratelimit-reset", text)], Some(wait));
        }
    }

    #[test]
    fn what_makes_no_sense_or_has_passed_is_as_if_it_were_not_there() {
        for text in [
            "",
            "soon",
            "-5",
            "-5s",
            "0",
            "0s",
            "NaN",
            "inf",
            "1e300",
            "s",
            "5x",
            "1.2.3s",
            "9999d",
            "1764331199",
            "1764331199999",
            "2025-11-28T11:59:59Z",
            "9999-12-31T23:59:59Z",
            "99999999999999999999",
        ] {
            check(&[("x-ratelimit-reset-requests", text), ("x-ratelimit-remaining-requests", "0")], None);
        }
    }

    #[test]
    fn the_longest_of_the_limits_that_are_exhausted_counts() {
        let openai = |requests: &'static str, tokens: &'static str| {
            [
                ("x-ratelimit-remaining-requests", requests),
                ("x-ratelimit-reset-requests", "8m0s"),
                ("x-ratelimit-remaining-tokens", tokens),
                ("x-ratelimit-reset-tokens", "6s"),
            ]
        };
        check(&openai("12", "0"), Some(6_000));
        check(&openai("0", "0"), Some(480_000));
        check(&openai("12", "34"), None);
        check(&openai("12", ""), None);
        check(
            &[
                ("anthropic-ratelimit-requests-remaining", "49"),
                ("anthropic-ratelimit-requests-reset", "2025-11-28T12:00:30Z"),
                ("anthropic-ratelimit-input-tokens-remaining", "0"),
                ("anthropic-ratelimit-input-tokens-reset", "2025-11-28T12:00:10Z"),
                ("anthropic-ratelimit-output-tokens-remaining", "0"),
                ("anthropic-ratelimit-output-tokens-reset", "2025-11-28T12:00:20Z"),
            ],
            Some(20_000),
        );
        check(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1764331260000")], Some(60_000));
        check(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "7")], Some(7_000));
        check(&[("ratelimit", "\"minute\";r=0;t=30, \"day\";r=5;t=60")], Some(30_000));
        check(&[("ratelimit", "limit=100, remaining=0, reset=5")], Some(5_000));
    }

    #[test]
    fn the_only_reset_counts_whatever_is_left_and_one_of_several_does_not() {
        check(&[("ratelimit", "\"default\";t=30")], Some(30_000));
        // What is left may be less than what was asked for.
        check(&[("x-ratelimit-remaining-tokens", "120"), ("x-ratelimit-reset-tokens", "6s")], Some(6_000));
        check(&[("x-ratelimit-reset-requests", "soon"), ("x-ratelimit-reset-tokens", "6s")], None);
        check(&[("x-ratelimit-limit", "5"), ("x-ratelimit-resetting", "5"), ("ratelimit-policy", "5;w=60")], None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-z.:;,=TZ\" +-]{0,24}") {
            let _ = (wait_ms(&text, NOW), of_fields(&text));
        }
    }
}
