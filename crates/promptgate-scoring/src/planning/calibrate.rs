//! From two arms of one version to what it differs from itself by: the noise that plans are made with.

use std::collections::BTreeMap;

use promptgate_core::calibration::CalibratedMetric;
use promptgate_core::name::{MetricName, ModelId};
use promptgate_core::record::MetricKind;

use crate::stats::{cluster, describe, sum};

/// One case of a baseline that was run against itself.
#[derive(Debug, Clone, PartialEq)]
pub struct AaCase {
    /// The trials of one arm.
    pub a: Vec<f64>,
    /// The trials of the other.
    pub b: Vec<f64>,
    /// The cluster, where the case has one.
    pub cluster: Option<String>,
}

/// The noise of one metric on one model. Cases without a value on both arms are left out, for ratios also those with an
/// amount that is not positive. The order of the cases plays no part beyond rounding: give them in normal order.
pub fn calibrated(model: &ModelId, metric: &MetricName, kind: MetricKind, cases: &[AaCase]) -> CalibratedMetric {
    let cases: Vec<AaCase> = cases.iter().filter_map(|case| usable(case, kind)).collect();
    let differences: Vec<f64> = cases.iter().map(difference).collect();
    let described = describe::describe(&differences).ok();
    let within = within(&cases);
    let noise_of_means = mean_of(&cases, |case| Some(own_noise(&case.a)? + own_noise(&case.b)?));
    let variance = described.and_then(|described| described.variance);
    let between = variance.zip(noise_of_means).map(|(all, noise)| (all - noise).max(0.0));
    let design = design(&cases, &differences);
    CalibratedMetric {
        model: model.clone(),
        metric: metric.clone(),
        kind,
        n: cases.len() as u64,
        clusters: design.map(|(clusters, _)| clusters),
        discordant: (kind == MetricKind::Binary).then(|| mean_of(&cases, |case| Some(discordant(case)))).flatten(),
        sd: described.and_then(|described| described.sd()),
        within,
        between,
        design_effect: design.and_then(|(_, effect)| effect),
        flaky: cases.iter().filter(|case| is_flaky(case)).count() as u64,
    }
}

fn usable(case: &AaCase, kind: MetricKind) -> Option<AaCase> {
    let value = |value: &f64| match kind {
        MetricKind::Ratio => (*value > 0.0 && value.is_finite()).then(|| value.ln()),
        _ => value.is_finite().then_some(*value),
    };
    let arm = |trials: &[f64]| trials.iter().map(value).collect::<Option<Vec<f64>>>().filter(|arm| !arm.is_empty());
    Some(AaCase { a: arm(&case.a)?, b: arm(&case.b)?, cluster: case.cluster.clone() })
}

fn difference(case: &AaCase) -> f64 {
    sum::mean(&case.b).unwrap_or(0.0) - sum::mean(&case.a).unwrap_or(0.0)
}

/// The variance of one side's trials, over both arms and all cases; absent where a case has a single trial.
fn within(cases: &[AaCase]) -> Option<f64> {
    let variance = |trials: &[f64]| describe::describe(trials).ok()?.variance;
    mean_of(cases, |case| Some((variance(&case.a)? + variance(&case.b)?) / 2.0))
}

/// What the noise of its trials adds to the variance of an arm's mean.
fn own_noise(trials: &[f64]) -> Option<f64> {
    Some(describe::describe(trials).ok()?.variance? / trials.len() as f64)
}

fn mean_of(cases: &[AaCase], of: impl Fn(&AaCase) -> Option<f64>) -> Option<f64> {
    sum::mean(&cases.iter().map(of).collect::<Option<Vec<f64>>>()?)
}

/// The chance that one trial of each arm come out differently: over all pairs of them.
fn discordant(case: &AaCase) -> f64 {
    let pairs = case.a.iter().flat_map(|a| case.b.iter().map(move |b| a != b));
    let differ = pairs.filter(|differ| *differ).count();
    differ as f64 / (case.a.len() * case.b.len()) as f64
}

fn is_flaky(case: &AaCase) -> bool {
    case.a.iter().chain(&case.b).any(|value| *value != case.a[0])
}

