//! What a report for people says of a comparison's checks: the table, which of them are told in words, and the pairs that
//! are not whole. The same in every format; only the escaping differs.

use promptgate_core::gate::Sequential;
use promptgate_core::price::NanoUsd;
use promptgate_core::report::words::{chance, cut, percent};
use promptgate_core::report::{
    Better, CheckKind, CheckReport, Comparison, Flip, GateReport, Noise, OrderSummary, SideReport, SliceNote, headline,
};
use promptgate_core::score::Tier;
use promptgate_core::verdict::{Requirement, Verdict};

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

/// Every metric of every comparison in one table, where several candidates or models are compared without a policy.
pub(crate) fn side_by_side(report: &GateReport, escape: fn(&str) -> String) -> Option<Table> {
    if report.verdict.is_some() || report.comparisons.len() < 2 {
        return None;
    }
    let first = report.comparisons.iter().flat_map(|comparison| &comparison.checks);
    let level = first.clone().find_map(|check| check.interval_level).unwrap_or(0.90);
    let range = format!("{} range", words::level(level));
    let mut table = Table::new(&[
        ("metric", Align::Left),
        ("candidate", Align::Left),
        ("model", Align::Left),
        ("before", Align::Right),
        ("now", Align::Right),
        ("change", Align::Right),
        (&range, Align::Right),
        ("chance if no worse", Align::Right),
    ]);
    let mut metrics: Vec<String> = Vec::new();
    for name in first.map(words::check_name) {
        if !metrics.contains(&name) {
            metrics.push(name);
        }
    }
    for metric in metrics {
        for comparison in &report.comparisons {
            let checks = comparison.checks.iter().filter(|check| words::check_name(check) == metric);
            checks.for_each(|check| table.row(beside(comparison, check, escape)));
        }
    }
    Some(table.without_empty_columns())
}

fn beside(comparison: &Comparison, check: &CheckReport, escape: fn(&str) -> String) -> Vec<String> {
    let [name, before, now, change, range, ..] = <[String; 7]>::try_from(row(check, escape)).unwrap_or_default();
    let chance = check.p_value_adjusted.or(check.p_value).map(chance).unwrap_or_default();
    let (candidate, model) = (escape(&comparison.candidate.reference), escape(&comparison.model.to_string()));
    vec![name, candidate, model, before, now, change, range, chance]
}

/// At which look a comparison was judged, where the gate may stop early; and that the promise holds all the same.
pub(crate) fn look(comparison: &Comparison) -> Option<String> {
    let look = comparison.look?;
    let units = if comparison.checks.iter().any(|check| check.clusters.is_some()) { "cluster" } else { "case" };
    let seen = format!("{} of {}", words::thousands(look.units), count(look.planned, units));
    let promise = match look.method {
        Sequential::Looks => "the looks were planned beforehand and share the error rate",
        Sequential::Anytime => "e-values may be looked at any time",
    };
    Some(format!(
        "look {} of {}, at {seen}, this one alone at {}: {promise}, so both promises hold over all looks",
        look.look,
        look.looks,
        words::level(1.0 - look.level)
    ))
}

/// What stopping early left undone.
pub(crate) fn saved(report: &GateReport) -> Option<String> {
    let saved = report.saved?;
    let (trials, planned) = (words::thousands(saved.trials), count(saved.planned, "trial"));
    let dollars = saved.nano_usd.map(|nano| format!(" and about {}", NanoUsd(nano))).unwrap_or_default();
    Some(format!("stopped early: {trials} of {planned}{dollars} saved"))
}

/// The baseline against itself, a line for each metric.
pub(crate) fn noise(comparison: &Comparison) -> Vec<String> {
    comparison.noise.iter().map(noise_of).collect()
}

fn noise_of(noise: &Noise) -> String {
    let check = CheckReport::blank(Tier::Advisory, noise.kind, Better::Higher);
    let change = noise.difference.map(|difference| words::change(&check, difference)).unwrap_or_default();
    let range =
        noise.interval.map(|interval| format!(", range {}", words::range(&check, interval))).unwrap_or_default();
    let differ = percent(noise.discordant);
    format!("{} differs on {differ} of {}: {change}{range}", noise.metric, count(noise.n, "pair"))
}

/// How often judges changed their minds with the order of the answers, a line for each assertion and side.
pub(crate) fn both_orders(comparison: &Comparison) -> Vec<String> {
    let sides = [("baseline", comparison.baseline.as_ref()), ("candidate", Some(&comparison.candidate))];
    let of_side = |(word, side): (&str, Option<&SideReport>)| -> Vec<String> {
        let line =
            |orders: &OrderSummary| format!("{} on the {word}: {}", cut(&orders.assertion, 60), words::flips(orders));
        side.iter().flat_map(|side| &side.both_orders).map(line).collect()
    };
    sides.into_iter().flat_map(of_side).collect()
}

/// Slices that look worse and that no check names.
pub(crate) fn look_here(comparison: &Comparison) -> Vec<String> {
    let slice = |note: &SliceNote| {
        let kind = comparison.checks.iter().find(|check| check.metric.as_ref() == Some(&note.metric));
        let kind = kind.map_or(CheckKind::Score, |check| check.kind);
        let check = CheckReport::blank(Tier::Advisory, kind, Better::Higher);
        let change = words::change(&check, note.difference);
        format!(
            "{} [{}] {change} ({}, {})",
            note.metric,
            note.slice,
            count(note.n, "pair"),
            chance(note.p_value_adjusted)
        )
    };
    comparison.look_here.iter().map(slice).collect()
}

/// What a verdict that is open rests on, in one line; nothing for the others.
pub(crate) fn why_open(report: &GateReport, comparison: &Comparison) -> Option<String> {
    let decides = comparison.tier == Tier::Critical;
    if !decides || comparison.verdict != Some(Verdict::Inconclusive) || comparison.detail.is_some() {
        return None;
    }
    let critical: Vec<_> = comparison.checks.iter().filter(|check| check.tier == Tier::Critical).collect();
    let open = critical.iter().filter(|check| check.verdict == Some(Verdict::Inconclusive)).count() as u64;
    let are = if open == 1 { "is" } else { "are" };
    let of = count(critical.len() as u64, "critical check");
    let requirement = match report.requirement {
        Some(Requirement::ShownNotWorse) => "shown-not-worse",
        Some(Requirement::NoRegressionFound) => "no-regression-found",
        None => return None,
    };
    let met = if report.met == Some(true) { "met" } else { "not met" };
    Some(format!("{open} of {of} {are} not settled. Nothing was found to be worse. Requirement {requirement}: {met}."))
}

/// The broken cases, those that fail on every trial first, and the fixed ones.
pub(crate) fn flips(comparison: &Comparison) -> (Vec<&Flip>, Vec<&Flip>) {
    let (mut broken, fixed): (Vec<&Flip>, Vec<&Flip>) = comparison.flips.iter().partition(|flip| is_broken(flip));
    broken.sort_by_key(|flip| !is_whole(flip));
    (broken, fixed)
}

/// Whether a case passed on every trial before and fails on every one now.
pub(crate) fn is_whole(flip: &Flip) -> bool {
    share(&flip.baseline) == 1.0 && share(&flip.candidate) == 0.0
}

fn is_broken(flip: &Flip) -> bool {
    share(&flip.candidate) < share(&flip.baseline)
}

fn share(fraction: &str) -> f64 {
    let (passed, of) = fraction.split_once('/').unwrap_or(("0", "1"));
    passed.parse::<f64>().unwrap_or(0.0) / of.parse::<f64>().unwrap_or(1.0).max(1.0)
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
