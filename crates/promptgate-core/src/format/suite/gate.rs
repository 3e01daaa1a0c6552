//! `[gate]`: the policy with all defaults filled in. A gate that could not block, or that asks for what cannot be
//! computed, is refused here.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::amount::{Amount, amount, duration_of};
use super::super::assertion::TIERS;
use super::super::node::{Entry, Kind, Node};
use super::super::selection;
use super::super::source::Source;
use super::super::table::Fields;
use super::REFERENCE;
use crate::diagnostic::Diagnostic;
use crate::gate::{
    Basis, Check, Fresh, GateSettings, Limit, Policy, RATIO_METRICS, RESERVED_METRICS, Rule, Scope, Sequential, Subject,
};
use crate::name::MetricName;
use crate::nearest::did_you_mean;
use crate::reference::Reference;
use crate::score::Tier;
use crate::selection::Selection;
use crate::verdict::Requirement;

const REQUIREMENTS: [(&str, Requirement); 2] =
    [("shown-not-worse", Requirement::ShownNotWorse), ("no-regression-found", Requirement::NoRegressionFound)];
const SCOPES: [(&str, Scope); 2] = [("population", Scope::Population), ("these-cases", Scope::TheseCases)];
const SEQUENTIAL: [(&str, Sequential); 2] = [("looks", Sequential::Looks), ("anytime", Sequential::Anytime)];
const FRESH: [(&str, Fresh); 2] = [("spend", Fresh::Spend), ("free", Fresh::Free)];
const BASES: [(&str, Basis); 2] = [("value", Basis::Value), ("bound", Basis::Bound)];
const LIMITS: [&str; 4] = ["allowed_drop", "allowed_rise", "min", "max"];
const OF_METRICS: [&str; 6] = ["allowed_drop", "allowed_rise", "min", "max", "basis", "slice"];
const OF_RULES: [&str; 3] = ["cases", "max_broken", "confirm"];

/// More sign flips, extra calls or labels than these are a slip.
const MOST_FLIPS: u32 = 10_000_000;
const MOST_CONFIRM: u32 = 1_000;

/// What the rest of the suite says that checks depend on.
pub(super) struct Known {
    /// The metrics its assertions feed.
    pub fed: BTreeSet<MetricName>,
    /// Whether cases may feed others.
    pub of_cases_too: bool,
    /// Repeats per case.
    pub trials: u32,
}

/// Reads `[gate]`, and what deserves a warning.
pub(super) fn policy(
    source: &Source<'_>,
    node: &Node,
    defaults: &GateSettings,
    known: &Known,
) -> Option<(Policy, Vec<Diagnostic>)> {
    let fields = Fields::of(source, node, "`[gate]`")?;
    let mut policy = settings(&fields).over(defaults.clone()).policy();
    policy.baselines = baselines(&fields);
    let checks = fields.list("check", "`[[gate.check]]` tables").unwrap_or_default();
    let mut warnings = Vec::new();
    for node in checks {
        policy.checks.extend(check(source, node, known, fields.has("baseline"), &mut warnings));
    }
    // Checks that could not be read are told already.
    if checks.len() == policy.checks.len() && policy.checks.iter().all(|check| check.tier == Tier::Advisory) {
        let help = "add a check that decides, such as `metric = \"pass_rate\"` with `allowed_drop = \"5pt\"`";
        source.mistake(node.at, "this gate has no critical check, so it could not block", help);
    }
    if policy.scope == Scope::TheseCases && known.trials < 2 {
        let help = "write `trials = 3` or more at the top of the suite";
        fields.mistake("scope", "`these-cases` needs at least two trials a case", help);
    }
    if policy.scope == Scope::TheseCases && policy.sequential.is_some() {
        let help = "leave out `sequential`, or judge the population";
        fields.mistake(
            "sequential",
            "under `these-cases` every case is part of the question, so none can be left out",
            help,
        );
    }
    if policy.scope == Scope::TheseCases && known.trials == 2 {
        let at = fields.entry("scope").map_or(node.at, |entry| entry.at);
        let help = "write `trials = 3` at the top of the suite: two keep the promises and lack power";
        warnings.push(source.diagnostic(at, "`these-cases` with two trials a case", help));
    }
    fields.finish();
    Some((policy, warnings))
}

