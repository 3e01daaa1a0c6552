//! The first line of a gate's report: the verdict and why, in words that terminal, Markdown and JUnit share.

use super::words::{counted, points, thousands};
use super::{CheckReport, Comparison, GateReport};
use crate::gate::Scope;
use crate::score::Tier;
use crate::verdict::Verdict;

/// The first line of a gate's report, without the word `GATE` in front: `PASS: shown not to be worse by 5 pt or more`.
pub fn headline(report: &GateReport) -> String {
    let Some(verdict) = report.verdict else {
        return "COMPARE: the numbers of a gate without its policy, so no verdict".to_owned();
    };
    let Some(comparison) = deciding(report, verdict) else {
        return word(verdict).to_owned();
    };
    let word = if met_without_pass(report, verdict) { "INCONCLUSIVE, requirement met" } else { word(verdict) };
    let mut line = format!("{word}{}: {}", scope(report, comparison), why(report, comparison, verdict));
    if report.comparisons.len() > 1 {
        line.push_str(&format!(" ({})", comparison.model));
    }
    if let Some(draw) = comparison.notes.iter().find(|note| note.starts_with("draw ")) {
        line.push_str(&format!("; {draw}"));
    }
    line
}

/// The comparison that the verdict is taken from: the first critical one that has it.
fn deciding(report: &GateReport, verdict: Verdict) -> Option<&Comparison> {
    let critical = || report.comparisons.iter().filter(|comparison| comparison.tier == Tier::Critical);
    critical().find(|comparison| comparison.verdict == Some(verdict)).or_else(|| critical().next())
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Unavailable => "UNAVAILABLE",
        Verdict::Invalid => "INVALID",
        Verdict::Fail => "FAIL",
    }
}

fn met_without_pass(report: &GateReport, verdict: Verdict) -> bool {
    verdict == Verdict::Inconclusive && report.met == Some(true)
}

fn scope(report: &GateReport, comparison: &Comparison) -> String {
    match report.scope {
        Scope::Population => String::new(),
        Scope::TheseCases => format!(" on {}", these(comparison.pairs.complete)),
    }
}

fn these(cases: u64) -> String {
    if cases == 1 { "this 1 case".to_owned() } else { format!("these {} cases", thousands(cases)) }
}

fn why(report: &GateReport, comparison: &Comparison, verdict: Verdict) -> String {
    match verdict {
        Verdict::Fail => failing(comparison),
        Verdict::Invalid | Verdict::Unavailable => {
            comparison.detail.clone().unwrap_or_else(|| "the comparison cannot be made".to_owned())
        }
        Verdict::Inconclusive if met_without_pass(report, verdict) => {
            "nothing found worse, not shown to be as good".to_owned()
        }
        Verdict::Inconclusive => undecided(comparison),
        Verdict::Pass => passing(comparison),
    }
}

fn critical(comparison: &Comparison, verdict: Verdict) -> impl Iterator<Item = &CheckReport> {
    comparison.checks.iter().filter(move |check| check.tier == Tier::Critical && check.verdict == Some(verdict))
}

/// The worst of what failed, in one clause; a drop before rules, rules before floors.
fn failing(comparison: &Comparison) -> String {
    let failed: Vec<&CheckReport> = critical(comparison, Verdict::Fail).collect();
    let by_key = |key: &str| failed.iter().find(|check| check.limit_key.as_deref() == Some(key)).copied();
    if let Some(check) = by_key("allowed_drop") {
        let (seen, allowed) = (-check.difference.unwrap_or(0.0), -check.limit.unwrap_or(0.0));
        return format!("worse, and the drop seen ({}) is at least the allowed {}", points(seen), points(allowed));
    }
    if let Some(check) = by_key("allowed_rise") {
        let (seen, allowed) = (check.difference.unwrap_or(0.0), check.limit.unwrap_or(0.0));
        let metric = check.metric.as_ref().map_or("amount", |metric| metric.as_str());
        let (seen, allowed) = (super::words::percent(seen), super::words::percent(allowed));
        return format!("more {metric}, and the rise seen ({seen}) is at least the allowed {allowed}");
    }
    match failed.first() {
        Some(check) if check.rule.as_deref() == Some("must-pass") => must_pass(check),
        Some(check) if check.rule.is_some() => newly_broken(check),
        Some(check) => past_the_limit(check),
        None => "a critical check failed".to_owned(),
    }
}

fn must_pass(check: &CheckReport) -> String {
    let verb = if check.cases.len() == 1 { "must pass does not" } else { "must pass do not" };
    format!("{} that {verb}", counted(check.cases.len() as u64, "case", "cases"))
}

fn newly_broken(check: &CheckReport) -> String {
    let broken = check.broken.unwrap_or(check.cases.len() as u64);
    let verb = if broken == 1 { "fails" } else { "fail" };
    let allowed = check.limit.unwrap_or(0.0);
    format!("{} that passed before {verb} now, {allowed} allowed", counted(broken, "case", "cases"))
}

fn past_the_limit(check: &CheckReport) -> String {
    let name = check.metric.as_ref().map_or("a metric", |metric| metric.as_str());
    match (check.limit_key.as_deref(), check.candidate, check.limit) {
        (Some("min"), Some(value), Some(limit)) => format!("{name} is {value:.4}, below the floor of {limit}"),
        (Some("max"), Some(value), Some(limit)) => format!("{name} is {value:.4}, above the ceiling of {limit}"),
        _ => format!("{name} misses its limit"),
    }
}

fn undecided(comparison: &Comparison) -> String {
    let open: Vec<&CheckReport> = critical(comparison, Verdict::Inconclusive).collect();
    match open.first() {
        Some(check) if open.iter().all(|check| check.reason.starts_with("no_data")) => {
            let name = check.metric.as_ref().map_or("the rule", |metric| metric.as_str());
            format!("nothing to judge {name} by, so nothing is shown")
        }
        Some(check) if open.iter().all(|check| check.difference.is_none()) => {
            let name = check.metric.as_ref().map(ToString::to_string).or_else(|| check.rule.clone());
            format!("{} is not settled", name.unwrap_or_else(|| "a check".to_owned()))
        }
        None => comparison.detail.clone().unwrap_or_else(|| "not settled".to_owned()),
        Some(_) => "not shown to be worse, not shown to be as good".to_owned(),
    }
}

/// A pass that rests on a bound says what it excludes; several limits are named by the largest of them.
fn passing(comparison: &Comparison) -> String {
    let bounded = |key: &'static str| {
        let limits = critical(comparison, Verdict::Pass).filter(move |check| check.limit_key.as_deref() == Some(key));
        limits.filter_map(|check| check.limit.map(f64::abs)).reduce(f64::max)
    };
    match (bounded("allowed_drop"), bounded("allowed_rise")) {
        (Some(drop), _) => format!("shown not to be worse by {} or more", points(drop)),
        (None, Some(rise)) => format!("shown not to be higher by {} or more", super::words::percent(rise)),
        (None, None) => "every rule and limit is kept".to_owned(),
    }
}
