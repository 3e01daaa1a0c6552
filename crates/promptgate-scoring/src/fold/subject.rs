//! What a check looks at on one trial: the outcome, a suite's metric, or an amount; and what it means when there is no
//! value. The kinds of absence never mix: missing, unscored and not measured have different consequences.

use std::collections::BTreeMap;

use promptgate_core::answer::{Failure, FailureKind, Response, Usage};
use promptgate_core::gate::RATIO_METRICS;
use promptgate_core::name::MetricName;
use promptgate_core::price::NanoUsd;
use promptgate_core::record::{AssertionResult, EarlierDraw, MetricKind, RunHeader, SettledTrial, TrialError};
use promptgate_core::score::{Outcome, Tier};

/// What a metric is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// `pass_rate`.
    Outcome,
    /// A suite's own metric.
    Metric(MetricName),
    /// A positive amount.
    Amount(Amount),
}

/// The reserved amounts, in the order of [`RATIO_METRICS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// In dollars.
    Cost,
    /// Read and written.
    Tokens,
    /// Read.
    InputTokens,
    /// Written.
    OutputTokens,
    /// In milliseconds.
    Latency,
}

impl Amount {
    pub(crate) const ALL: [Self; 5] = [Self::Cost, Self::Tokens, Self::InputTokens, Self::OutputTokens, Self::Latency];

    pub(crate) fn name(self) -> &'static str {
        RATIO_METRICS[self as usize]
    }

    /// The amount of an answer in its unit; absent where it was not measured.
    pub(crate) fn of(self, response: &Response) -> Option<f64> {
        self.among(response.cost, response.usage.as_ref(), response.latency_ms)
    }

    fn among(self, cost: Option<NanoUsd>, tokens: Option<&Usage>, latency_ms: Option<u64>) -> Option<f64> {
        match self {
            Self::Cost => cost.map(|cost| cost.dollars()),
            Self::Tokens => tokens.map(|usage| usage.input_tokens.saturating_add(usage.output_tokens) as f64),
            Self::InputTokens => tokens.map(|usage| usage.input_tokens as f64),
            Self::OutputTokens => tokens.map(|usage| usage.output_tokens as f64),
            Self::Latency => latency_ms.map(|latency| latency as f64),
        }
    }
}

impl Subject {
    /// The subject a metric's name stands for; absent where neither the suite nor we know it.
    pub(crate) fn named(name: &MetricName, header: &RunHeader) -> Option<Self> {
        if name.as_str() == "pass_rate" {
            return Some(Self::Outcome);
        }
        let amount = Amount::ALL.into_iter().find(|amount| amount.name() == name.as_str());
        let own = || header.metrics.iter().any(|metric| metric.name == *name).then(|| Self::Metric(name.clone()));
        amount.map(Self::Amount).or_else(own)
    }

    /// All subjects of a run: the pass rate, the suite's metrics, the amounts.
    pub(crate) fn all(header: &RunHeader) -> Vec<Self> {
        let own = header.metrics.iter().map(|metric| Self::Metric(metric.name.clone()));
        std::iter::once(Self::Outcome).chain(own).chain(Amount::ALL.map(Self::Amount)).collect()
    }

    pub(crate) fn name(&self) -> MetricName {
        #[expect(clippy::expect_used, reason = "reserved names are valid metric names")]
        let reserved = |name: &str| MetricName::new(name).expect("a reserved name is a metric name");
        match self {
            Self::Outcome => reserved("pass_rate"),
            Self::Metric(name) => name.clone(),
            Self::Amount(amount) => reserved(amount.name()),
        }
    }

    /// The kind, by declaration alone.
    pub(crate) fn kind(&self, header: &RunHeader) -> MetricKind {
        match self {
            Self::Outcome => MetricKind::Binary,
            Self::Amount(_) => MetricKind::Ratio,
            Self::Metric(name) => {
                let spec = header.metrics.iter().find(|metric| metric.name == *name);
                spec.map_or(MetricKind::Score, |metric| metric.kind)
            }
        }
    }

    /// The reading of one trial.
    pub(crate) fn read(&self, trial: &SettledTrial) -> Reading {
        if let Some(absence) = absence(trial) {
            // An unanswered trial names the metrics that would have been fed.
            let unfed = matches!(self, Self::Metric(name) if !trial.metrics.contains_key(name));
            return if unfed && absence.is_unanswered() { Reading::NotFed } else { absence };
        }
        match self {
            Self::Outcome if is_ungraded(trial) => Reading::Ungraded,
            Self::Outcome => outcome(trial.outcome),
            Self::Metric(name) => match fed(&trial.metrics, name) {
                Some(Reading::Unscored) if lacks_grades(trial.assertions.iter()) => Reading::Ungraded,
                Some(reading) => reading,
                None if trial.error.is_some() && trial.assertions.is_empty() => Reading::Unscored,
                None => Reading::NotFed,
            },
            Self::Amount(amount) => {
                let amount = trial.response.as_ref().and_then(|response| amount.of(response));
                amount.filter(|amount| amount.is_finite()).map_or(Reading::NotMeasured, Reading::Value)
            }
        }
    }
}

