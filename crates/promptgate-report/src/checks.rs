//! What a report for people says of a comparison's checks: the table, which of them are told in words, and the pairs that
//! are not whole. The same in every format; only the escaping differs.

use promptgate_core::report::{CheckReport, Comparison, GateReport, headline};
use promptgate_core::score::Tier;
use promptgate_core::verdict::Verdict;

use crate::table::{Align, Table};
use crate::words::{self, Unit, count};

/// One row per check. A column that says nothing of any check is left out: a comparison without a policy has no limits,
/// a gate without a baseline no changes.
pub(crate) fn table(comparison: &Comparison, escape: fn(&str) -> String) -> Table {
    let level = comparison.checks.iter().find_map(|check| check.interval_level).unwrap_or(0.90);
    let range = format!("{} range", words::level(level));
    let mut table = Table::new(&[
        ("check", Align::Left),
        ("baseline", Align::Right),
        ("candidate", Align::Right),
        ("change", Align::Right),
        (&range, Align::Right),
        ("allowed", Align::Right),
        ("verdict", Align::Left),
    ]);
    for check in &comparison.checks {
        table.row(row(check, escape));
    }
    table.without_empty_columns()
}

fn row(check: &CheckReport, escape: fn(&str) -> String) -> Vec<String> {
    let unit = Unit::of(check.metric.as_ref().map_or("", |metric| metric.as_str()));
    let value = |value: Option<f64>| value.map(|value| unit.value(value)).unwrap_or_default();
    let verdict = match (check.verdict, check.tier) {
        (None, _) => String::new(),
        (Some(verdict), Tier::Critical) => verdict.as_str().to_owned(),
        (Some(verdict), Tier::Advisory) => format!("{} (advisory)", verdict.as_str()),
    };
    vec![
        escape(&words::check_name(check)),
        value(check.baseline),
        value(check.candidate),
        check.difference.map(|difference| words::change(check, difference)).unwrap_or_default(),
        check.interval.map(|interval| words::range(check, interval)).unwrap_or_default(),
        words::limit(check).unwrap_or_default(),
        verdict,
    ]
}

/// Whether a check is told in words: what decides always is, what only informs when it did not pass. Where nothing could
/// be compared the comparison's own sentence says why, once.
pub(crate) fn is_told(comparison: &Comparison, check: &CheckReport) -> bool {
    let matters = check.tier == Tier::Critical || check.verdict != Some(Verdict::Pass);
    let told_above = check.verdict == Some(Verdict::Invalid) && comparison.detail.is_some();
    comparison.tier == Tier::Critical && matters && !told_above && !check.reason.is_empty()
}

/// The comparison's own sentence, unless the first line of the report says it already.
pub(crate) fn detail<'a>(report: &GateReport, comparison: &'a Comparison) -> Option<&'a str> {
    let said = headline(report);
    comparison.detail.as_deref().filter(|detail| !said.contains(detail))
}

/// The comparison's notes, less what the first line of the report says already.
pub(crate) fn notes<'a>(report: &GateReport, comparison: &'a Comparison) -> impl Iterator<Item = &'a String> {
    let said = headline(report);
    comparison.notes.iter().filter(move |note| !said.contains(note.as_str()))
}

/// `210 complete; 3 without an answer on the baseline`, where some pairs are not whole.
pub(crate) fn holes(comparison: &Comparison) -> Option<String> {
    let pairs = comparison.pairs;
    let holes = [
        (pairs.missing_baseline, "without an answer on the baseline"),
        (pairs.missing_candidate, "without an answer on the candidate"),
        (pairs.changed_cases, "changed since the stored baseline"),
    ];
    let holes = holes.iter().filter(|(number, _)| *number > 0);
    let holes: Vec<String> = holes.map(|(number, what)| format!("{} {what}", words::thousands(*number))).collect();
    (!holes.is_empty()).then(|| format!("{} complete; {}", words::thousands(pairs.complete), holes.join(", ")))
}

/// `227 complete pairs`, or `227 cases` where there is nothing to pair with.
pub(crate) fn weight(comparison: &Comparison) -> String {
    let noun = if comparison.baseline.is_some() { "complete pair" } else { "answered case" };
    count(comparison.pairs.complete, noun)
}
