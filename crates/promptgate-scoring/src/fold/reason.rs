//! The words of a check: what was seen, how likely that is without a drop, what is ruled out, and what would settle it.
//! One clear sentence each; renderers print them as they are.

use promptgate_core::gate::Scope;
use promptgate_core::report::words::{chance, counted, percent, points, thousands};
use promptgate_core::report::{CheckKind, CheckReport};
use promptgate_core::verdict::Verdict;

use super::check::{Cap, POWER};
use super::evidence::{Evidence, LATER, Method};
use super::pairs::Sample;
use crate::stats::{StatError, bootstrap, dist, hall, tango, these_cases};

/// A suite of fewer cases is small: it is told that it may be taken as the whole requirement.
const SMALL: u64 = 100;

/// What the words of a judged check are made from.
pub(crate) struct Told<'a> {
    pub(crate) report: &'a CheckReport,
    pub(crate) evidence: &'a Evidence,
    /// The allowed drop on the scale of the evidence.
    pub(crate) margin: f64,
    pub(crate) cap: Option<&'a Cap>,
    pub(crate) method: &'a Method,
    pub(crate) sample: &'a Sample,
}

impl Told<'_> {
    fn is_of_these_cases(&self) -> bool {
        self.method.scope == Scope::TheseCases
    }

    /// Trials a case that were usable, as far as all cases have them.
    fn trials(&self) -> u64 {
        self.sample.trials.iter().map(|case| case.candidate.len().min(case.baseline.len())).min().unwrap_or(1) as u64
    }
}

/// The words of a judged check.
pub(crate) fn of_check(told: &Told<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(cap) = told.cap {
        parts.push(format!("{}: {}.", cap.code.as_str(), cap.words));
    }
    parts.push(numbers(told.report, told.evidence, told.method, told.sample));
    parts.extend(allowed(told.report));
    if told.method.running.is_some() && told.report.kind == CheckKind::Ratio {
        parts.push("Amounts have no known range: they decide once the plan is complete.".to_owned());
    } else if told.report.verdict == Some(Verdict::Inconclusive) {
        parts.extend(too_small(told));
        parts.push(settling(told));
    }
    if told.evidence.clusters.is_some_and(|clusters| (5..20).contains(&clusters)) {
        parts.push("Fewer than 20 clusters: the bound is rough.".to_owned());
    }
    parts.join(" ")
}

/// What was seen, how likely it is without a drop, and what is ruled out.
pub(crate) fn numbers(report: &CheckReport, evidence: &Evidence, method: &Method, sample: &Sample) -> String {
    let mut parts = Vec::new();
    let likely = if method.running.is_some() { format!("at most {}", chance(evidence.p)) } else { chance(evidence.p) };
    match (report.fixed, report.broken) {
        (Some(fixed), Some(broken)) => {
            let same = report.n - fixed - broken;
            let broke = counted(broken, "case", "cases");
            parts.push(format!("broke {broke}, fixed {}, {} unchanged.", thousands(fixed), thousands(same)));
            let what = if method.trials > 1 { "result" } else { "split" };
            parts.push(format!("Chance of a {what} this bad with no real drop: {likely}."));
        }
        _ => {
            let worse = if report.kind == CheckKind::Ratio { "rise" } else { "drop" };
            parts.push(format!("Chance of a result this bad with no real {worse}: {likely}."));
        }
    }
    if report.kind == CheckKind::Ratio {
        parts.extend(totals(report));
        parts.extend(slow_tail(report, method, sample));
    }
    match method.scope {
        Scope::Population => parts.push(ruled_out(report)),
        Scope::TheseCases => {
            parts.push(ruled_out(report).replacen("Ruled out:", "Ruled out on these cases:", 1));
            parts.push("Other inputs were not looked at.".to_owned());
        }
    }
    parts.join(" ")
}

/// The bill: the ratio of totals stands beside the mean ratio.
fn totals(report: &CheckReport) -> Option<String> {
    let (before, after) = (report.baseline?, report.candidate?);
    (before > 0.0).then(|| format!("In total {}.", change(after / before - 1.0)))
}

/// The slow tail of latencies, by resampled pairs; below 200 pairs a 95th percentile is too few answers.
fn slow_tail(report: &CheckReport, method: &Method, sample: &Sample) -> Option<String> {
    const LEAST_PAIRS: usize = 200;
    const REPLICATES: u32 = 999;
    report.metric.as_ref().filter(|metric| metric.as_str() == "latency" && sample.n() >= LEAST_PAIRS)?;
    let flips = (method.flips.seed, REPLICATES);
    let tail = bootstrap::quantile_ratio(&sample.baseline, &sample.candidate, 0.95, method.alpha, flips).ok()?;
    let (low, high) = (change(tail.limits.0 - 1.0), change(tail.limits.1 - 1.0));
    Some(format!("95th percentile {} ({low} .. {high}).", change(tail.ratio - 1.0)))
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
        (_, None) if report.method.block.as_deref() == Some(LATER) => "Nothing is ruled out yet.".to_owned(),
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
    (best > told.method.alpha).then(|| "Too small to judge: too few of its cases differ.".to_owned())
}

