//! Looking more than once: e-values after every case, the split design, planned looks, and the naive peeker.

use promptgate_core::gate::Sequential;
use promptgate_core::sequence;
use promptgate_scoring::stats::sign_flip::{Flips, Units};
use promptgate_scoring::stats::tango::Pairs;
use promptgate_scoring::stats::{cluster, dist, e_value, hall, mcnemar, sequential};

use super::generate::{Scores, outcome, seven};
use super::random::{Random, counts, shares};
use super::whole::{binary, flips, score};
use super::{Limit, Row, Size};

const ALPHA: f64 = 0.05;
const MARGIN: f64 = 0.05;

/// Criterion 5: evidence that may be looked at after every case.
pub fn after_every_case(size: Size) -> Vec<Row> {
    let longest = if size.full { 1_000 } else { 500 };
    let (mut blocked, mut peeked) = (Vec::new(), Vec::new());
    for psi in [0.05, 0.1, 0.2, 0.4] {
        let reached = shares(500 + (psi * 100.0) as u64, size.runs, |random| binary_looks(longest, psi, random));
        blocked.push((format!("psi {psi:.2}, to n {longest}"), reached[0]));
        peeked.push((format!("psi {psi:.2}, to n {longest}"), reached[1]));
    }
    let (mut passed, mut scored) = (Vec::new(), Vec::new());
    for (at, kind) in Scores::ALL.into_iter().enumerate() {
        let reached = shares(550 + at as u64, size.runs, |random| {
            let worse = sequential::Evidence::of_worse(1, 1.0);
            let still = ever(worse, longest, || kind.difference(0.0, random));
            let not = sequential::Evidence::of_not_worse(1, MARGIN, 1.0);
            [still, ever(not, longest, || kind.difference(-MARGIN, random))]
        });
        scored.push((format!("{kind:?}"), reached[0]));
        passed.push((format!("{kind:?}"), reached[1]));
    }
    let most = Limit::AtMost(0.0565 + size.allowance());
    vec![
        Row::worst("e-value blocks no change, binary", blocked, most),
        Row::worst("e-value blocks no change, scores", scored, most),
        Row::worst("e-value passes a drop at the limit, scores", passed, most),
        Row::worst("a naive peeker blocks no change", peeked, Limit::Breaks(0.15)),
    ]
}

/// Whether evidence ever reaches the level, looked at after every case from the first look on.
fn ever(mut evidence: sequential::Evidence, longest: usize, mut next: impl FnMut() -> f64) -> bool {
    (1..=longest).any(|n| {
        evidence.add(&sequential::Unit { total: next(), size: 1 });
        n >= sequence::FIRST_LOOK && evidence.log_e() >= -ALPHA.ln()
    })
}

/// Whether the e-value, and the mid-p taken at its word, ever block where nothing changed.
fn binary_looks(longest: usize, psi: f64, random: &mut Random) -> [bool; 2] {
    let (mut fixed, mut broken) = (0, 0);
    let (mut by_e, mut by_p) = (false, false);
    for n in 1..=longest {
        match outcome(psi, 0.0, random) {
            1.0 => fixed += 1,
            -1.0 => broken += 1,
            _ if n != sequence::FIRST_LOOK => continue,
            _ => {}
        }
        if n >= sequence::FIRST_LOOK {
            by_e = by_e || e_value::log_e_worse(fixed, broken) >= -ALPHA.ln();
            by_p = by_p || mcnemar::p_worse_mid(fixed, broken) <= ALPHA;
        }
    }
    [by_e, by_p]
}

/// How a gate on one binary metric ended.
#[derive(Clone, Copy, Default)]
struct Ended {
    blocked: bool,
    passed: bool,
    used: usize,
}

/// The state of the pairs after n cases.
fn table(differences: &[f64]) -> Pairs {
    super::whole::pairs(differences)
}

fn dropped(pairs: Pairs) -> bool {
    pairs.estimate() <= -MARGIN + 1e-12
}

/// All at once.
fn fixed_design(differences: &[f64], alpha: f64) -> Ended {
    let pairs = table(differences);
    let blocked = mcnemar::p_worse_mid(pairs.fixed, pairs.broken) <= alpha && dropped(pairs);
    let passed = !blocked && pairs.z(-MARGIN) >= dist::normal_quantile(1.0 - alpha);
    Ended { blocked, passed, used: differences.len() }
}