impl Subject {
    /// The reading of an earlier draw.
    pub(crate) fn read_earlier(&self, draw: &EarlierDraw) -> Reading {
        match self {
            Self::Outcome => outcome(draw.outcome),
            Self::Metric(name) => fed(&draw.metrics, name).unwrap_or(Reading::NotFed),
            Self::Amount(amount) => {
                let amount = amount.among(draw.cost, draw.usage.as_ref(), draw.latency_ms);
                amount.map_or(Reading::NotMeasured, Reading::Value)
            }
        }
    }
}

fn outcome(outcome: Outcome) -> Reading {
    match outcome {
        Outcome::Passed => Reading::Value(1.0),
        Outcome::Failed => Reading::Value(0.0),
        Outcome::Errored | Outcome::Skipped => Reading::Unscored,
    }
}

/// The value of a metric that is fed; what is no score is unscored.
fn fed(metrics: &BTreeMap<MetricName, Option<f64>>, name: &MetricName) -> Option<Reading> {
    metrics.get(name).map(|value| match value {
        Some(value) if (0.0..=1.0).contains(value) => Reading::Value(*value),
        _ => Reading::Unscored,
    })
}

/// Why a trial has no answer at all, if it has none.
fn absence(trial: &SettledTrial) -> Option<Reading> {
    match (&trial.outcome, &trial.error) {
        (Outcome::Skipped, _) => Some(Reading::Skipped),
        (_, Some(TrialError::Unanswered(failure))) => Some(match failure.kind {
            FailureKind::Quota => Reading::NoQuota,
            FailureKind::MissingRecording => Reading::NotHeld,
            _ => Reading::Unanswered,
        }),
        _ => None,
    }
}

/// The failure for which a trial has no answer, where it is one of infrastructure.
pub(crate) fn unanswered(trial: &SettledTrial) -> Option<&Failure> {
    let Some(TrialError::Unanswered(failure)) = &trial.error else { return None };
    matches!(absence(trial), Some(Reading::Unanswered | Reading::NoQuota)).then_some(failure)
}

/// Whether all that keeps a trial from an outcome is that whoever grades it is out.
pub(crate) fn is_ungraded(trial: &SettledTrial) -> bool {
    let unscored = matches!(trial.error, Some(TrialError::Unscored { .. }));
    unscored && lacks_grades(trial.assertions.iter().filter(|result| result.tier == Tier::Critical))
}

/// Whether some assertions are unscored, and all of these since whoever was asked is out.
fn lacks_grades<'a>(assertions: impl Iterator<Item = &'a AssertionResult>) -> bool {
    let mut unscored = assertions.filter(|result| result.scored.score.value().is_none()).peekable();
    unscored.peek().is_some() && unscored.all(|result| result.scored.outage)
}

/// What a trial, or a case over its trials, says about a subject.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reading {
    /// A value.
    Value(f64),
    /// The record has no such trial.
    Absent,
    /// Nothing in the suite feeds the metric on this case.
    NotFed,
    /// The amount was not measured.
    NotMeasured,
    /// A scorer erred, or gave what is no score.
    Unscored,
    /// Whoever grades is out, for reasons of infrastructure.
    Ungraded,
    /// Not run.
    Skipped,
    /// No stored answer.
    NotHeld,
    /// No answer for reasons of infrastructure.
    Unanswered,
    /// No answer because the quota is gone.
    NoQuota,
}

impl Reading {
    /// The reasons for which there is no value, the one that explains a case best last.
    const ABSENCES: [Self; 9] = [
        Self::Absent,
        Self::NotFed,
        Self::NotMeasured,
        Self::Unscored,
        Self::Ungraded,
        Self::Skipped,
        Self::NotHeld,
        Self::Unanswered,
        Self::NoQuota,
    ];

    pub(crate) fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the answer itself is missing, rather than its score.
    pub(crate) fn is_unanswered(self) -> bool {
        matches!(self, Self::NotHeld | Self::Unanswered | Self::NoQuota)
    }
}

/// A reading in eight bytes, since a gate holds one per trial: absences are NaNs that carry their number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell(u64);

const ABSENCE: u64 = 0x7ff8_0000_0000_0000;

impl Cell {
    pub(crate) const ABSENT: Self = Self(ABSENCE);

    pub(crate) fn new(reading: Reading) -> Self {
        let absence = Reading::ABSENCES.iter().position(|each| *each == reading);
        Self(match (reading, absence) {
            (Reading::Value(value), _) => value.to_bits(),
            (_, number) => ABSENCE | number.unwrap_or(0) as u64,
        })
    }

    pub(crate) fn read(self) -> Reading {
        match self.0 ^ ABSENCE {
            number if number < Reading::ABSENCES.len() as u64 => Reading::ABSENCES[number as usize],
            _ => Reading::Value(f64::from_bits(self.0)),
        }
    }
}

/// A case over its trials: the mean of the values there are, else the reason that explains best why there is none.
pub(crate) fn over_trials(cells: &[Cell]) -> Reading {
    let values: Vec<f64> = cells.iter().filter_map(|cell| cell.read().value()).collect();
    if let Some(mean) = crate::stats::sum::mean(&values) {
        return Reading::Value(mean);
    }
    why_none(cells)
}

/// The reason that explains best why a case lacks values.
pub(crate) fn why_none(cells: &[Cell]) -> Reading {
    let absences = cells.iter().map(|cell| cell.read()).filter(|reading| reading.value().is_none());
    let rank = |reading: &Reading| Reading::ABSENCES.iter().position(|each| each == reading);
    absences.max_by_key(rank).unwrap_or(Reading::Absent)
}
