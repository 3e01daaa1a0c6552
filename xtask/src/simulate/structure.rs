//! Repeats, clusters, judges with labels, drift.

use promptgate_scoring::stats::sign_flip::Units;
use promptgate_scoring::stats::{calibration, cluster, dist, drift, log_ratio};

use super::random::{Random, shares};
use super::whole::flips;
use super::{Limit, Row, Size};

const ALPHA: f64 = 0.05;

/// Case averages of k trials, with strong effects of the cases, and all trials pooled: both sides' outcomes.
struct Repeated {
    differences: Vec<f64>,
    baseline: f64,
    candidate: f64,
}

const CASES: usize = 100;
const TRIALS: usize = 10;

/// Pass chances Beta(2, 1); one side moves by N(0, .35), which side is a matter of chance: no change over all cases.
fn repeated(random: &mut Random) -> Repeated {
    let mut found = Repeated { differences: Vec::new(), baseline: 0.0, candidate: 0.0 };
    for _ in 0..CASES {
        let p = random.beta(2.0, 1.0);
        let moved = (p + 0.35 * random.normal()).clamp(0.0, 1.0);
        let (before, after) = if random.chance(0.5) { (p, moved) } else { (moved, p) };
        let mut passed = |p: f64| (0..TRIALS).filter(|_| random.chance(p)).count() as f64;
        let (baseline, candidate) = (passed(before), passed(after));
        found.differences.push((candidate - baseline) / TRIALS as f64);
        found.baseline += baseline;
        found.candidate += candidate;
    }
    found
}

/// The one-sided p of two pooled proportions: what one gets who takes trials for independent cases.
fn pooled_p(found: &Repeated) -> f64 {
    let n = (CASES * TRIALS) as f64;
    let (before, after) = (found.baseline / n, found.candidate / n);
    let p = (before + after) / 2.0;
    dist::normal_cdf((after - before) / (2.0 * p * (1.0 - p) / n).sqrt())
}

/// Criterion 7.
pub fn trials_and_clusters(size: Size) -> Vec<Row> {
    let [averaged, pooled] = shares(700, size.runs, |random| {
        let found = repeated(random);
        let flips = flips(1, random);
        [flips.p_worse(&Units::of(&found.differences)) <= ALPHA, pooled_p(&found) <= ALPHA]
    });
    let (mut robust, mut naive, mut passed) = (Vec::new(), Vec::new(), Vec::new());
    for clusters in [8, 10, 20, 50] {
        let reached = shares(710 + clusters as u64, size.runs, |random| clustered(clusters, random));
        let cell = format!("{clusters} clusters of 10, ICC .5");
        robust.push((cell.clone(), reached[0]));
        naive.push((cell.clone(), reached[1]));
        passed.push((cell, reached[2]));
    }
    let most = Limit::AtMost(0.0565 + size.allowance());
    let cell = "k 10, n 100, strong case effects";
    vec![
        Row::new("repeats averaged within cases block no change", cell, averaged, most),
        Row::new("repeats pooled as if independent block no change", cell, pooled, Limit::Breaks(0.10)),
        Row::worst("cluster sign flip blocks no change", robust, most),
        Row::worst("t over cases of clusters blocks no change", naive, Limit::Breaks(0.15)),
        Row::worst("CR1 bound clears what is true, at its edge", passed, most),
    ]
}

/// Blocked by the cluster sign flip, by a t test that takes cases for independent, and passed by CR1 at the true mean.
fn clustered(clusters: usize, random: &mut Random) -> [bool; 3] {
    let (mut differences, mut keys) = (Vec::new(), Vec::new());
    for key in 0..clusters {
        let shared = 0.5_f64.sqrt() * random.normal();
        for _ in 0..10 {
            differences.push(0.2 * (shared + 0.5_f64.sqrt() * random.normal()));
            keys.push(key);
        }
    }
    let totals = cluster::totals(&differences, &keys);
    let flipped = flips(1, random).p_worse(&Units::of(&totals)) <= ALPHA;
    let negated: Vec<f64> = differences.iter().map(|difference| -difference).collect();
    let naive = log_ratio::p_increase(&negated).ok().flatten().is_some_and(|p| p <= ALPHA);
    let bounds = cluster::clustered_mean(&differences, &keys).ok().and_then(|mean| mean.bounds(ALPHA));
    [flipped, naive, bounds.is_some_and(|(lower, _)| lower > 0.0)]
}

/// Criterion 9: a judge that is lenient to the candidate, corrected by labels of people.
pub fn calibrated_mean(size: Size) -> Vec<Row> {
    const TRUE_MEAN: f64 = -0.03;
    const OTHERS: usize = 500;
    let (mut covered, mut alone) = (Vec::new(), Vec::new());
    for labels in [30, 50, 100] {
        let [calibrated, judge] = shares(900 + labels as u64, size.runs, |random| {
            let mut item = || {
                let truth = (TRUE_MEAN + 0.25 * random.normal()).clamp(-1.0, 1.0);
                (truth, (0.8 * truth + 0.05 + 0.12 * random.normal()).clamp(-1.0, 1.0))
            };
            let (people, judged): (Vec<f64>, Vec<f64>) = (0..labels).map(|_| item()).unzip();
            let others: Vec<f64> = (0..OTHERS).map(|_| item().1).collect();
            let inside = |(low, high): (f64, f64)| (low..=high).contains(&TRUE_MEAN);
            let calibrated = calibration::ppi_mean(&people, &judged, &others, 0.90);
            let plain = log_ratio::t_bounds(&others, ALPHA).ok().flatten();
            [calibrated.is_ok_and(|mean| inside(mean.interval)), plain.is_some_and(inside)]
        });
        covered.push((format!("{labels} labels"), calibrated));
        // Told as what it misses, so that a larger figure is worse.
        alone.push((format!("{labels} labels"), 1.0 - judge));
    }
    let least = 0.87 - size.allowance();
    vec![
        Row::worst("the 90 % interval of the calibrated mean covers", covered, Limit::AtLeast(least)),
        Row::worst("the 90 % interval of the judge alone misses", alone, Limit::Breaks(0.5)),
    ]
}

/// Criterion 10: the stability index where nothing drifts.
pub fn stability(size: Size) -> Vec<Row> {
    let runs = size.runs * 5;
    let [ours, fixed] = shares(1_000, runs, |random| {
        let mut sample = || {
            let mut bins = vec![0.0; 10];
            (0..100).for_each(|_| bins[(random.uniform() * 10.0) as usize] += 1.0);
            bins
        };
        let (before, now) = (sample(), sample());
        let found = drift::psi(&before, &now, 0.5);
        [found.is_ok_and(|(_, p)| p < 0.01), found.is_ok_and(|(psi, _)| psi > 0.1)]
    });
    let cell = "10 bins, 100 against 100";
    vec![
        Row::new("stability alarms at 1 % without drift", cell, ours, Limit::Within(0.005, 0.015)),
        Row::new("stability above 0.1 without drift", cell, fixed, Limit::Breaks(0.5)),
    ]
}
