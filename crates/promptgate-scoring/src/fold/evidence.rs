//! From pairs to evidence: the method that a metric's kind and structure ask for (gate.md, 2.1), the estimate, the bounds
//! and the p of "the candidate is worse". Oriented: larger is better, also for amounts (minus the log ratio).

use promptgate_core::gate::Scope;
use promptgate_core::record::MetricKind;

use super::pairs::Sample;
use crate::stats::sequential::Unit;
use crate::stats::sign_flip::{Flips, Units};
use crate::stats::tango::Pairs as PairTable;
use crate::stats::these_cases::{Case, Labels};
use crate::stats::{
    StatError, cluster, describe, dist, e_value, exact_noninf, hall, log_ratio, mcnemar, sequential, these_cases,
};

/// The method of a metric that has no evidence before the plan is complete.
pub(crate) const LATER: &str = "at the end of the plan";

/// The method of a judged metric that people's labels correct.
const PEOPLE: &str = "prediction-powered mean";

/// How a metric is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Method {
    pub(crate) kind: MetricKind,
    /// Repeats per case.
    pub(crate) trials: u32,
    /// One-sided error rate, each way.
    pub(crate) alpha: f64,
    pub(crate) strict: bool,
    pub(crate) flips: Flips,
    pub(crate) scope: Scope,
    /// Set while evidence may be looked at any time: cases of the largest unit, and whether the interval is wanted.
    pub(crate) running: Option<(u64, bool)>,
}

/// What the pairs say about one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Evidence {
    pub(crate) n: usize,
    /// Clusters, where two cases share one.
    pub(crate) clusters: Option<usize>,
    /// The mean oriented difference.
    pub(crate) estimate: f64,
    /// The one-sided lower bound that a pass rests on.
    pub(crate) lower: Option<f64>,
    /// The two-sided interval, oriented; absent where it would have no width.
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) p: f64,
    /// The variance that planning takes for one pair.
    pub(crate) variance: Option<f64>,
    /// Units that the guard counts, where the method has one.
    pub(crate) guarded: Option<usize>,
    pub(crate) block: &'static str,
    pub(crate) pass: &'static str,
    /// Pairs of a 2x2 table, where the metric is binary.
    pub(crate) table: Option<PairTable>,
    /// What a drawn p is sharpened from.
    drawn: Option<Drawn>,
    bound: Bound,
}

/// What is drawn anew where a p lies too near its threshold.
#[derive(Debug, Clone, PartialEq)]
enum Drawn {
    /// Signs of cases or clusters.
    Signs(Units),
    /// Labels of trials.
    Labels(Labels),
}

/// How it is told whether a drop of the allowed size is excluded.
#[derive(Debug, Clone, PartialEq)]
enum Bound {
    /// By the lower bound.
    Lower,
    /// By Tango's score, or the exact test under `strict`.
    Table,
    /// By the e-value of "not worse", from totals and sizes of the units.
    EValue(Vec<Unit>, u64),
}

impl Evidence {
    /// Weighs a sample; `no_data` and `non_positive` where there is nothing to weigh.
    pub(crate) fn weigh(sample: &Sample, method: &Method) -> Result<Self, StatError> {
        if sample.n() == 0 {
            return Err(StatError::NoData);
        }
        if let Some((largest, told)) = method.running {
            return Self::running(sample, method, largest, told);
        }
        if method.scope == Scope::TheseCases {
            return Self::of_these_cases(sample, method);
        }
        match method.kind {
            MetricKind::Ratio => Self::of_amounts(sample, method),
            MetricKind::Binary if method.trials == 1 && !sample.clustered => Ok(Self::of_outcomes(sample, method)),
            MetricKind::Binary | MetricKind::Score if sample.clustered => Self::of_clusters(sample, method),
            MetricKind::Binary | MetricKind::Score => Self::of_scores(sample, method),
        }
    }

    /// McNemar and Tango.
    fn of_outcomes(sample: &Sample, method: &Method) -> Self {
        let table = two_by_two(sample);
        let (low, high) = table.interval(dist::normal_quantile(1.0 - method.alpha));
        let (p, block) = if method.strict {
            (mcnemar::p_worse_exact(table.fixed, table.broken), "McNemar exact")
        } else {
            (mcnemar::p_worse_mid(table.fixed, table.broken), "McNemar mid-p")
        };
        let share = (table.fixed + table.broken) as f64 / table.n as f64;
        Self {
            lower: Some(low),
            interval: Some((low, high)),
            p,
            variance: Some(share),
            block,
            pass: if method.strict { "exact unconditional" } else { "Tango" },
            table: Some(table),
            bound: Bound::Table,
            ..Self::bare(sample, table.estimate())
        }
    }

