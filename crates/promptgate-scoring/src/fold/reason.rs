//! The words of a check: what was seen, how likely that is without a drop, what is ruled out, and what would settle it.
//! One clear sentence each; renderers print them as they are.

use promptgate_core::report::words::{chance, counted, percent, points, thousands};
use promptgate_core::report::{CheckKind, CheckReport};
use promptgate_core::verdict::Verdict;

use super::check::Cap;
use super::evidence::Evidence;
use super::pairs::Sample;
use crate::stats::{StatError, dist, hall, tango};

/// What the words of a judged check are made from.
pub(crate) struct Told<'a> {
    pub(crate) report: &'a CheckReport,
    pub(crate) evidence: &'a Evidence,
    /// The allowed drop on the scale of the evidence.
    pub(crate) margin: f64,
    pub(crate) cap: Option<&'a Cap>,
    pub(crate) alpha: f64,
}

/// The words of a judged check.
pub(crate) fn of_check(told: &Told<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(cap) = told.cap {
        parts.push(format!("{}: {}.", cap.code, cap.words));
    }
    parts.push(numbers(told.report, told.evidence));
    parts.extend(allowed(told.report));
    if told.report.verdict == Some(Verdict::Inconclusive) {
        parts.extend(too_small(told));
        parts.push(settling(told));
    }
    if told.evidence.clusters.is_some_and(|clusters| (5..20).contains(&clusters)) {
        parts.push("Fewer than 20 clusters: the bound is rough.".to_owned());
    }
    parts.join(" ")
}

/// What was seen, how likely it is without a drop, and what is ruled out.
pub(crate) fn numbers(report: &CheckReport, evidence: &Evidence) -> String {
    let mut parts = Vec::new();
    match (report.fixed, report.broken) {
        (Some(fixed), Some(broken)) => {
            let same = report.n - fixed - broken;
            let broke = counted(broken, "case", "cases");
            parts.push(format!("broke {broke}, fixed {}, {} unchanged.", thousands(fixed), thousands(same)));
            parts.push(format!("Chance of a split this bad with no real drop: {}.", chance(evidence.p)));
        }
        _ => {
            let worse = if report.kind == CheckKind::Ratio { "rise" } else { "drop" };
            parts.push(format!("Chance of a result this bad with no real {worse}: {}.", chance(evidence.p)));
        }
    }
    if report.kind == CheckKind::Ratio {
        parts.extend(totals(report));
    }
    parts.push(ruled_out(report));
    parts.join(" ")
}

/// The bill: the ratio of totals stands beside the mean ratio.
fn totals(report: &CheckReport) -> Option<String> {
    let (before, after) = (report.baseline?, report.candidate?);
    (before > 0.0).then(|| format!("In total {}.", change(after / before - 1.0)))
}

fn change(ratio: f64) -> String {
    let sign = if ratio > 0.0 { "+" } else { "" };
    format!("{sign}{}", percent(ratio))
}

fn ruled_out(report: &CheckReport) -> String {
    match (report.kind, report.ruled_out) {
        (CheckKind::Ratio, Some(..=0.0)) => "Ruled out: any rise.".to_owned(),
        (_, Some(..=0.0)) => "Ruled out: any drop.".to_owned(),
        (CheckKind::Ratio, Some(rise)) => format!("Ruled out: a rise of more than {}.", percent(rise)),
        (_, Some(drop)) => format!("Ruled out: a drop of more than {}.", points(drop)),
        (_, None) if report.n < 2 => "Nothing is ruled out by one pair.".to_owned(),
        (_, None) => "Every pair changed alike, so no range can be given.".to_owned(),
    }
}

fn allowed(report: &CheckReport) -> Option<String> {
    let limit = report.limit?;
    let amount = if report.kind == CheckKind::Ratio { percent(limit) } else { points(-limit) };
    Some(match report.verdict? {
        Verdict::Fail => format!("Allowed: {amount}, and the change seen is at least that."),
        _ => format!("Allowed: {amount}."),
    })
}

/// A slice that could not reach its threshold even if every pair that differs had become worse.
fn too_small(told: &Told<'_>) -> Option<String> {
    let table = told.evidence.table.filter(|_| told.report.slice.is_some())?;
    let best = 0.5_f64.powf((table.fixed + table.broken) as f64);
    (best > told.alpha).then(|| "Too small to judge: too few of its cases differ.".to_owned())
}

/// What would settle an open check; never only "more cases".
fn settling(told: &Told<'_>) -> String {
    let (report, n) = (told.report, told.report.n);
    match report.cases_needed {
        Some(needed) => {
            let (more, all) = (thousands(needed - n), thousands(needed));
            let drop = if report.kind == CheckKind::Ratio { "rise" } else { "drop" };
            format!(
                "About {more} more cases ({all} in all) settle it 4 times in 5 if there is no real {drop}.{}",
                or_else(report)
            )
        }
        None if told.margin <= 0.0 => "An allowed drop of 0 asks for proof of a gain, which was not given.".to_owned(),
        None if told.evidence.estimate >= 0.0 => from_how_many(told),
        None => {
            let seen = "the observed drop, not the sample, is in the way";
            format!("More cases do not settle it: {seen}.{}", or_else(report))
        }
    }
}

fn or_else(report: &CheckReport) -> String {
    match report.broken {
        Some(0) => String::new(),
        Some(broken) => format!(" Or mend the {}.", counted(broken, "broken case", "broken cases")),
        None if report.kind == CheckKind::Ratio => String::new(),
        None => " More repeats a case narrow it too where the model wavers.".to_owned(),
    }
}

/// Nothing fell, yet there are too few cases: from how many this check passes when nothing changes.
fn from_how_many(told: &Told<'_>) -> String {
    let units = match told.evidence.guarded {
        Some(_) => hall::fewest_units(told.margin, told.alpha, 1.0),
        None => tango::fewest_identical(told.margin, dist::normal_quantile(1.0 - told.alpha)),
    };
    let what = if told.evidence.clusters.is_some() {
        counted(units, "cluster", "clusters")
    } else {
        counted(units, "case", "cases")
    };
    if told.report.kind == CheckKind::Ratio {
        return "No rise was seen, but the amounts vary too much to exclude one: more cases, or more repeats a case."
            .to_owned();
    }
    format!("No drop was seen; where no case changes this check passes from {what}.")
}

/// Why there is nothing to weigh.
pub(crate) fn nothing(error: StatError, sample: &Sample, metric: &str) -> String {
    let code = error.code();
    match error {
        StatError::NoData if sample.planned > 0 && sample.not_measured == sample.planned => {
            format!("{code}: {metric} was not measured on both sides of any pair.")
        }
        StatError::NoData if sample.unscored > 0 && sample.unscored == sample.planned => {
            format!("unscored: no pair has a score for {metric} on both sides.")
        }
        StatError::NoData => format!("{code}: no pair has a value for {metric} on both sides."),
        StatError::NonPositive => {
            format!(
                "{code}: an amount of {metric} is zero, so its ratio does not exist; leave such cases out by a slice."
            )
        }
        _ => format!("{code}: {error}."),
    }
}

/// A level without the last digits of a double: 0.9, not 0.8999999999999999.
pub(crate) fn clean(level: f64) -> f64 {
    (level * 1e12).round() / 1e12
}