/// Reads the settings of a gate, but not its checks.
pub(crate) fn settings(fields: &Fields<'_, '_, '_>) -> GateSettings {
    const LONGEST_AGE: Duration = Duration::from_secs(100 * 366 * 86_400);
    let share = |key, expected, fits: fn(f64) -> bool| fields.number(key, expected, fits);
    GateSettings {
        require: fields.one_of("require", &REQUIREMENTS),
        scope: fields.one_of("scope", &SCOPES),
        confidence: share("confidence", "a number above 0.5 and below 1, such as 0.95", |x| x > 0.5 && x < 1.0),
        strict: fields.flag("strict"),
        max_missing: share("max_missing", "a share from 0 to below 1, such as 0.05", |x| (0.0..1.0).contains(&x)),
        max_age: duration_of(fields, "max_age", LONGEST_AGE).map(|age| age.as_secs().max(1)),
        sequential: fields.one_of("sequential", &SEQUENTIAL),
        fresh: fields.one_of("fresh", &FRESH),
        flips: fields.small_count("flips", 1..=MOST_FLIPS),
        min_agreement: share("min_agreement", "a number above 0 and at most 1", |x| x > 0.0 && x <= 1.0),
        judge_labels_min: fields.small_count("judge_labels_min", 0..=1_000_000),
    }
}

fn baselines(fields: &Fields<'_, '_, '_>) -> Vec<Reference> {
    let Some(entry) = fields.entry("baseline") else { return Vec::new() };
    let items = match &entry.value.kind {
        Kind::List(items) if items.is_empty() => {
            fields.mistake("baseline", "`baseline` lists nothing", "name a version, or leave it out");
            return Vec::new();
        }
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut found: Vec<Reference> = Vec::with_capacity(items.len());
    for item in items {
        let Some(reference) = reference(fields.source, item) else { continue };
        if found.contains(&reference) {
            fields.source.mistake(
                item.at,
                format!("the baseline `{reference}` stands here twice"),
                "keep one of the two",
            );
        }
        found.push(reference);
    }
    found
}

fn reference(source: &Source<'_>, node: &Node) -> Option<Reference> {
    match &node.kind {
        Kind::Text(text) => {
            text.parse().map_err(|error| source.mistake(node.at, format!("`baseline`: {error}"), REFERENCE)).ok()
        }
        _ => {
            source.mistake(node.at, format!("a baseline is {}", node.what()), REFERENCE);
            None
        }
    }
}

fn check(
    source: &Source<'_>,
    node: &Node,
    known: &Known,
    has_baseline: bool,
    warnings: &mut Vec<Diagnostic>,
) -> Option<Check> {
    let fields = Fields::of(source, node, "`[[gate.check]]`")?;
    let check = match (fields.entry("metric"), fields.entry("rule")) {
        (Some(_), None) => metric_check(&fields, known),
        (None, Some(_)) => rule_check(&fields),
        (both, _) => {
            let found = if both.is_some() { "both `metric` and `rule`" } else { "neither `metric` nor `rule`" };
            let help = "a check holds a metric to a limit, or cases to a rule: write one of the two";
            source.mistake(node.at, format!("this check has {found}"), help);
            // So that no key of either kind is called unknown.
            OF_METRICS.iter().chain(&OF_RULES).chain(&["tier"]).for_each(|key| fields.know(key));
            None
        }
    };
    // Only now: a key that does not fit the kind of check is told as such.
    fields.finish();
    let check = check?;
    if check.needs_baseline() && !has_baseline {
        let help =
            "write `baseline = \"...\"` under `[gate]`; floors (`min`), ceilings (`max`) and `must-pass` do without";
        source.mistake(node.at, "this check compares with a baseline, and the gate has none", help);
    }
    if let Subject::Metric { limit: Some(Limit::AllowedDrop(0.0) | Limit::AllowedRise(0.0)), .. } = check.subject {
        let key = if node.entry("allowed_drop").is_some() { "allowed_drop" } else { "allowed_rise" };
        let at = node.entry(key).map_or(node.at, |entry| entry.at);
        let help = "only a candidate that is proven better can pass; allow a little, or mean it";
        warnings.push(source.diagnostic(at, format!("`{key}` is 0"), help));
    }
    Some(check)
}

/// Keys of the other kind of check.
fn refuse(fields: &Fields<'_, '_, '_>, keys: &[&'static str], message: &str, help: &str) {
    for key in keys {
        if let Some(Entry { at, .. }) = fields.entry(key) {
            fields.source.mistake(*at, format!("`{key}` {message}"), help);
        }
    }
}