    /// Sign flip, Hall and guard.
    fn of_scores(sample: &Sample, method: &Method) -> Result<Self, StatError> {
        let differences = sample.differences();
        let plain = describe::describe(&differences)?;
        let guard = hall::guard(plain.mean, plain.n, method.alpha, -1.0, 1.0);
        let bounds = hall::hall(&differences, method.alpha)?.map(|bounds| bounds.wider(guard));
        let flipped = units(sample, &differences);
        Ok(Self {
            lower: Some(bounds.map_or(guard.lower, |bounds| bounds.lower)),
            interval: bounds.map(|bounds| (bounds.lower, bounds.upper)),
            p: method.flips.p_worse(&flipped),
            variance: plain.variance,
            guarded: Some(plain.n),
            block: "sign flip",
            pass: "Hall and guard",
            table: (method.kind == MetricKind::Binary).then(|| two_by_two(sample)),
            drawn: Some(Drawn::Signs(flipped)),
            ..Self::bare(sample, plain.mean)
        })
    }

    /// Cluster sign flip, CR1 with t(G-1) and guard on G.
    fn of_clusters(sample: &Sample, method: &Method) -> Result<Self, StatError> {
        let differences = sample.differences();
        let clustered = cluster::clustered_mean(&differences, &sample.clusters())?;
        let guard = hall::guard(clustered.mean, clustered.clusters, method.alpha, -1.0, 1.0);
        let bounds = clustered.bounds(method.alpha);
        let spread = bounds.filter(|(low, high)| high > low);
        let flipped = units(sample, &differences);
        Ok(Self {
            clusters: Some(clustered.clusters),
            lower: bounds.map(|(low, _)| low.min(guard.lower)),
            // Without spread the interval is the guard's: never one of no width.
            interval: spread.or(bounds.map(|_| (guard.lower, guard.upper))),
            p: method.flips.p_worse(&flipped),
            variance: clustered.se_cr1.map(|se| clustered.n as f64 * se * se),
            guarded: Some(clustered.clusters),
            block: "cluster sign flip",
            pass: "CR1 t",
            table: (method.kind == MetricKind::Binary).then(|| two_by_two(sample)),
            drawn: Some(Drawn::Signs(flipped)),
            ..Self::bare(sample, clustered.mean)
        })
    }

    /// Log ratios: sign flip, t bound of the mean.
    fn of_amounts(sample: &Sample, method: &Method) -> Result<Self, StatError> {
        let ratios = log_ratio::log_ratios(&sample.baseline, &sample.candidate)?;
        let better: Vec<f64> = ratios.iter().map(|ratio| -ratio).collect();
        let plain = describe::describe(&better)?;
        let clustered = sample.clustered.then(|| cluster::clustered_mean(&better, &sample.clusters())).transpose()?;
        let bounds = match &clustered {
            Some(clustered) => clustered.bounds(method.alpha),
            None => log_ratio::t_bounds(&better, method.alpha)?,
        };
        let flipped = units(sample, &better);
        let clustered_variance = clustered.and_then(|mean| mean.se_cr1).map(|se| plain.n as f64 * se * se);
        Ok(Self {
            clusters: clustered.map(|mean| mean.clusters),
            lower: bounds.map(|(low, _)| low),
            interval: bounds.filter(|(low, high)| high > low),
            p: method.flips.p_worse(&flipped),
            variance: if clustered.is_some() { clustered_variance } else { plain.variance },
            block: if clustered.is_some() { "cluster sign flip of log ratios" } else { "sign flip of log ratios" },
            pass: if clustered.is_some() { "CR1 t of log ratios" } else { "t of log ratios" },
            drawn: Some(Drawn::Signs(flipped)),
            ..Self::bare(sample, plain.mean)
        })
    }

    /// The cases themselves: permuted labels of their trials, t with skew term, guard on calls (gate.md, 4.8).
    fn of_these_cases(sample: &Sample, method: &Method) -> Result<Self, StatError> {
        let ratio = method.kind == MetricKind::Ratio;
        let cases = if ratio { log_amounts(&sample.trials)? } else { sample.trials.clone() };
        let bounds = these_cases::bounds(&cases, method.alpha, (!ratio).then_some(1.0))?;
        let places: Vec<usize> = sample.units.iter().map(|unit| unit.place as usize).collect();
        let labels = Labels::new(&cases, &places);
        Ok(Self {
            lower: Some(bounds.lower),
            interval: Some((bounds.lower, bounds.upper)).filter(|(low, high)| high > low),
            p: labels.p_worse(method.flips),
            guarded: bounds.guard.map(|_| these_cases::calls(&cases)),
            block: if ratio { "permuted labels of log amounts" } else { "permuted labels" },
            pass: if ratio { "t with skew term" } else { "t with skew term and guard" },
            table: (method.kind == MetricKind::Binary).then(|| two_by_two(sample)),
            drawn: Some(Drawn::Labels(labels)),
            ..Self::bare(sample, bounds.estimate)
        })
    }

