//! Floors and ceilings: the candidate alone against a value, as measured or by its one-sided bound (gate.md, 4.7).

use promptgate_core::gate::{Basis, Limit, Policy, Scope};
use promptgate_core::record::MetricKind;
use promptgate_core::report::{CheckMethod, CheckReport, words};
use promptgate_core::verdict::Verdict;

use super::check::{Cap, Weighed};
use super::evidence::Method;
use super::pairs::Sample;
use super::reason;
use crate::stats::hall::Bounds;
use crate::stats::{StatError, cluster, describe, hall, log_ratio, proportion, these_cases};

/// Judges a floor or ceiling; `over_all_draws` is the candidate's value over the calls of all draws together.
pub(crate) fn judged(check: &Weighed, over_all_draws: Option<f64>, policy: &Policy) -> CheckReport {
    let mut report = CheckReport { baseline: None, ..check.bare() };
    let Some((limit, basis, floor)) = limit_of(check.limit) else { return report };
    let Some(value) = report.candidate else {
        report.verdict = Some(Verdict::Inconclusive);
        report.reason = reason::nothing(StatError::NoData, &check.sample, check.metric.as_str());
        return report;
    };
    // What has no level to divide over draws is judged on the calls of all of them.
    let value = over_all_draws.filter(|_| basis == Basis::Value).unwrap_or(value);
    report.candidate = Some(value);
    let (verdict, method, told) = match basis {
        Basis::Value => by_value(value, limit, floor),
        Basis::Bound => by_bound(&check.sample, &check.method, limit, floor),
    };
    report.method = CheckMethod { block: Some(method.clone()), pass: Some(method) };
    let cap = cap(check, policy);
    report.verdict = Some(if cap.is_some() && verdict == Verdict::Pass { Verdict::Inconclusive } else { verdict });
    report.reason = match &cap {
        Some(cap) => format!("{}: {}. {told}", cap.code.as_str(), cap.words),
        None => told,
    };
    if let Some(way) = cap.and_then(|cap| cap.way).filter(|_| report.verdict == Some(Verdict::Inconclusive)) {
        report.reason.push_str(&format!(" More cases do not settle it: {way}."));
    }
    report
}

/// Why it can be at best inconclusive, the weightiest reason first.
fn cap(check: &Weighed, policy: &Policy) -> Option<Cap> {
    Cap::unscored(&check.sample, policy, "cases").or_else(|| check.judges.cap(policy, check.labels()))
}

fn limit_of(limit: Option<Limit>) -> Option<(f64, Basis, bool)> {
    match limit? {
        Limit::Min(value, basis) => Some((value, basis, true)),
        Limit::Max(value, basis) => Some((value, basis, false)),
        Limit::AllowedDrop(_) | Limit::AllowedRise(_) => None,
    }
}

fn by_value(value: f64, limit: f64, floor: bool) -> (Verdict, String, String) {
    let kept = if floor { value >= limit - 1e-12 } else { value <= limit + 1e-12 };
    let verdict = if kept { Verdict::Pass } else { Verdict::Fail };
    (verdict, "value".to_owned(), "As measured, no error rate.".to_owned())
}

fn by_bound(sample: &Sample, method: &Method, limit: f64, floor: bool) -> (Verdict, String, String) {
    let (name, bounds) = match bounds(sample, method) {
        Ok(Some(found)) => found,
        Ok(None) | Err(_) => {
            return (Verdict::Inconclusive, "bound".to_owned(), "Too few cases for a bound.".to_owned());
        }
    };
    let verdict = match floor {
        true if bounds.lower >= limit => Verdict::Pass,
        true if bounds.upper < limit => Verdict::Fail,
        false if bounds.upper <= limit => Verdict::Pass,
        false if bounds.lower > limit => Verdict::Fail,
        _ => Verdict::Inconclusive,
    };
    let level = words::percent(reason::clean(1.0 - method.alpha));
    let told = format!("Bounds at {level} each way: {:.4} .. {:.4}.", bounds.lower, bounds.upper);
    (verdict, name.to_owned(), told)
}

/// The one-sided bounds of the candidate's mean, and the method's name.
fn bounds(sample: &Sample, method: &Method) -> Result<Option<(&'static str, Bounds)>, StatError> {
    let values = &sample.candidate;
    let ratio = method.kind == MetricKind::Ratio;
    if method.scope == Scope::TheseCases {
        let trials: Vec<Vec<f64>> = sample.trials.iter().map(|case| case.candidate.clone()).collect();
        let bounds = these_cases::bounds_of_candidate(&trials, method.alpha, (!ratio).then_some((0.0, 1.0)))?;
        let name = if ratio { "t with skew term" } else { "t with skew term and guard" };
        return Ok(Some((name, Bounds { lower: bounds.lower, upper: bounds.upper })));
    }
    let pair = |name, bounds: Option<(f64, f64)>| bounds.map(|(lower, upper)| (name, Bounds { lower, upper }));
    if sample.clustered {
        let mean = cluster::clustered_mean(values, &sample.clusters())?;
        let Some((_, robust)) = pair("CR1 t", mean.bounds(method.alpha)) else { return Ok(None) };
        let guarded = hall::guard(mean.mean, mean.clusters, method.alpha, 0.0, 1.0);
        return Ok(Some(match method.kind {
            MetricKind::Ratio => ("CR1 t", robust),
            MetricKind::Binary | MetricKind::Score => ("CR1 t and guard", robust.wider(guarded)),
        }));
    }
    match method.kind {
        MetricKind::Ratio => Ok(pair("t", log_ratio::t_bounds(values, method.alpha)?)),
        MetricKind::Binary if method.trials == 1 => {
            let passed = values.iter().filter(|value| **value > 0.5).count() as u64;
            let (n, level) = (values.len() as u64, 1.0 - 2.0 * method.alpha);
            if method.strict {
                return Ok(pair("Clopper-Pearson", Some(proportion::clopper_pearson(passed, n, level)?)));
            }
            Ok(pair("Wilson", Some(proportion::wilson(passed, n, level)?)))
        }
        MetricKind::Binary | MetricKind::Score => {
            let mean = describe::describe(values)?.mean;
            let guarded = hall::guard(mean, values.len(), method.alpha, 0.0, 1.0);
            let bounds = hall::hall(values, method.alpha)?;
            Ok(bounds.map(|bounds| ("Hall and guard", bounds.wider(guarded))))
        }
    }
}