/// What would settle an open check; never only "more cases".
fn settling(told: &Told<'_>) -> String {
    if let Some(way) = told.cap.and_then(|cap| cap.way) {
        return format!("More cases do not settle it: {way}.");
    }
    if told.evidence.is_by_people() {
        return by_labels(told);
    }
    let (report, n) = (told.report, told.report.n);
    let drop = if report.kind == CheckKind::Ratio { "rise" } else { "drop" };
    match report.cases_needed {
        _ if told.margin <= 0.0 => {
            format!(
                "An allowed {drop} of 0 asks for proof of a gain, which was not given: allow a little, such as 2pt."
            )
        }
        _ if told.is_of_these_cases() => by_repeats(told, drop),
        Some(needed) => {
            let (more, all) = (thousands(needed - n), thousands(needed));
            format!(
                "About {more} more cases ({all} in all) settle it 4 times in 5 if there is no real {drop}. {}",
                ways(told, "Or")
            )
        }
        None if told.evidence.estimate >= 0.0 => format!("{} {}", from_how_many(told), ways(told, "Or")),
        None => {
            let seen = "the drop seen is too large for that";
            format!("More cases do not settle it: {seen}. {}", ways(told, "Instead"))
        }
    }
}

/// What people say of some pairs decides: more cases without labels show no more of it.
fn by_labels(told: &Told<'_>) -> String {
    let least = hall::fewest_units(told.margin, told.method.alpha, 1.0);
    let at_least = match told.evidence.guarded.filter(|labelled| told.margin > 0.0 && (*labelled as u64) < least) {
        Some(labelled) => {
            format!(" (all {labelled} are alike: without a gain it takes {} of them at least)", thousands(least))
        }
        None => String::new(),
    };
    format!("More pairs labelled by people on both sides settle it{at_least}. {}", ways(told, "Or"))
}

/// What else settles an open check than more cases: mending what broke, taking the suite as the whole requirement, or
/// allowing what is not ruled out.
fn ways(told: &Told<'_>, word: &str) -> String {
    let report = told.report;
    let mut ways = Vec::new();
    if let Some(broken @ 1..) = report.broken {
        ways.push(format!("mend the {}", counted(broken, "broken case", "broken cases")));
    }
    // Where these cases are the question, no correction by people is known.
    let may_be_all = !told.is_of_these_cases() && !told.evidence.is_by_people();
    let small = report.n < SMALL && report.slice.is_none() && may_be_all;
    if small && report.kind != CheckKind::Ratio {
        let trials = these_cases::fewest_calls(told.margin, told.method.alpha, 1.0).div_ceil(report.n.max(1)).max(3);
        let with =
            if u64::from(told.method.trials) >= trials { String::new() } else { format!(" with `trials = {trials}`") };
        ways.push(format!("let these cases be the whole requirement (`scope = \"these-cases\"`{with})"));
    } else if told.method.trials == 1 && report.kind != CheckKind::Binary {
        ways.push("repeat each case (`trials = 3`) where the model wavers".to_owned());
    }
    match (report.kind, report.ruled_out) {
        (CheckKind::Ratio, Some(rise @ 0.0..)) => {
            ways.push(format!("allow a rise of {}, if you can live with it", percent(rise_up(rise))))
        }
        (_, Some(drop)) if drop < 0.5 => {
            ways.push(format!("allow a drop of {}, if you can live with it", points(drop_up(drop))))
        }
        _ => {}
    }
    match ways.as_slice() {
        [] => format!("{word} look at the cases that changed."),
        ways => format!("{word} {}.", ways.join("; or ")),
    }
}

/// The next half point above a drop, which this evidence would pass.
fn drop_up(drop: f64) -> f64 {
    (drop * 200.0).floor() / 200.0 + 0.005
}

/// The next percent above a rise.
fn rise_up(rise: f64) -> f64 {
    (rise * 100.0).floor() / 100.0 + 0.01
}

/// Where the cases themselves are the question, repeats settle it (gate.md, 4.8 and 8).
fn by_repeats(told: &Told<'_>, drop: &str) -> String {
    let (n, trials) = (told.report.n, told.trials());
    if told.evidence.estimate <= -told.margin / 2.0 + 1e-12 {
        let seen = format!("the {drop} seen is too large for that");
        return format!("More repeats do not settle it: {seen}. {}", ways(told, "Instead"));
    }
    let within = these_cases::within(&told.sample.trials);
    let needed = these_cases::trials_needed(within, n, told.margin, told.method.alpha, POWER);
    let guard = match told.report.kind {
        CheckKind::Ratio => 0,
        _ => these_cases::fewest_calls(told.margin, told.method.alpha, 1.0).div_ceil(n.max(1)),
    };
    match needed.max(guard) {
        needed if needed > trials => {
            let more = needed - trials;
            format!(
                "About {} a case ({} more) settle it 4 times in 5 if there is no real {drop} on these cases. {}",
                counted(needed, "trial", "trials"),
                thousands(more),
                ways(told, "Or")
            )
        }
        _ => format!("The calls at hand would settle it 4 times in 5; this time they did not. {}", ways(told, "Or")),
    }
}

/// Nothing fell, yet there are too few cases: from how many this check passes when nothing changes.
fn from_how_many(told: &Told<'_>) -> String {
    let units = match told.evidence.guarded {
        Some(_) => hall::fewest_units(told.margin, told.method.alpha, 1.0),
        None => tango::fewest_identical(told.margin, dist::normal_quantile(1.0 - told.method.alpha)),
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
    format!("No drop was seen: with {what} in all, none of them changed, this check passes.")
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