    /// E-values on units in a known range, which may be looked at any time (gate.md, 6.1). Amounts have no known range:
    /// their estimate is shown, and decides once the plan is complete.
    fn running(sample: &Sample, method: &Method, largest: u64, told: bool) -> Result<Self, StatError> {
        if method.kind == MetricKind::Ratio {
            let plain = Self::of_amounts(sample, &Method { running: None, ..*method })?;
            let open = Self { p: 1.0, lower: None, interval: None, drawn: None, block: LATER, pass: LATER, ..plain };
            return Ok(open);
        }
        let differences = sample.differences();
        let mean = describe::describe(&differences)?.mean;
        let units = sequential::units(&differences, &sample.clusters());
        let table = (method.kind == MetricKind::Binary).then(|| two_by_two(sample));
        let counted = table.filter(|_| method.trials == 1 && !sample.clustered);
        let log_e = match counted {
            Some(table) => e_value::log_e_worse(table.fixed, table.broken),
            None => sequential::log_e_worse(&units, largest, 1.0),
        };
        let interval = told.then(|| sequential::interval(&units, largest, 1.0, method.alpha));
        Ok(Self {
            clusters: sample.clustered.then_some(units.len()),
            lower: interval.map(|(low, _)| low),
            interval,
            p: (-log_e).exp().min(1.0),
            block: "e-value",
            pass: "e-value",
            table,
            bound: Bound::EValue(units, largest),
            ..Self::bare(sample, mean)
        })
    }

    /// The same pairs by what people say of some of them. What more pairs would bring is not known.
    pub(crate) fn by_people(&self, estimate: f64, bounds: hall::Bounds, p: f64, guarded: Option<usize>) -> Self {
        Self {
            estimate,
            lower: Some(bounds.lower),
            interval: Some((bounds.lower, bounds.upper)),
            p,
            variance: None,
            guarded,
            block: PEOPLE,
            pass: PEOPLE,
            table: None,
            drawn: None,
            bound: Bound::Lower,
            ..self.clone()
        }
    }

    /// Whether what people say decides.
    pub(crate) fn is_by_people(&self) -> bool {
        self.pass == PEOPLE
    }

    fn bare(sample: &Sample, estimate: f64) -> Self {
        Self {
            n: sample.n(),
            clusters: None,
            estimate,
            lower: None,
            interval: None,
            p: 1.0,
            variance: None,
            guarded: None,
            block: "",
            pass: "",
            table: None,
            drawn: None,
            bound: Bound::Lower,
        }
    }

    /// The same p from more replicates, where it lies too near `threshold` to tell.
    pub(crate) fn sharpen(&mut self, method: &Method, threshold: f64) {
        match &self.drawn {
            Some(Drawn::Signs(units)) => self.p = method.flips.sharpened(units, self.p, threshold),
            Some(Drawn::Labels(labels)) => self.p = labels.sharpened(method.flips, self.p, threshold),
            None => {}
        }
    }

    /// Whether the pass bound clears a drop of `margin`.
    pub(crate) fn clears(&self, margin: f64, method: &Method) -> bool {
        match (&self.bound, self.table) {
            (Bound::Table, Some(table)) if method.strict => {
                exact_noninf::p_noninferior(table, margin, 201) <= method.alpha
            }
            (Bound::Table, Some(table)) => table.z(-margin) >= dist::normal_quantile(1.0 - method.alpha),
            (Bound::EValue(units, largest), _) => {
                sequential::log_e_not_worse(units, *largest, margin, 1.0) >= -method.alpha.ln()
            }
            _ => self.lower.is_some_and(|lower| lower > -margin),
        }
    }
}

/// Amounts as minus their logarithms, so that larger is better.
pub(crate) fn log_amounts(cases: &[Case]) -> Result<Vec<Case>, StatError> {
    let log = |amounts: &[f64]| -> Result<Vec<f64>, StatError> {
        amounts
            .iter()
            .map(|amount| if *amount > 0.0 { Ok(-amount.ln()) } else { Err(StatError::NonPositive) })
            .collect()
    };
    cases.iter().map(|case| Ok(Case { baseline: log(&case.baseline)?, candidate: log(&case.candidate)? })).collect()
}

/// The 2x2 table of a binary metric, by majority of trials where there are several; an even split is neither.
fn two_by_two(sample: &Sample) -> PairTable {
    let mut table = PairTable { fixed: 0, broken: 0, n: sample.n() as u64 };
    for (before, after) in sample.baseline.iter().zip(&sample.candidate) {
        table.fixed += u64::from(*before < 0.5 && *after > 0.5);
        table.broken += u64::from(*before > 0.5 && *after < 0.5);
    }
    table
}

/// The totals that flip: one a cluster, at its place in the comparison.
fn units(sample: &Sample, differences: &[f64]) -> Units {
    if !sample.clustered {
        return Units::new(
            sample.units.iter().zip(differences).map(|(unit, difference)| (unit.place as usize, *difference)),
        );
    }
    let mut places: Vec<u32> = sample.units.iter().map(|unit| unit.place).collect();
    let totals = cluster::totals(differences, &places);
    places.sort_unstable();
    places.dedup();
    Units::new(places.into_iter().map(|place| place as usize).zip(totals))
}