fn metric_check(fields: &Fields<'_, '_, '_>, known: &Known) -> Option<Check> {
    refuse(fields, &OF_RULES, "belongs to a check with `rule`", "a check of a metric has `slice` and one limit");
    let metric = metric(fields, known);
    let name = metric.as_ref().map_or("", |metric| metric.as_str());
    let slice = selection_of(fields, "slice");
    let limit = limit(fields, name);
    let tier = fields.one_of("tier", &TIERS);
    // A latency is measured on whatever machine and day; it decides only where the suite says so.
    let tier = tier.unwrap_or(if name == "latency" { Tier::Advisory } else { Tier::Critical });
    let has_limit = LIMITS.iter().any(|key| fields.has(key));
    if tier == Tier::Critical && !has_limit && metric.is_some() {
        let limit = if RATIO_METRICS.contains(&name) { "allowed_rise = \"10%\"" } else { "allowed_drop = \"5pt\"" };
        let help = format!("write `{limit}`, `min` or `max`; or `tier = \"advisory\"` to have it shown only");
        fields.mistake("metric", "this critical check has no limit", help);
    }
    // What is wrong with a limit is told; the check is not what it was meant to be.
    if has_limit && limit.is_none() {
        return None;
    }
    Some(Check { subject: Subject::Metric { metric: metric?, slice, limit }, tier })
}

fn metric(fields: &Fields<'_, '_, '_>, known: &Known) -> Option<MetricName> {
    let metric =
        fields.parsed("metric", "write `pass_rate` or the `metric` of an assertion", |text| MetricName::new(text))?;
    if !known.of_cases_too
        && let Some((message, help)) = unknown_metric(metric.as_str(), &known.fed)
    {
        fields.mistake("metric", message, help);
        return None;
    }
    Some(metric)
}

/// What is wrong with the name of a metric that nothing feeds, and what to do.
pub(super) fn unknown_metric(name: &str, fed: &BTreeSet<MetricName>) -> Option<(String, String)> {
    let known = RESERVED_METRICS.into_iter().chain(fed.iter().map(MetricName::as_str));
    if known.clone().any(|known| known == name) {
        return None;
    }
    let help = format!("{}; an assertion feeds a metric by `metric = \"{name}\"`", did_you_mean(name, known));
    Some((format!("no assertion feeds the metric `{name}`"), help))
}

fn selection_of(fields: &Fields<'_, '_, '_>, key: &'static str) -> Option<Selection> {
    let entry = fields.entry(key)?;
    selection::of_node(fields.source, &entry.value, &format!("`{key}`"))
}

fn limit(fields: &Fields<'_, '_, '_>, metric: &str) -> Option<Limit> {
    let is_ratio = RATIO_METRICS.contains(&metric);
    let drop = allowed_drop(fields, is_ratio);
    let rise = allowed_rise(fields, is_ratio);
    let bound = |key| bound(fields, key, metric);
    let (min, max) = (bound("min"), bound("max"));
    let basis = fields.one_of("basis", &BASES);
    let given: Vec<&str> = LIMITS.into_iter().filter(|key| fields.has(key)).collect();
    if let [first, second, ..] = given.as_slice() {
        let message = format!("this check has two limits, `{first}` and `{second}`");
        fields.mistake(second, message, "write a check for each");
        return None;
    }
    if fields.has("basis") && !fields.has("min") && !fields.has("max") {
        let help = "leave it out; comparisons always rest on a bound";
        fields.mistake("basis", "`basis` belongs to `min` or `max`", help);
    }
    let basis = basis.unwrap_or_default();
    let floor = min.map(|min| Limit::Min(min, basis)).or(max.map(|max| Limit::Max(max, basis)));
    drop.map(Limit::AllowedDrop).or(rise.map(Limit::AllowedRise)).or(floor)
}

fn allowed_drop(fields: &Fields<'_, '_, '_>, is_ratio: bool) -> Option<f64> {
    const HELP: &str = "write points such as \"5pt\", or a share such as 0.05: at least 0 and below 1";
    let found = amount(fields, "allowed_drop", HELP)?;
    if is_ratio {
        let help = "for cost, tokens and latency write `allowed_rise = \"10%\"`";
        fields.mistake("allowed_drop", "an amount has no `allowed_drop`: less is better", help);
        return None;
    }
    match found {
        Amount::Bare(drop) | Amount::Points(drop) if (0.0..1.0).contains(&drop) => return Some(drop),
        Amount::Percent(_) => {
            fields.mistake("allowed_drop", "a percentage could be of the baseline or of the whole", HELP)
        }
        Amount::Time(_) => fields.mistake("allowed_drop", "`allowed_drop` is a time", HELP),
        Amount::Bare(drop) if drop >= 1.0 => {
            let help = format!("did you mean \"{drop}pt\"? {HELP}");
            fields.mistake("allowed_drop", format!("`allowed_drop` is {drop}, the whole range or more"), help);
        }
        Amount::Points(drop) if drop >= 1.0 => {
            fields.mistake("allowed_drop", "`allowed_drop` is the whole range or more, so nothing could fail", HELP);
        }
        Amount::Bare(_) | Amount::Points(_) => fields.mistake("allowed_drop", "`allowed_drop` is below 0", HELP),
    }
    None
}

