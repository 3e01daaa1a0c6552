//! How numbers and outcomes are said: units, signs, plurals. The same in every format.

use promptgate_core::exit::ExitCode;
use promptgate_core::gate::RATIO_METRICS;
use promptgate_core::price::NanoUsd;
use promptgate_core::record::SettledTrial;
use promptgate_core::report::words::counted;
pub(crate) use promptgate_core::report::words::{flips, thousands};
use promptgate_core::report::{CaseFailure, CheckKind, CheckReport, Cost, RepeatSummary, RunReport, SideSummary};
use promptgate_core::score::{Evidence, Outcome, Tier};

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
            Self::Tokens => thousands(value.round().max(0.0) as u64),
        }
    }
}

/// A level of confidence without needless digits: `95%`, `97.5%`; one that has no end is rounded.
pub(crate) fn level(level: f64) -> String {
    let percent = level * 100.0;
    let text = format!("{percent:.4}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short.len() == text.len() { format!("{percent:.1}%") } else { format!("{short}%") }
}

/// A signed change of a check: points for shares, percent for ratios.
pub(crate) fn change(check: &CheckReport, value: f64) -> String {
    match check.kind {
        CheckKind::Ratio => format!("{:+.1}%", hundreds(value)),
        _ => format!("{:+.1} pt", hundreds(value)),
    }
}

/// In percent or points, to one digit; what rounds to 0 has no sign of its own.
fn hundreds(value: f64) -> f64 {
    (value * 1_000.0).round() / 10.0 + 0.0
}

/// `-5.5 .. +2.4 pt`.
pub(crate) fn range(check: &CheckReport, [low, high]: [f64; 2]) -> String {
    match check.kind {
        CheckKind::Ratio => format!("{:+.1}% .. {:+.1}%", low * 100.0, high * 100.0),
        _ => format!("{:+.1} .. {:+.1} pt", low * 100.0, high * 100.0),
    }
}

/// The limit as the policy meant it: `-5.0 pt`, `+10.0%`, `min 90.0%`, `0 broken`.
pub(crate) fn limit(check: &CheckReport) -> Option<String> {
    let limit = check.limit?;
    let unit = Unit::of(check.metric.as_ref().map_or("", |metric| metric.as_str()));
    Some(match check.limit_key.as_deref() {
        Some("min") => format!("min {}", unit.value(limit)),
        Some("max") => format!("max {}", unit.value(limit)),
        Some("max_broken") if check.rule.as_deref() == Some("must-pass") => "no failure".to_owned(),
        Some("max_broken") => format!("{limit:.0} broken"),
        _ => change(check, limit),
    })
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
    let failed = |tier| trial.assertions.iter().find(move |each| !each.scored.passed && each.tier == tier);
    let result = failed(Tier::Critical).or_else(|| failed(Tier::Advisory))?;
    let Evidence { expected, found, note } = &result.scored.evidence;
    Some(told(Some(&result.name), expected.as_deref(), found.as_deref(), note.as_deref()))
}

/// Why a case is on the list of a run: the same words as [`first_failure`].
pub(crate) fn case_failure(failure: &CaseFailure) -> String {
    let seen = failure.expected.is_some() || failure.found.is_some();
    let note = Some(failure.reason.as_str()).filter(|reason| !(seen && *reason == CaseFailure::NOT_PASSED));
    told(failure.assertion.as_deref(), failure.expected.as_deref(), failure.found.as_deref(), note)
}

/// `queue: expected billing, found other (at /queue)`.
fn told(name: Option<&str>, expected: Option<&str>, found: Option<&str>, note: Option<&str>) -> String {
    let seen = [("expected", expected), ("found", found)];
    let seen: Vec<String> = seen.iter().filter_map(|(word, value)| Some(format!("{word} {}", (*value)?))).collect();
    let what = match (seen.join(", "), note) {
        (seen, None) => seen,
        (seen, Some(note)) if seen.is_empty() => note.to_owned(),
        (seen, Some(note)) => format!("{seen} ({note})"),
    };
    match name {
        Some(name) if what.is_empty() => format!("{name} did not pass"),
        Some(name) => format!("{name}: {what}"),
        None => what,
    }
}

/// The first line of a run's report: `FAILED: 206 of 227 cases passed, 21 failed`. Of several versions and models the one
/// that decides stands there, by name.
pub(crate) fn run_headline(report: &RunReport) -> String {
    let word = match report.exit_code {
        ExitCode::Done => "PASSED",
        ExitCode::Failed => "FAILED",
        ExitCode::Unavailable => "UNAVAILABLE",
        _ => "NOT SETTLED",
    };
    match (deciding(report), report.sides.len()) {
        (None, _) => format!("{word}: nothing was run"),
        (Some(side), 1) => format!("{word}: {}", side_line(side)),
        (Some(side), _) => format!("{word}: {} ({} on {})", side_line(side), side.reference, side.model),
    }
}

/// The side that a run's exit code comes from: the first critical one with what the code says.
fn deciding(report: &RunReport) -> Option<&SideSummary> {
    let critical = || report.sides.iter().filter(|side| side.tier == Tier::Critical);
    let shows = |side: &&SideSummary| match report.exit_code {
        ExitCode::Done => true,
        ExitCode::Failed => side.cases.failed > 0,
        _ => side.cases.errored > 0,
    };
    critical().find(shows).or_else(|| critical().next()).or_else(|| report.sides.first())
}

/// `of 3 trials: 96.0% pass at least once (pass@3), 81.0% every time (pass^3)`.
pub fn repeats(repeats: &RepeatSummary) -> String {
    let share = |value: f64| Unit::Share.value(value);
    let RepeatSummary { k, pass_at_k, pass_hat_k, .. } = *repeats;
    format!(
        "of {k} trials: {} pass at least once (pass@{k}), {} every time (pass^{k})",
        share(pass_at_k),
        share(pass_hat_k)
    )
}

/// `206 of 227 cases passed, 21 failed`.
pub(crate) fn side_line(side: &SideSummary) -> String {
    let cases = side.cases;
    let total = cases.passed + cases.failed + cases.errored + cases.skipped;
    let mut line = format!("{} of {} passed", thousands(cases.passed), count(total, "case"));
    for (number, word) in [(cases.failed, "failed"), (cases.errored, "errored"), (cases.skipped, "skipped")] {
        if number > 0 {
            line.push_str(&format!(", {} {word}", thousands(number)));
        }
    }
    line
}

/// What answers cost, where some of them have no known price; and judging, where there was any.
pub(crate) fn spent(cost: &Cost) -> String {
    let answers = known(cost.nano_usd, cost.unpriced);
    match (cost.judge_nano_usd, cost.judge_unpriced) {
        (NanoUsd(0), 0) => answers,
        (judging, unpriced) => format!("{answers}; judging: {}", known(judging, unpriced)),
    }
}

/// `this run: 20 calls, 0 reused; failed attempts: $0.002090`: what a run took beside its answers. Attempts that were refused
/// cost nothing and are not told.
pub(crate) fn this_run(attempts: u64, reused: u64, wasted: NanoUsd, unpriced: u64) -> String {
    let calls = format!("this run: {}, {reused} reused", count(attempts, "call"));
    let broken = || count(unpriced, "call");
    match (wasted, unpriced) {
        (NanoUsd(0), 0) => calls,
        (NanoUsd(0), _) => format!("{calls}; failed attempts: cost unknown ({})", broken()),
        (wasted, 0) => format!("{calls}; failed attempts: {wasted}"),
        (wasted, _) => format!("{calls}; failed attempts: {wasted}, and what {} cost is unknown", broken()),
    }
}

fn known(known: NanoUsd, unpriced: u64) -> String {
    match (known, unpriced) {
        (known, 0) => known.to_string(),
        (NanoUsd(0), unpriced) => format!("cost unknown ({unpriced} without a known price)"),
        (known, unpriced) => format!("{known}, {unpriced} without a known price"),
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
    fn what_failed_attempts_cost_is_told_as_far_as_it_is_known() {
        let told =
            |wasted, unpriced| this_run(9, 1, NanoUsd(wasted), unpriced).replace("this run: 9 calls, 1 reused", "-");
        assert_eq!(told(0, 0), "-");
        assert_eq!(told(2_090_000, 0), "-; failed attempts: $0.002090");
        assert_eq!(told(0, 1), "-; failed attempts: cost unknown (1 call)");
        assert_eq!(told(2_090_000, 3), "-; failed attempts: $0.002090, and what 3 calls cost is unknown");
    }

    #[test]
    fn a_failure_is_told_once() {
        let text = |expected, found, note| told(Some("queue"), expected, found, note);
        assert_eq!(text(Some("billing"), Some("other"), None), "queue: expected billing, found other");
        assert_eq!(text(None, Some("2"), Some("line 1")), "queue: found 2 (line 1)");
        assert_eq!(
            (text(None, None, Some("why")), text(None, None, None)),
            ("queue: why".into(), "queue did not pass".into())
        );
    }

    #[test]
    fn values_stand_in_their_own_unit() {
        assert_eq!(Unit::of("pass_rate").value(0.84449), "84.4%");
        assert_eq!(Unit::of("cost").value(0.000_56), "$0.000560");
        assert_eq!(Unit::of("latency").value(1234.4), "1234 ms");
        assert_eq!(Unit::of("output_tokens").value(1_412.4), "1,412");
    }
}