/// The clusters and n CR1^2 / sd^2, where two cases share one.
fn design(cases: &[AaCase], differences: &[f64]) -> Option<(u64, Option<f64>)> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for name in cases.iter().filter_map(|case| case.cluster.as_deref()) {
        let next = numbers.len();
        numbers.entry(name).or_insert(next);
    }
    // A case without a cluster is one of its own.
    let number = |(position, case): (usize, &AaCase)| match case.cluster.as_deref() {
        Some(name) => numbers[name],
        None => cases.len() + position,
    };
    let clusters: Vec<usize> = cases.iter().enumerate().map(number).collect();
    let clustered = cluster::clustered_mean(differences, &clusters).ok()?;
    let effect = || {
        let (cr1, iid) = (clustered.se_cr1?, clustered.se_iid?);
        (iid > 0.0).then(|| (cr1 / iid).powi(2))
    };
    (clustered.clusters < clustered.n).then(|| (clustered.clusters as u64, effect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(a: &[f64], b: &[f64]) -> AaCase {
        AaCase { a: a.to_vec(), b: b.to_vec(), cluster: None }
    }

    fn of(kind: MetricKind, cases: &[AaCase]) -> CalibratedMetric {
        calibrated(&ModelId::new("a/b").unwrap(), &MetricName::new("pass_rate").unwrap(), kind, cases)
    }

    #[track_caller]
    fn near(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?} for {expected}");
    }

    #[test]
    fn one_trial_a_side_tells_how_many_cases_differ_and_not_why() {
        let cases = [case(&[1.0], &[1.0]), case(&[1.0], &[0.0]), case(&[0.0], &[0.0]), case(&[0.0], &[1.0])];
        let found = of(MetricKind::Binary, &cases);
        near(found.discordant, 0.5);
        near(found.sd, (2.0_f64 / 3.0).sqrt());
        assert_eq!((found.n, found.flaky, found.within, found.between), (4, 2, None, None));
        assert_eq!((found.clusters, found.design_effect), (None, None));
    }

    #[test]
    fn repeats_tell_the_noise_within_a_case_from_that_between_cases() {
        // Variances within: 0, 0, .5, .5; differences: 0, -1, 0, 0.
        let cases = [
            case(&[1.0, 1.0], &[1.0, 1.0]),
            case(&[1.0, 1.0], &[0.0, 0.0]),
            case(&[1.0, 0.0], &[0.0, 1.0]),
            case(&[1.0, 0.0], &[1.0, 0.0]),
        ];
        let found = of(MetricKind::Binary, &cases);
        near(found.within, 0.25);
        near(found.between, 0.0_f64.max(0.25 - 0.25));
        near(found.discordant, (0.0 + 1.0 + 0.5 + 0.5) / 4.0);
        assert_eq!(found.flaky, 3);
    }

    #[test]
    fn amounts_are_taken_as_logarithms_and_what_is_not_positive_is_left_out() {
        let e = std::f64::consts::E;
        let found = of(MetricKind::Ratio, &[case(&[1.0], &[e]), case(&[e], &[1.0]), case(&[0.0], &[1.0])]);
        near(found.sd, 2.0_f64.sqrt());
        assert_eq!((found.n, found.discordant), (2, None));
    }

    #[test]
    fn clusters_that_move_together_widen_the_noise() {
        let differs = |cluster: &str, up: bool| AaCase {
            a: vec![f64::from(u8::from(!up))],
            b: vec![f64::from(u8::from(up))],
            cluster: Some(cluster.to_owned()),
        };
        let cases: Vec<AaCase> = (0..20).map(|n| differs(&format!("{}", n / 2), (n / 2) % 2 == 0)).collect();
        let found = of(MetricKind::Binary, &cases);
        assert_eq!(found.clusters, Some(10));
        assert!(found.design_effect.is_some_and(|effect| effect > 1.9), "{found:?}");
    }

    #[test]
    fn nothing_measured_is_absent_and_not_0() {
        let found = of(MetricKind::Score, &[]);
        assert_eq!((found.n, found.sd, found.within, found.discordant), (0, None, None, None));
        assert_eq!(of(MetricKind::Score, &[case(&[0.5], &[0.75])]).sd, None);
    }
}
