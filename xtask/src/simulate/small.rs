//! Criterion 14: small suites judged on their own cases.

use promptgate_scoring::stats::hall;
use promptgate_scoring::stats::sign_flip::Flips;
use promptgate_scoring::stats::these_cases::{Case, Labels, bounds};

use super::random::{Random, shares};
use super::{Limit, Row, Size};

const ALPHA: f64 = 0.05;

/// Which cases waver, passing with chances between .5 and .95.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Suite {
    Stable,
    FifthFlaky,
    AllFlaky,
}

const SUITES: [Suite; 3] = [Suite::Stable, Suite::FifthFlaky, Suite::AllFlaky];

/// How a drop is laid on the cases.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Drop {
    /// Over all cases alike.
    Spread,
    /// Off a few cases, outright.
    Few,
}

/// The chances to pass of each case, before and now.
fn chances(n: usize, suite: Suite, drop: f64, laid: Drop, random: &mut Random) -> Vec<(f64, f64)> {
    let flaky = match suite {
        Suite::Stable => 0,
        Suite::FifthFlaky => n / 5,
        Suite::AllFlaky => n,
    };
    let mut left = drop * n as f64;
    (0..n)
        .map(|at| {
            let before = if at < flaky { random.between(0.5, 0.95) } else { 1.0 };
            let taken = match laid {
                Drop::Spread => drop.min(before),
                // From the last cases on, so that they are stable ones where there are any.
                Drop::Few => 0.0,
            };
            (before, before - taken)
        })
        .rev()
        .map(|(before, after)| {
            let taken = if laid == Drop::Few { left.min(before) } else { 0.0 };
            left -= taken;
            (before, after - taken)
        })
        .collect()
}

fn outcomes(chances: &[(f64, f64)], k: usize, random: &mut Random) -> Vec<Case> {
    let mut trials = |p: f64| (0..k).map(|_| f64::from(u8::from(random.chance(p)))).collect::<Vec<_>>();
    chances.iter().map(|(before, after)| Case { baseline: trials(*before), candidate: trials(*after) }).collect()
}

/// Noise of scores within a case.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Noise {
    /// Normal, sd .1.
    Normal,
    /// A fall of .45 with chance .1, else a rise of .05.
    Falls,
    /// Normal, sd .2, on a fifth of the cases alone.
    Fifth,
}

const NOISES: [Noise; 3] = [Noise::Normal, Noise::Falls, Noise::Fifth];

fn scores(n: usize, k: usize, noise: Noise, drop: f64, random: &mut Random) -> Vec<Case> {
    let mut trials = |at: usize, level: f64| {
        let value = |random: &mut Random| match noise {
            Noise::Normal => level + 0.1 * random.normal(),
            Noise::Falls => {
                if random.chance(0.1) {
                    level - 0.45
                } else {
                    level + 0.05
                }
            }
            Noise::Fifth if at.is_multiple_of(5) => level + 0.2 * random.normal(),
            Noise::Fifth => level,
        };
        (0..k).map(|_| value(random)).collect::<Vec<_>>()
    };
    (0..n).map(|at| Case { baseline: trials(at, 0.6), candidate: trials(at, 0.6 - drop) }).collect()
}

fn blocked(cases: &[Case], margin: f64, random: &mut Random) -> bool {
    let found = bounds(cases, ALPHA, Some(1.0));
    if !found.is_ok_and(|bounds| bounds.estimate <= -margin + 1e-12) {
        return false;
    }
    let flips = Flips { seed: (random.uniform() * 1e15) as u64, replicates: 999 };
    Labels::new(cases, &(0..cases.len()).collect::<Vec<_>>()).p_worse(flips) <= ALPHA
}

/// Whether a drop is cleared: by the rule, without the guard, and without the skew term.
fn cleared(cases: &[Case], margin: f64) -> [bool; 3] {
    let Ok(found) = bounds(cases, ALPHA, Some(1.0)) else { return [false; 3] };
    let guard = found.guard.map_or(f64::INFINITY, |guard: hall::Bounds| guard.lower);
    let plain = (found.estimate - found.t * found.se).min(guard);
    [found.lower, found.t_lower, plain].map(|lower| lower > -margin)
}

/// The cells of small suites.
fn sizes(size: Size) -> Vec<(usize, usize)> {
    let all = [25, 40, 60].into_iter().flat_map(|n| [3, 5, 10].map(|k| (n, k)));
    all.filter(|(n, k)| size.full || *n != 40 || *k == 5).collect()
}

