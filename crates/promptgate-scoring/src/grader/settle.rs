//! From the results of assertions to the outcome of a trial: the one place where that is decided.

use std::collections::BTreeMap;

use promptgate_core::case::Case;
use promptgate_core::name::MetricName;
use promptgate_core::record::{AssertionResult, TrialError, people_metric};
use promptgate_core::score::{Outcome, Score, Tier};
use promptgate_core::suite::DerivedMetric;

use super::Graded;

/// A result, and the metric it feeds.
pub(super) struct Fed {
    pub(super) result: AssertionResult,
    pub(super) metric: Option<MetricName>,
    /// What people say of the output, where it is known.
    pub(super) label: Option<f64>,
}

impl Graded {
    /// A trial that could not be judged.
    pub(super) fn unscored(assertion: &str, reason: &str) -> Self {
        let error = TrialError::Unscored { assertion: assertion.to_owned(), reason: reason.to_owned() };
        Self {
            outcome: Outcome::Errored,
            error: Some(error),
            score: None,
            assertions: Vec::new(),
            metrics: BTreeMap::new(),
        }
    }
}

/// How a trial came out. Critical assertions alone decide: an unscored one makes it errored; else each must have passed,
/// or, where the case has a `threshold`, their weighted mean must reach it.
pub(super) fn settle(case: &Case, fed: Vec<Fed>, derived: &[DerivedMetric]) -> Graded {
    let mut metrics = metrics(&fed);
    derive(&mut metrics, derived);
    let critical = || fed.iter().map(|fed| &fed.result).filter(|result| result.tier == Tier::Critical);
    let score = mean(critical().filter_map(|result| Some((result.weight, result.scored.score.value()?))));
    let error = match critical().next() {
        None => Some(nothing_decides()),
        Some(_) => critical().find_map(unscored),
    };
    let passed = match case.threshold {
        Some(threshold) => score.is_some_and(|score| score >= threshold - 1e-12),
        None => critical().all(|result| result.scored.passed),
    };
    let outcome = match (&error, passed) {
        (Some(_), _) => Outcome::Errored,
        (None, true) => Outcome::Passed,
        (None, false) => Outcome::Failed,
    };
    Graded { outcome, error, score, assertions: fed.into_iter().map(|fed| fed.result).collect(), metrics }
}

/// No assertion that decides looks at the case: nothing says that it passed, and nothing that it failed.
fn nothing_decides() -> TrialError {
    TrialError::Unscored { assertion: "none".to_owned(), reason: "no critical assertion looks at this case".to_owned() }
}

fn unscored(result: &AssertionResult) -> Option<TrialError> {
    match &result.scored.score {
        Score::Unscored(reason) => {
            Some(TrialError::Unscored { assertion: result.name.clone(), reason: reason.clone() })
        }
        Score::Value(_) => None,
    }
}

/// A metric's value is the weighted mean of what feeds it, and there is none while a feeder is unscored.
fn metrics(fed: &[Fed]) -> BTreeMap<MetricName, Option<f64>> {
    let mut metrics = BTreeMap::new();
    for name in fed.iter().filter_map(|fed| fed.metric.as_ref()) {
        if !metrics.contains_key(name) {
            metrics.insert(name.clone(), metric(fed, name));
        }
    }
    let people: Vec<(MetricName, f64)> = metrics.keys().filter_map(|name| people_say(fed, name)).collect();
    metrics.extend(people.into_iter().map(|(people, label)| (people, Some(label))));
    metrics
}

/// What people say of a metric's value, with its name. A label is of one assertion: where several feed a metric on this
/// trial, none is of their mean.
fn people_say(fed: &[Fed], name: &MetricName) -> Option<(MetricName, f64)> {
    let mut feeders = fed.iter().filter(|fed| fed.metric.as_ref() == Some(name));
    match (feeders.next(), feeders.next()) {
        (Some(Fed { label: Some(label), .. }), None) => Some((people_metric(name)?, *label)),
        _ => None,
    }
}

/// Adds the metrics that are reckoned from others.
pub(super) fn derive(metrics: &mut BTreeMap<MetricName, Option<f64>>, derived: &[DerivedMetric]) {
    for metric in derived {
        // What a formula needs may not look at this case; then the metric does not either.
        if metric.formula.names().iter().all(|name| metrics.contains_key(name)) {
            let value = metric.formula.value(&|name| metrics.get(name).copied().flatten());
            metrics.insert(metric.name.clone(), value.and_then(within_a_score));
        }
    }
}

/// A value as a score, rounding undone; absent outside of 0..=1.
fn within_a_score(value: f64) -> Option<f64> {
    (-1e-9..=1.0 + 1e-9).contains(&value).then(|| value.clamp(0.0, 1.0))
}

fn metric(fed: &[Fed], name: &MetricName) -> Option<f64> {
    let feeders = fed.iter().filter(|fed| fed.metric.as_ref() == Some(name)).map(|fed| &fed.result);
    let scores = feeders.map(|result| Some((result.weight, result.scored.score.value()?)));
    mean(scores.collect::<Option<Vec<_>>>()?)
}

/// The weighted mean; `None` of nothing.
fn mean(scores: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let (weight, sum) = scores.into_iter().fold((0.0, 0.0), |(weight, sum), (w, s)| (weight + w, sum + w * s));
    // The bounds undo rounding: the mean of scores is a score.
    (weight > 0.0).then(|| (sum / weight).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use promptgate_core::formula::Formula;

    use super::*;

    fn name(name: &str) -> MetricName {
        MetricName::new(name).unwrap()
    }

    #[test]
    fn derived_metrics_are_scores_of_what_looked_at_the_case() {
        let derived = |formulas: &[(&str, &str)], fed: &[(&str, Option<f64>)]| {
            let derived = formulas.iter().map(|(metric, formula)| DerivedMetric {
                name: name(metric),
                formula: Formula::parse(formula).unwrap(),
            });
            let mut metrics: BTreeMap<_, _> = fed.iter().map(|(metric, value)| (name(metric), *value)).collect();
            derive(&mut metrics, &derived.collect::<Vec<_>>());
            metrics.get(&name("d")).copied()
        };
        let of = |formula: &str, fed: &[(&str, Option<f64>)]| derived(&[("d", formula)], fed);
        let (half, one) = (("a", Some(0.5)), ("b", Some(1.0)));
        assert_eq!(of("a * b", &[half, one]), Some(Some(0.5)));
        assert_eq!(of("a * b", &[half]), None, "`b` does not look at the case");
        assert_eq!(of("a * b", &[half, ("b", None)]), Some(None), "`b` is unscored");
        assert_eq!(of("a / (b - 1)", &[half, one]), Some(None), "no number");
        assert_eq!((of("a + b", &[half, one]), of("a - b", &[half, one])), (Some(None), Some(None)), "no score");
        assert_eq!(of("a + 0.5 + 0.0000000001", &[half]), Some(Some(1.0)), "rounding is undone");
        assert_eq!(derived(&[("c", "1 - a"), ("d", "c >= 0.5")], &[half]), Some(Some(1.0)));
    }
}
