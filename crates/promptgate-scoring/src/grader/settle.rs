//! From the results of assertions to the outcome of a trial: the one place where that is decided.

use std::collections::BTreeMap;

use promptgate_core::case::Case;
use promptgate_core::name::MetricName;
use promptgate_core::record::{AssertionResult, TrialError, people_metric};
use promptgate_core::score::{Outcome, Score, Tier};

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
pub(super) fn settle(case: &Case, fed: Vec<Fed>) -> Graded {
    let metrics = metrics(&fed);
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
    // A label is of one assertion; a metric that several feed has none.
    for one in fed {
        if let (Some(name), Some(label)) = (&one.metric, one.label)
            && let Some(people) = people_metric(name)
        {
            metrics.insert(people, Some(label));
        }
    }
    metrics
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