/// Five planned looks.
fn looks(differences: &[f64], levels: &[f64]) -> Ended {
    for (used, level) in sequence::looks(Sequential::Looks, differences.len()).into_iter().zip(levels) {
        let ended = Ended { used, ..fixed_design(&differences[..used], *level) };
        if ended.blocked || ended.passed || used == differences.len() {
            return ended;
        }
    }
    Ended { used: differences.len(), ..Ended::default() }
}

/// E-values while running, the fixed tests at the end.
fn split(differences: &[f64]) -> Ended {
    let split = sequential::split(ALPHA);
    let mut not_worse = sequential::Evidence::of_not_worse(1, MARGIN, 1.0);
    let mut seen = 0;
    for used in sequence::looks(Sequential::Anytime, differences.len()) {
        differences[seen..used].iter().for_each(|total| not_worse.add(&sequential::Unit { total: *total, size: 1 }));
        seen = used;
        if used == differences.len() {
            break;
        }
        let pairs = table(&differences[..used]);
        let blocked = e_value::log_e_worse(pairs.fixed, pairs.broken) >= -split.running.ln() && dropped(pairs);
        if blocked || not_worse.log_e() >= -split.running.ln() {
            return Ended { blocked, passed: !blocked, used };
        }
    }
    fixed_design(differences, split.complete)
}

/// Shares of block and pass, and of the cases used, of the three designs.
struct Designs {
    blocked: [f64; 3],
    passed: [f64; 3],
    used: [f64; 3],
}

fn designs(cell: u64, runs: u64, n: usize, delta: f64) -> Designs {
    let levels = sequential::look_alphas(sequence::LOOKS, ALPHA);
    let total = counts(cell, runs, |random| {
        let differences: Vec<f64> = (0..n).map(|_| outcome(0.1, delta, random)).collect();
        let ended = [fixed_design(&differences, ALPHA), looks(&differences, &levels), split(&differences)];
        let mut found = [0; 9];
        for (at, ended) in ended.iter().enumerate() {
            found[at] = u64::from(ended.blocked);
            found[3 + at] = u64::from(ended.passed);
            found[6 + at] = ended.used as u64;
        }
        found
    });
    let share = |at: usize, of: f64| total[at] as f64 / runs as f64 / of;
    let three = |from: usize, of: f64| [share(from, of), share(from + 1, of), share(from + 2, of)];
    Designs { blocked: three(0, 1.0), passed: three(3, 1.0), used: three(6, n as f64) }
}

/// Criterion 6.
pub fn early_stop(size: Size) -> Vec<Row> {
    let cell = |n: usize, delta: f64| format!("n {n}, psi .1, drop {:.2}", -delta);
    let run = |n: usize, delta: f64| designs(600 + n as u64 + (delta * -1_000.0) as u64, size.runs, n, delta);
    let [small, large] = [200, 500].map(|n| (n, run(n, 0.0), run(n, -0.05), run(n, -0.10)));
    let still = [&small, &large].map(|(n, still, ..)| (cell(*n, 0.0), still));
    let at_limit = [&small, &large].map(|(n, _, limit, _)| (cell(*n, -0.05), limit));
    let of = |cells: &[(String, &Designs); 2], take: fn(&Designs) -> f64| {
        cells.iter().map(|(cell, found)| (cell.clone(), take(found))).collect::<Vec<_>>()
    };
    let most = Limit::AtMost(0.0565 + size.allowance());
    vec![
        Row::worst("looks block no change", of(&still, |found| found.blocked[1]), most),
        Row::worst("split design blocks no change", of(&still, |found| found.blocked[2]), most),
        Row::worst("looks pass a drop at the limit", of(&at_limit, |found| found.passed[1]), most),
        Row::worst("split design passes a drop at the limit", of(&at_limit, |found| found.passed[2]), most),
        Row::new("split saves at a drop of 10 pt", cell(200, -0.1), 1.0 - small.3.used[2], Limit::AtLeast(0.55)),
        Row::new("split saves at a drop of 10 pt", cell(500, -0.1), 1.0 - large.3.used[2], Limit::AtLeast(0.80)),
        Row::new("split saves without a change", cell(500, 0.0), 1.0 - large.1.used[2], Limit::AtLeast(0.30)),
        Row::new("looks save without a change", cell(500, 0.0), 1.0 - large.1.used[1], Limit::AtLeast(0.30)),
        Row::worst(
            "looks pass less often than the fixed design by",
            of(&still, |found| found.passed[0] - found.passed[1]),
            Limit::AtMost(0.05),
        ),
    ]
}

