//! The metrics of one side: per case the mean over its trials, then the mean over cases with its interval (gate.md, 4.6).
//! Values are sorted before they are summed, so the order of the cases changes nothing.

use promptgate_core::digest::Digest;
use promptgate_core::plan::case_key;
use promptgate_core::record::{MetricKind, RunHeader, SettledTrial};
use promptgate_core::report::{
    FieldSummary, Interval, MetricSummary, Reduced, Spread, TagMetric, TagSummary, ValueSummary,
};

use super::groups::Groups;
use super::subject::{Reading, Subject};
use crate::stats::{cluster, describe, log_ratio, proportion, sum};

/// The two-sided level of the intervals of a single run.
const LEVEL: f64 = 0.95;

/// The metrics of one side, while its cases come in.
pub(crate) struct Measured<'a> {
    header: &'a RunHeader,
    columns: Vec<Column>,
    /// The cluster of each closed case.
    clusters: Vec<u64>,
    tags: Groups,
    /// By field of the header's `by`, the cases by its value, and how many have none.
    fields: Vec<(Groups, u64)>,
}

/// One metric.
struct Column {
    subject: Subject,
    kind: MetricKind,
    /// Values of the trials of the open case.
    open: Vec<f64>,
    /// Whether the suite feeds it on the open case.
    fed: bool,
    /// By closed case, the mean over its trials; NaN where there is none.
    cases: Vec<f64>,
    missing: u64,
    /// Values of all trials, where that is not the same as `cases`.
    trials: Vec<f64>,
    /// By case, what its trials are reduced to; of scores of several trials.
    reduced: Vec<Reduced>,
}

impl<'a> Measured<'a> {
    pub(crate) fn new(header: &'a RunHeader) -> Self {
        let column = |subject: Subject| Column {
            kind: subject.kind(header),
            subject,
            open: Vec::new(),
            fed: false,
            cases: Vec::new(),
            missing: 0,
            trials: Vec::new(),
            reduced: Vec::new(),
        };
        let columns = Subject::all(header).into_iter().map(column).collect();
        let fields = header.by.iter().map(|_| Default::default()).collect();
        Self { header, columns, clusters: Vec::new(), tags: Groups::default(), fields }
    }

    /// The next trials are of the case of this one.
    pub(crate) fn open(&mut self, trial: &SettledTrial) {
        let case = &trial.case;
        let own = || case_key(&case.id);
        let key = case.cluster.as_ref().map_or_else(own, |name| Digest::of_json(&("cluster", name)).prefix128());
        let at = self.clusters.len() as u32;
        self.clusters.push(key as u64);
        self.tags.add(at, &case.tags);
        for (path, (groups, without)) in self.header.by.iter().zip(&mut self.fields) {
            match trial.volatile.groups.get(path).filter(|names| !names.is_empty()) {
                Some(names) => groups.add(at, names),
                None => *without += 1,
            }
        }
    }

    pub(crate) fn add(&mut self, trial: &SettledTrial) {
        for column in &mut self.columns {
            let reading = column.subject.read(trial);
            column.fed |= reading != Reading::NotFed;
            column.open.extend(reading.value());
        }
    }

    /// The open case has no more trials.
    pub(crate) fn close(&mut self) {
        let repeated = self.header.trials > 1;
        for column in &mut self.columns {
            let mean = sum::mean(&column.open);
            column.missing += u64::from(column.fed && mean.is_none());
            column.cases.push(mean.unwrap_or(f64::NAN));
            if repeated && column.kind == MetricKind::Ratio {
                column.trials.append(&mut column.open);
            } else if repeated {
                column.reduced.extend(reduced(&mut column.open));
            }
            column.open.clear();
            column.fed = false;
        }
    }

    /// The metrics by tag, as far as they were taken on cases that carry it.
    pub(crate) fn by_tag(&self) -> Vec<TagSummary> {
        let summary = |(tag, cases): (&String, &Vec<u32>)| TagSummary { tag: tag.clone(), metrics: self.over(cases) };
        self.tags.iter().map(summary).filter(|summary| !summary.metrics.is_empty()).collect()
    }

    /// The metrics by the values of fields.
    pub(crate) fn by_field(&self) -> Vec<FieldSummary> {
        let value =
            |(value, cases): (&String, &Vec<u32>)| ValueSummary { value: value.clone(), metrics: self.over(cases) };
        let summary = |(field, (groups, without)): (&String, &(Groups, u64))| FieldSummary {
            field: field.clone(),
            values: groups.iter().map(value).collect(),
            without: *without,
            left_out: groups.left_out(),
        };
        self.header.by.iter().zip(&self.fields).map(summary).collect()
    }

    /// The metrics over some of the cases, as far as they were taken there.
    fn over(&self, cases: &[u32]) -> Vec<TagMetric> {
        self.columns.iter().filter_map(|column| column.over(cases)).collect()
    }

