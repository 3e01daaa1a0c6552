//! How long a provider asks to wait, in all the forms in use: milliseconds, seconds (whole or not), an HTTP date. When its
//! limits are reset stands in `resets.rs`.

mod resets;

use std::time::UNIX_EPOCH;

use http::header::HeaderMap;

pub(crate) use resets::reset_ms;

/// Headers with milliseconds; more exact, so they come first.
const MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// Headers with seconds or a date; the second is what LiteLLM makes of the first.
const SECONDS_OR_DATE: [&str; 2] = ["retry-after", "llm_provider-retry-after"];

/// The wait asked for, in milliseconds; nothing where no header says anything that makes sense. Not capped.
pub(crate) fn retry_after_ms(headers: &HeaderMap, now_ms: u64) -> Option<u64> {
    let text = |name: &&str| headers.get(*name)?.to_str().ok().map(str::trim);
    let exact = MILLISECONDS.iter().filter_map(text).find_map(|text| whole(text, 1.0));
    exact.or_else(|| SECONDS_OR_DATE.iter().filter_map(text).find_map(|text| seconds_or_date(text, now_ms)))
}

fn seconds_or_date(text: &str, now_ms: u64) -> Option<u64> {
    whole(text, 1_000.0).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        // A date that has passed asks for no wait.
        Some(u64::try_from(date.as_millis()).unwrap_or(u64::MAX).saturating_sub(now_ms))
    })
}

/// A count of units as milliseconds; negative and endless ones make no sense.
fn whole(text: &str, milliseconds: f64) -> Option<u64> {
    let count: f64 = text.parse().ok()?;
    (count.is_finite() && count >= 0.0).then(|| (count * milliseconds).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT.
    const NOW: u64 = 784_111_777_000;

    fn check(header: &'static str, value: &str, expected: Option<u64>) {
        let headers = HeaderMap::from_iter([(header.parse().unwrap(), value.parse().unwrap())]);
        let headers: HeaderMap = headers;
        assert_eq!(retry_after_ms(&headers, NOW), expected, "{header}: {value}");
    }

    #[test]
    fn every_form_in_use_is_read() {
        check("retry-after", "7", Some(7_000));
        check("retry-after", "0.5", Some(500));
        check("retry-after", " 3 ", Some(3_000));
        check("retry-after-ms", "250", Some(250));
        check("x-ms-retry-after-ms", "125", Some(125));
        check("llm_provider-retry-after", "60", Some(60_000));
        check("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000));
        check("retry-after", "Sunday, 06-Nov-94 08:49:47 GMT", Some(10_000));
        check("retry-after", "Sun Nov  6 08:49:47 1994", Some(10_000));
    }

    #[test]
    fn a_date_that_has_passed_asks_for_no_wait_and_a_far_one_is_kept_for_the_cap() {
        check("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799_000 - NOW));
    }

    #[test]
    fn what_makes_no_sense_is_as_if_it_were_not_there() {
        for value in ["-5", "soon", "", "NaN", "inf", "Xxx, 99 Nov 1994 08:49:37 GMT"] {
            check("retry-after", value, None);
        }
    }
}