/// Criterion 13: planned looks over seven metrics, and over clusters.
pub fn family_and_clusters(size: Size) -> Vec<Row> {
    let (runs, n) = (size.runs, 200);
    let each = sequential::look_alphas(sequence::LOOKS, ALPHA / 7.0);
    let shared = sequential::look_alphas(sequence::LOOKS, ALPHA);
    let blocked = shares(1_300, runs, |random| {
        let metrics = seven(n, random);
        let flips = flips(35, random);
        let looks = sequence::looks(Sequential::Looks, n);
        [looks.iter().zip(&each).any(|(used, level)| any_blocked(&metrics, *used, *level, flips))]
    })[0];
    let (mut still, mut at_limit) = (Vec::new(), Vec::new());
    for clusters in [20, 50, 100] {
        let reached = shares(1_310 + clusters as u64, runs, |random| {
            let flips = flips(5, random);
            [
                clustered_looks(clusters, 0.0, &shared, flips, random).0,
                clustered_looks(clusters, -MARGIN, &shared, flips, random).1,
            ]
        });
        still.push((format!("{clusters} clusters of 4"), reached[0]));
        at_limit.push((format!("{clusters} clusters of 4"), reached[1]));
    }
    let most = Limit::AtMost(0.0565 + size.allowance());
    vec![
        Row::new("looks over seven metrics block no change", "n 200", blocked, most),
        Row::worst("looks over clusters block no change", still, most),
        Row::worst("looks over clusters pass a drop at the limit", at_limit, Limit::AtMost(0.07 + size.allowance())),
    ]
}

/// Whether a metric of the seven is worse at a look, and fell by the allowed drop.
fn any_blocked(metrics: &[Vec<f64>; 7], used: usize, level: f64, flips: Flips) -> bool {
    let worse = |(at, metric): (usize, &Vec<f64>)| {
        let (differences, margin) = (&metric[..used], if at < 5 { MARGIN } else { f64::ln_1p(0.10) });
        // The estimate is cheap and rules out most.
        let mean = differences.iter().sum::<f64>() / used as f64;
        if mean > -margin + 1e-12 {
            return false;
        }
        let found = if at < 3 { binary(differences, margin, level) } else { score(differences, margin, flips) };
        found.p <= level
    };
    metrics.iter().enumerate().any(worse)
}

/// Whether looks over clusters ever block, and ever pass.
fn clustered_looks(clusters: usize, delta: f64, levels: &[f64], flips: Flips, random: &mut Random) -> (bool, bool) {
    let (mut differences, mut keys) = (Vec::new(), Vec::new());
    for key in 0..clusters {
        let shared = 0.5_f64.sqrt() * random.normal();
        for _ in 0..4 {
            differences.push((delta + 0.15 * (shared + 0.5_f64.sqrt() * random.normal())).clamp(-1.0, 1.0));
            keys.push(key);
        }
    }
    let (mut blocked, mut passed) = (false, false);
    for (used, level) in sequence::looks(Sequential::Looks, clusters).into_iter().zip(levels) {
        let (seen, keys) = (&differences[..4 * used], &keys[..4 * used]);
        let Ok(mean) = cluster::clustered_mean(seen, keys) else { continue };
        if mean.mean <= -MARGIN + 1e-12 {
            blocked |= flips.p_worse(&Units::of(&cluster::totals(seen, keys))) <= *level;
        }
        let guard = hall::guard(mean.mean, mean.clusters, *level, -1.0, 1.0);
        passed |= mean.bounds(*level).is_some_and(|(lower, _)| lower.min(guard.lower) > -MARGIN);
    }
    (blocked, passed)
}