    /// `pass_rate`, the suite's metrics, and the amounts that were measured.
    pub(crate) fn finish(self) -> Vec<MetricSummary> {
        let Self { header, columns, clusters, .. } = self;
        let summaries = columns.into_iter().map(|column| column.finish(header, &clusters));
        summaries.filter(|metric| metric.kind != MetricKind::Ratio || metric.n > 0).collect()
    }
}

impl Column {
    /// The mean over some of the cases.
    fn over(&self, cases: &[u32]) -> Option<TagMetric> {
        let values = cases.iter().map(|at| self.cases[*at as usize]).filter(|value| !value.is_nan());
        let mut values: Vec<f64> = values.collect();
        values.sort_unstable_by(f64::total_cmp);
        Some(TagMetric { name: self.subject.name(), n: values.len() as u64, value: sum::mean(&values)? })
    }

    fn finish(self, header: &RunHeader, clusters: &[u64]) -> MetricSummary {
        let mut cases: Vec<(u64, f64)> =
            clusters.iter().copied().zip(self.cases).filter(|(_, value)| !value.is_nan()).collect();
        cases.sort_unstable_by(|(left, one), (right, other)| left.cmp(right).then(one.total_cmp(other)));
        let shared = cases.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if !shared {
            cases.sort_unstable_by(|(_, one), (_, other)| one.total_cmp(other));
        }
        let (clusters, values): (Vec<u64>, Vec<f64>) = cases.into_iter().unzip();
        let once = header.trials == 1 && self.kind == MetricKind::Binary;
        let bounds = match shared {
            true => clustered(&values, &clusters),
            false if once => wilson(&values),
            false => t(&values),
        };
        let amounts = if header.trials > 1 { &self.trials } else { &values };
        let amounts = if self.kind == MetricKind::Ratio { amounts.as_slice() } else { &[] };
        MetricSummary {
            name: self.subject.name(),
            kind: self.kind,
            n: values.len() as u64,
            missing: self.missing,
            value: sum::mean(&values),
            interval: bounds.and_then(|(low, high)| interval(low, high, self.kind)),
            total: (!amounts.is_empty()).then(|| total(amounts)),
            p50: describe::quantile7(amounts, 0.5).ok(),
            p95: describe::quantile7(amounts, 0.95).ok(),
            spread: (self.kind == MetricKind::Score).then(|| spread(&values)).flatten(),
            reduced: if self.kind == MetricKind::Score { mean(&self.reduced) } else { None },
        }
    }
}

/// How the scores of cases spread.
fn spread(cases: &[f64]) -> Option<Spread> {
    let quantile = |share| describe::quantile7(cases, share).ok();
    Some(Spread {
        min: quantile(0.0)?,
        p05: quantile(0.05)?,
        p25: quantile(0.25)?,
        p50: quantile(0.5)?,
        p75: quantile(0.75)?,
        p95: quantile(0.95)?,
        max: quantile(1.0)?,
    })
}

/// What the trials of a case are reduced to, but for their mean.
fn reduced(trials: &mut [f64]) -> Option<Reduced> {
    trials.sort_unstable_by(f64::total_cmp);
    let (min, max) = (*trials.first()?, *trials.last()?);
    let runs = trials.chunk_by(|one, other| one == other);
    // Of runs that are as long, the last one is taken: backwards that is the lowest.
    let mode = runs.rev().max_by_key(|run| run.len()).and_then(|run| run.first().copied())?;
    Some(Reduced { min, median: describe::quantile7(trials, 0.5).ok()?, mode, max })
}

fn mean(cases: &[Reduced]) -> Option<Reduced> {
    let of = |part: fn(&Reduced) -> f64| {
        let mut parts: Vec<f64> = cases.iter().map(part).collect();
        parts.sort_unstable_by(f64::total_cmp);
        sum::mean(&parts)
    };
    Some(Reduced {
        min: of(|case| case.min)?,
        median: of(|case| case.median)?,
        mode: of(|case| case.mode)?,
        max: of(|case| case.max)?,
    })
}

fn total(amounts: &[f64]) -> f64 {
    let mut sorted = amounts.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sum::pairwise(&sorted)
}

fn clustered(values: &[f64], clusters: &[u64]) -> Option<(f64, f64)> {
    cluster::clustered_mean(values, clusters).ok()?.bounds((1.0 - LEVEL) / 2.0)
}

fn wilson(values: &[f64]) -> Option<(f64, f64)> {
    let passed = values.iter().filter(|value| **value > 0.5).count() as u64;
    (values.len() > 1).then(|| proportion::wilson(passed, values.len() as u64, LEVEL).ok()).flatten()
}

fn t(values: &[f64]) -> Option<(f64, f64)> {
    log_ratio::t_bounds(values, (1.0 - LEVEL) / 2.0).ok().flatten()
}

/// Never one of no width; a score's stays within its range.
fn interval(low: f64, high: f64, kind: MetricKind) -> Option<Interval> {
    let most = if kind == MetricKind::Ratio { f64::INFINITY } else { 1.0 };
    (high > low).then(|| Interval { low: low.max(0.0), high: high.min(most), level: LEVEL })
}