/// Criterion 14.
pub fn these_cases(size: Size) -> Vec<Row> {
    let mut cells = Cells::default();
    for (n, k) in sizes(size) {
        for (at, suite) in SUITES.into_iter().enumerate() {
            let cell = 14_000 + (n * 100 + k * 10 + at) as u64;
            cells.binary(size, cell, (n, k), suite);
        }
        for (at, noise) in NOISES.into_iter().enumerate() {
            cells.scores(size, 15_000 + (n * 100 + k * 10 + at) as u64, (n, k), noise);
        }
    }
    cells.rows(size)
}

/// What the cells reached, row by row.
#[derive(Default)]
struct Cells {
    still: Vec<(String, f64)>,
    at_limit: Vec<(String, f64)>,
    without_guard: Vec<(String, f64)>,
    without_skew: Vec<(String, f64)>,
    scores_still: Vec<(String, f64)>,
    scores_at_limit: Vec<(String, f64)>,
    caught: Vec<(String, f64)>,
}

impl Cells {
    fn binary(&mut self, size: Size, cell: u64, (n, k): (usize, usize), suite: Suite) {
        let name = format!("n {n}, k {k}, {suite:?}");
        let [still, caught] = shares(cell, size.runs, |random| {
            let same = chances(n, suite, 0.0, Drop::Spread, random);
            let fell = chances(n, suite, 0.15, Drop::Spread, random);
            let (same, fell) = (outcomes(&same, k, random), outcomes(&fell, k, random));
            [blocked(&same, 0.05, random), blocked(&fell, 0.10, random)]
        });
        self.still.push((name.clone(), still));
        if suite == Suite::FifthFlaky {
            self.caught.push((name.clone(), caught));
        }
        for margin in [0.05, 0.10] {
            for laid in [Drop::Spread, Drop::Few] {
                let reached = shares(cell + (margin * 1e7) as u64 + laid as u64, size.runs, |random| {
                    let fell = chances(n, suite, margin, laid, random);
                    cleared(&outcomes(&fell, k, random), margin)
                });
                let name = format!("{name}, m {margin:.2}, {laid:?}");
                self.at_limit.push((name.clone(), reached[0]));
                self.without_guard.push((name.clone(), reached[1]));
                self.without_skew.push((name, reached[2]));
            }
        }
    }

    fn scores(&mut self, size: Size, cell: u64, (n, k): (usize, usize), noise: Noise) {
        let name = format!("n {n}, k {k}, {noise:?}");
        let [still, at_limit] = shares(cell, size.runs, |random| {
            let fell = scores(n, k, noise, 0.05, random);
            [blocked(&scores(n, k, noise, 0.0, random), 0.05, random), cleared(&fell, 0.05)[0]]
        });
        self.scores_still.push((name.clone(), still));
        self.scores_at_limit.push((name, at_limit));
    }

    fn rows(self, size: Size) -> Vec<Row> {
        let more = size.allowance();
        vec![
            Row::worst("these cases: no change fails", self.still, Limit::AtMost(0.0565 + more)),
            Row::worst("these cases: a drop at the limit passes", self.at_limit, Limit::AtMost(0.06 + more)),
            Row::worst("these cases: scores without a change fail", self.scores_still, Limit::AtMost(0.0565 + more)),
            Row::worst("these cases: scores at the limit pass", self.scores_at_limit, Limit::AtMost(0.065 + more)),
            Row::worst("these cases: 15 pt off are blocked, 20 % flaky", self.caught, Limit::AtLeast(0.80)),
            Row::worst("these cases without the guard: the limit passes", self.without_guard, Limit::Breaks(0.10)),
            Row::worst("these cases without the skew term: it passes", self.without_skew, Limit::Breaks(0.10)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_is_laid_on_the_cases_in_full() {
        for suite in SUITES {
            for laid in [Drop::Spread, Drop::Few] {
                let cases = chances(40, suite, 0.1, laid, &mut Random::new(1, 1));
                let fell: f64 = cases.iter().map(|(before, after)| before - after).sum();
                assert!((fell - 4.0).abs() < 1e-9, "{suite:?} {laid:?}: {fell}");
                assert!(cases.iter().all(|(before, after)| *after >= -1e-12 && after <= before));
            }
        }
    }
}
