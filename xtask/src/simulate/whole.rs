//! The whole gate on several metrics: Holm, the two conditions of a block, and the intersection of a pass.

use promptgate_core::verdict::{Finding, Verdict};
use promptgate_scoring::stats::sign_flip::{Flips, Units};
use promptgate_scoring::stats::tango::Pairs;
use promptgate_scoring::stats::{dist, log_ratio, mcnemar, multiple};

use super::cells::clears;
use super::generate::{outcome, seven};
use super::random::{Random, shares};
use super::{Limit, Row, Size};

const ALPHA: f64 = 0.05;

/// One metric of a gate, weighed as a gate weighs it.
pub struct Weighed {
    pub p: f64,
    pub estimate: f64,
    pub margin: f64,
    pub cleared: bool,
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The 2x2 table of some differences of outcomes.
pub fn pairs(differences: &[f64]) -> Pairs {
    let count = |value: f64| differences.iter().filter(|difference| **difference == value).count() as u64;
    Pairs { fixed: count(1.0), broken: count(-1.0), n: differences.len() as u64 }
}

/// A binary metric at one-sided levels for blocking and passing.
pub fn binary(differences: &[f64], margin: f64, level: f64) -> Weighed {
    let table = pairs(differences);
    let cleared = table.z(-margin) >= dist::normal_quantile(1.0 - level);
    Weighed { p: mcnemar::p_worse_mid(table.fixed, table.broken), estimate: table.estimate(), margin, cleared }
}

/// A score metric.
pub fn score(differences: &[f64], margin: f64, flips: Flips) -> Weighed {
    let p = flips.p_worse(&Units::of(differences));
    Weighed { p, estimate: mean(differences), margin, cleared: clears(differences, margin) }
}

/// A ratio, by oriented log ratios.
fn ratio(differences: &[f64], rise: f64, flips: Flips) -> Weighed {
    let margin = f64::ln_1p(rise);
    let bounds = log_ratio::t_bounds(differences, ALPHA).ok().flatten();
    let cleared = bounds.is_some_and(|(lower, _)| lower > -margin);
    Weighed { p: flips.p_worse(&Units::of(differences)), estimate: mean(differences), margin, cleared }
}

/// The verdicts of a family: p adjusted by Holm, the rule of the gate for each.
pub fn verdicts(family: &[Weighed], alpha: f64) -> Vec<Verdict> {
    let p: Vec<f64> = family.iter().map(|each| each.p).collect();
    let adjusted = multiple::holm(&p);
    let finding = |(each, p_worse): (&Weighed, f64)| {
        let Weighed { estimate, margin, cleared, .. } = *each;
        Finding { p_worse, alpha, estimate, margin, cleared }.verdict()
    };
    family.iter().zip(adjusted).map(finding).collect()
}

/// Flips of a simulation: fewer than a gate draws, and never fewer than the level of its family needs.
pub fn flips(tests: usize, random: &mut Random) -> Flips {
    let seed = (random.uniform() * 1e15) as u64;
    Flips { seed, replicates: 999 }.enough_for(tests, ALPHA)
}

fn weighed(metrics: &[Vec<f64>; 7], flips: Flips) -> Vec<Weighed> {
    let [a, b, c, d, e, f, g] = metrics;
    let mut family: Vec<Weighed> = [a, b, c].into_iter().map(|metric| binary(metric, 0.05, ALPHA)).collect();
    family.extend([d, e].into_iter().map(|metric| score(metric, 0.05, flips)));
    family.extend([f, g].into_iter().map(|metric| ratio(metric, 0.10, flips)));
    family
}

/// Criterion 1: seven correlated metrics without a change.
pub fn seven_metrics(size: Size) -> Vec<Row> {
    let (mut fails, mut both, mut careless) = (Vec::new(), Vec::new(), Vec::new());
    for n in [50, 100, 200, 500] {
        let reached = shares(100 + n as u64, size.runs, |random| {
            let metrics = seven(n, random);
            let family = weighed(&metrics, flips(7, random));
            let found = verdicts(&family, ALPHA);
            let fail = found.contains(&Verdict::Fail);
            let pass_too = family.iter().zip(&found).any(|(each, verdict)| *verdict == Verdict::Fail && each.cleared);
            [fail, pass_too, family.iter().any(|each| each.p <= ALPHA)]
        });
        for (cells, share) in [(&mut fails, reached[0]), (&mut both, reached[1]), (&mut careless, reached[2])] {
            cells.push((format!("n {n}"), share));
        }
    }
    vec![
        Row::worst("seven metrics without a change fail", fails, Limit::AtMost(0.0565 + size.allowance())),
        Row::worst("a check fails and clears its bound at once", both, Limit::AtMost(0.0)),
        Row::worst("one of seven is significant, uncorrected", careless, Limit::Breaks(0.20)),
    ]
}

/// Criterion 8: Holm over twelve metrics without a change.
pub fn holm(size: Size) -> Vec<Row> {
    let reached = shares(800, size.runs, |random| {
        let flips = flips(12, random);
        let mut p = Vec::new();
        for at in 0..12 {
            let factor = random.sign();
            let differences: Vec<f64> = (0..100)
                .map(|_| if at < 6 { outcome(0.2, 0.0, random) } else { factor * 0.18 * random.normal() })
                .collect();
            p.push(if at < 6 {
                let table = pairs(&differences);
                mcnemar::p_worse_mid(table.fixed, table.broken)
            } else {
                flips.p_worse(&Units::of(&differences))
            });
        }
        [multiple::holm(&p).iter().any(|p| *p <= ALPHA), p.iter().any(|p| *p <= ALPHA)]
    });
    let cell = "n 100, six binary and six scores";
    vec![
        Row::new("one of twelve is significant, by Holm", cell, reached[0], Limit::AtMost(0.0565 + size.allowance())),
        Row::new("one of twelve is significant, uncorrected", cell, reached[1], Limit::Breaks(0.30)),
    ]
}
