//! The time of day, for the one place that may ask for it.

use jiff::Timestamp;
use promptgate_core::port::Clock;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// A time in milliseconds since 1970 as people read it, RFC 3339 to the second.
    pub fn text_of(ms: u64) -> String {
        let time = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        time.map_or_else(|| "at an unknown time".to_owned(), |time| format!("{time:.0}"))
    }
}

impl SystemClock {
    /// The beginning of a day such as `2027-01-31`, UTC, in milliseconds since 1970; nothing where it is none.
    pub fn ms_of_day(day: &str) -> Option<u64> {
        let time: Timestamp = format!("{day}T00:00:00Z").parse().ok()?;
        u64::try_from(time.as_millisecond()).ok()
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
    }

    fn now_text(&self) -> String {
        format!("{:.0}", Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_rfc_3339_to_the_second() {
        let text = SystemClock.now_text();
        assert_eq!(text.len(), "2026-11-23T15:55:02Z".len(), "{text}");
        assert!(text.parse::<Timestamp>().is_ok() && text.ends_with('Z'), "{text}");
    }
}