fn allowed_rise(fields: &Fields<'_, '_, '_>, is_ratio: bool) -> Option<f64> {
    const HELP: &str = "write a percentage such as \"10%\", or a share such as 0.1: at least 0";
    let found = amount(fields, "allowed_rise", HELP)?;
    if !is_ratio {
        let message = "only cost, tokens and latency have an `allowed_rise`";
        fields.mistake("allowed_rise", message, "for pass rates and scores write `allowed_drop = \"5pt\"`");
        return None;
    }
    match found {
        Amount::Bare(rise) if (0.0..1.0).contains(&rise) => return Some(rise),
        Amount::Percent(rise) if rise >= 0.0 => return Some(rise),
        Amount::Points(_) => fields.mistake("allowed_rise", "a rise is a ratio, not a number of points", HELP),
        Amount::Time(_) => fields.mistake("allowed_rise", "`allowed_rise` is a time", HELP),
        Amount::Bare(rise) if rise >= 1.0 => {
            let help =
                format!("did you mean \"{rise}%\"? To double and more, write it in percent: \"{}%\"", rise * 100.0);
            fields.mistake("allowed_rise", format!("`allowed_rise` is {rise}"), help);
        }
        Amount::Bare(_) | Amount::Percent(_) => fields.mistake("allowed_rise", "`allowed_rise` is below 0", HELP),
    }
    None
}

/// A floor or a ceiling, in the metric's unit: shares, US dollars, tokens, milliseconds.
fn bound(fields: &Fields<'_, '_, '_>, key: &'static str, metric: &str) -> Option<f64> {
    let help = match metric {
        "latency" => "write a duration such as \"4s\", or milliseconds above 0",
        "cost" => "write US dollars above 0",
        "tokens" | "input_tokens" | "output_tokens" => "write a number of tokens above 0",
        _ if key == "min" => "write a share such as 0.9 or \"90%\": above 0 and at most 1",
        _ => "write a share such as 0.1 or \"10%\": at least 0 and below 1",
    };
    let is_ratio = RATIO_METRICS.contains(&metric);
    let value = match amount(fields, key, help)? {
        Amount::Bare(value) => value,
        Amount::Percent(value) if !is_ratio => value,
        Amount::Time(time) if metric == "latency" => time.as_millis() as f64,
        _ => f64::NAN,
    };
    // What always holds guards nothing, what never holds blocks everything.
    let fits = match key {
        _ if is_ratio => value > 0.0 && value.is_finite(),
        "min" => value > 0.0 && value <= 1.0,
        _ => (0.0..1.0).contains(&value),
    };
    if !fits {
        fields.mistake(
            key,
            format!("`{key}` cannot be that for {}", if metric.is_empty() { "this metric" } else { metric }),
            help,
        );
    }
    fits.then_some(value)
}

fn rule_check(fields: &Fields<'_, '_, '_>) -> Option<Check> {
    const RULES: [(&str, &str); 2] = [("must-pass", "must-pass"), ("no-new-break", "no-new-break")];
    refuse(fields, &OF_METRICS, "belongs to a check with `metric`", "a rule has `cases`, `confirm` and `tier`");
    let rule = fields.one_of("rule", &RULES);
    let cases = selection_of(fields, "cases");
    let confirm = fields.small_count("confirm", 0..=MOST_CONFIRM);
    let max_broken = fields.small_count("max_broken", 0..=u32::MAX);
    let tier = fields.one_of("tier", &TIERS).unwrap_or_default();
    let rule = match rule? {
        "must-pass" => {
            if fields.has("max_broken") {
                let help = "leave it out, or use `rule = \"no-new-break\"`";
                fields.mistake("max_broken", "`must-pass` is absolute and has no `max_broken`", help);
            }
            Rule::MustPass { confirm: confirm.unwrap_or(0) }
        }
        _ => Rule::NoNewBreak { max_broken: max_broken.unwrap_or(0), confirm: confirm.unwrap_or(3) },
    };
    Some(Check { subject: Subject::Rule { rule, cases }, tier })
}
