//! How numbers and outcomes are said: units, signs, plurals. The same in every format.

use promptgate_core::gate::RATIO_METRICS;
use promptgate_core::record::SettledTrial;
use promptgate_core::report::words::counted;
pub(crate) use promptgate_core::report::words::thousands;
use promptgate_core::report::{CheckKind, CheckReport};
use promptgate_core::score::Outcome;
use promptgate_core::secret::Scrubber;

/// The word of an outcome.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Errored => "errored",
        Outcome::Skipped => "skipped",
    }
}

/// `1 case`, `2 cases`: for nouns whose plural is an s more.
pub(crate) fn count(number: u64, noun: &str) -> String {
    counted(number, noun, &format!("{noun}s"))
}

/// Which unit a metric is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A share: `84.0%`, changes in points.
    Share,
    /// US dollars.
    Dollars,
    /// Milliseconds.
    Milliseconds,
    /// Tokens.
    Tokens,
}

impl Unit {
    /// The unit of a metric by its name: the reserved amounts have their own, all else is a share.
    pub(crate) fn of(metric: &str) -> Self {
        match metric {
            "cost" => Self::Dollars,
            "latency" => Self::Milliseconds,
            name if RATIO_METRICS.contains(&name) => Self::Tokens,
            _ => Self::Share,
        }
    }

    /// A value in the unit.
    pub(crate) fn value(self, value: f64) -> String {
        match self {
            Self::Share => format!("{:.1}%", value * 100.0),
            Self::Dollars if value == 0.0 => "$0".to_owned(),
            Self::Dollars if value < 0.01 => format!("${value:.6}"),
            Self::Dollars => format!("${value:.4}"),
            Self::Milliseconds if value >= 10_000.0 => format!("{:.1} s", value / 1_000.0),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Tokens => format!("{value:.0}"),
        }
    }
}

/// A signed change of a check: points for shares, percent for ratios.
pub(crate) fn change(check: &CheckReport, value: f64) -> String {
    match check.kind {
        CheckKind::Ratio => format!("{:+.1}%", value * 100.0),
        _ => format!("{:+.1} pt", value * 100.0),
    }
}

/// `-5.5 .. +2.4 pt`.
pub(crate) fn range(check: &CheckReport, [low, high]: [f64; 2]) -> String {
    match check.kind {
        CheckKind::Ratio => format!("{:+.1}% .. {:+.1}%", low * 100.0, high * 100.0),
        _ => format!("{:+.1} .. {:+.1} pt", low * 100.0, high * 100.0),
    }
}

/// The limit as the policy meant it: `-5.0 pt`, `+10.0%`, `min 90.0%`, `0 broken`.
pub(crate) fn limit(check: &CheckReport) -> String {
    let Some(limit) = check.limit else { return "none".to_owned() };
    let unit = Unit::of(check.metric.as_ref().map_or("", |metric| metric.as_str()));
    match check.limit_key.as_deref() {
        Some("min") => format!("min {}", unit.value(limit)),
        Some("max") => format!("max {}", unit.value(limit)),
        Some("max_broken") if check.rule.as_deref() == Some("must-pass") => "no failure".to_owned(),
        Some("max_broken") => format!("{limit:.0} broken"),
        _ => change(check, limit),
    }
}

/// What a check is called: `pass_rate`, `queue [tag=vip]`, `must-pass [tag=safety]`.
pub(crate) fn check_name(check: &CheckReport) -> String {
    let name = check.metric.as_ref().map(|metric| metric.as_str()).or(check.rule.as_deref()).unwrap_or_default();
    match &check.slice {
        Some(slice) => format!("{name} [{slice}]"),
        None => name.to_owned(),
    }
}

/// The first critical assertion that failed, with what it found.
pub(crate) fn first_failure(trial: &SettledTrial) -> Option<String> {
    use promptgate_core::score::Tier;
    let failed = |tier| trial.assertions.iter().find(move |each| !each.scored.passed && each.tier == tier);
    let result = failed(Tier::Critical).or_else(|| failed(Tier::Advisory))?;
    let evidence = &result.scored.evidence;
    let mut text = result.name.clone();
    for (word, value) in [("expected", &evidence.expected), ("found", &evidence.found)] {
        if let Some(value) = value {
            text.push_str(&format!("; {word} {value}"));
        }
    }
    if let Some(note) = &evidence.note {
        text.push_str(&format!(" ({note})"));
    }
    Some(text)
}

/// The rendered bytes without any known secret: the last wall before a file or a terminal.
pub fn scrub_report(bytes: Vec<u8>, scrubber: &Scrubber) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => scrubber.scrub(&text).into_owned().into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many_are_spelled_right() {
        assert_eq!((count(1, "case").as_str(), count(12_345, "case").as_str()), ("1 case", "12,345 cases"));
    }

    #[test]
    fn values_stand_in_their_own_unit() {
        assert_eq!(Unit::of("pass_rate").value(0.84449), "84.4%");
        assert_eq!(Unit::of("cost").value(0.000_56), "$0.000560");
        assert_eq!(Unit::of("latency").value(1234.4), "1234 ms");
        assert_eq!(Unit::of("output_tokens").value(412.4), "412");
    }
}
