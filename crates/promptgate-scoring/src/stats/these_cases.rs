//! `scope = "these-cases"`: is the candidate worse **on these cases**? The cases are fixed, only the model's own noise over
//! repeats is uncertain (gate.md, 4.8). Blocks by permuted trial labels (Fisher 1935, within cases), passes by a t bound
//! on the pooled case variances (Satterthwaite 1946) with a term for the skewness of rare failures, and by the guard of
//! [`hall`] on calls.
//!
//! Replicate b draws its labels from the ChaCha8 stream number b of the seed, case after case in the order given: no
//! number of threads changes a count.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use super::sign_flip::Flips;
use super::{StatError, dist, finite, hall, plan, sum};

/// Most relabellings that are enumerated.
pub const EXACT_LABELLINGS: u64 = 65_536;
/// Sums this close are ties.
const TIE: f64 = 1e-9;
/// Replicates when a p lies too near its threshold.
const CLOSER: u32 = 99_999;

/// The trials of one case on both sides.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Case {
    /// Values of the baseline's trials.
    pub baseline: Vec<f64>,
    /// Values of the candidate's.
    pub candidate: Vec<f64>,
}

/// The estimate with its bounds, and the numbers they are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The mean over cases of candidate mean minus baseline mean.
    pub estimate: f64,
    /// Its standard error, from the noise within cases; 0 where every trial repeats.
    pub se: f64,
    /// Satterthwaite's degrees of freedom, at least 1; absent where `se` is 0.
    pub df: Option<f64>,
    /// t_{1-alpha, df}; 0 where `se` is 0.
    pub t: f64,
    /// The third central moment of the estimate.
    pub third_moment: f64,
    /// max(0, -M3) / SE^2: the jump that rare failures show, for the lower bound.
    pub jump_low: f64,
    /// max(0, M3) / SE^2, for the upper bound.
    pub jump_high: f64,
    /// estimate - t SE - t^2/2 h.
    pub t_lower: f64,
    /// estimate + t SE + t^2/2 h'.
    pub t_upper: f64,
    /// The guard against failures that were not seen; absent for amounts, which have no range.
    pub guard: Option<hall::Bounds>,
    /// The calls that the guard counts.
    pub calls: usize,
    /// The lower bound: the smaller of the two.
    pub lower: f64,
    /// The upper bound: the larger of the two.
    pub upper: f64,
}

/// One side of one case: mean, variance (k - 1) and third moment c3 = k / ((k-1)(k-2)) sum (x - mean)^3, 0 for k = 2.
struct Side {
    trials: f64,
    mean: f64,
    variance: f64,
    third: f64,
}

impl Side {
    fn of(trials: &[f64]) -> Result<Self, StatError> {
        if trials.len() < 2 {
            return Err(StatError::NoData);
        }
        let k = finite(trials)?.len() as f64;
        let mean = sum::pairwise(trials) / k;
        let power = |power: i32| sum::of(trials, |x| (x - mean).powi(power));
        let third = if k > 2.0 { k / ((k - 1.0) * (k - 2.0)) * power(3) } else { 0.0 };
        // Equal trials have no spread, whatever rounding says of their mean.
        let same = trials.iter().all(|trial| *trial == trials[0]);
        let (variance, third) = if same { (0.0, 0.0) } else { (power(2) / (k - 1.0), third) };
        Ok(Self { trials: k, mean: if same { trials[0] } else { mean }, variance, third })
    }

    /// The variance of the mean.
    fn spread(&self) -> f64 {
        self.variance / self.trials
    }

    /// The third moment of the mean.
    fn skew(&self) -> f64 {
        self.third / (self.trials * self.trials)
    }
}

/// What the bounds are made from, over the cases.
struct Sums {
    n: f64,
    estimate: f64,
    /// Variances of the means of all case sides that vary, with their degrees of freedom.
    spreads: Vec<(f64, f64)>,
    third: f64,
    calls: usize,
}

impl Sums {
    fn bounds(&self, alpha: f64, ends: Option<(f64, f64)>) -> Bounds {
        let total = sum::over(&self.spreads, |(spread, _)| *spread);
        let se = total.sqrt() / self.n;
        let squares = sum::over(&self.spreads, |(spread, df)| spread * spread / df);
        let df = (se > 0.0).then(|| (total * total / squares).max(1.0));
        let t = df.map_or(0.0, |df| dist::t_quantile(1.0 - alpha, df));
        let third = self.third / self.n.powi(3);
        let jump = |moment: f64| if se > 0.0 { moment.max(0.0) / (se * se) } else { 0.0 };
        let (jump_low, jump_high) = (jump(-third), jump(third));
        let t_lower = self.estimate - t * se - t * t / 2.0 * jump_low;
        let t_upper = self.estimate + t * se + t * t / 2.0 * jump_high;
        let guard = ends.map(|(low, high)| hall::guard(self.estimate, self.calls, alpha, low, high));
        Bounds {
            estimate: self.estimate,
            se,
            df,
            t,
            third_moment: third,
            jump_low,
            jump_high,
            t_lower,
            t_upper,
            guard,
            calls: self.calls,
            lower: guard.map_or(t_lower, |guard| t_lower.min(guard.lower)),
            upper: guard.map_or(t_upper, |guard| t_upper.max(guard.upper)),
        }
    }
}

/// The bounds of the mean difference on these cases, each one-sided at `alpha`. `range` is the length of the score range,
/// absent for amounts (which then stand on a log scale).
///
/// # Errors
///
/// `no_data` without a case or with fewer than two trials on a side, `invalid_score` for what is no finite number.
pub fn bounds(cases: &[Case], alpha: f64, range: Option<f64>) -> Result<Bounds, StatError> {
    let both = |case: &Case| Ok((Side::of(&case.baseline)?, Side::of(&case.candidate)?));
    let sides = cases.iter().map(both).collect::<Result<Vec<_>, StatError>>()?;
    let differences: Vec<f64> = sides.iter().map(|(before, after)| after.mean - before.mean).collect();
    let varying = sides.iter().flat_map(|(before, after)| [before, after]).filter(|side| side.variance > 0.0);
    let sums = Sums {
        n: cases.len() as f64,
        estimate: sum::mean(&differences).ok_or(StatError::NoData)?,
        spreads: varying.map(|side| (side.spread(), side.trials - 1.0)).collect(),
        third: sum::over(&sides, |(before, after)| after.skew() - before.skew()),
        calls: calls(cases),
    };
    Ok(sums.bounds(alpha, range.map(|range| (-range, range))))
}

/// The bounds of the candidate's mean alone, by its half of the sums; `ends` are those of the score range.
///
/// # Errors
///
/// As [`bounds`].
pub fn bounds_of_candidate(cases: &[Vec<f64>], alpha: f64, ends: Option<(f64, f64)>) -> Result<Bounds, StatError> {
    let sides = cases.iter().map(|trials| Side::of(trials)).collect::<Result<Vec<_>, StatError>>()?;
    let means: Vec<f64> = sides.iter().map(|side| side.mean).collect();
    let varying = sides.iter().filter(|side| side.variance > 0.0);
    let sums = Sums {
        n: cases.len() as f64,
        estimate: sum::mean(&means).ok_or(StatError::NoData)?,
        spreads: varying.map(|side| (side.spread(), side.trials - 1.0)).collect(),
        third: sum::over(&sides, Side::skew),
        calls: cases.len() * cases.iter().map(Vec::len).min().unwrap_or(0),
    };
    Ok(sums.bounds(alpha, ends))
}

/// The calls of the candidate that the guard counts: cases times the fewest trials of one.
pub fn calls(cases: &[Case]) -> usize {
    cases.len() * cases.iter().map(|case| case.candidate.len()).min().unwrap_or(0)
}

/// The fewest calls with which a difference of 0 clears a drop of `margin` under the guard.
pub fn fewest_calls(margin: f64, alpha: f64, range: f64) -> u64 {
    hall::fewest_units(margin, alpha, range)
}

/// Mean over the cases of the variances of both sides' trials, added up: w_baseline + w_candidate.
pub fn within(cases: &[Case]) -> f64 {
    let of = |trials: &[f64]| Side::of(trials).map_or(0.0, |side| side.variance);
    let both: Vec<f64> = cases.iter().map(|case| of(&case.baseline) + of(&case.candidate)).collect();
    sum::mean(&both).unwrap_or(0.0)
}

/// Trials a case that settle a check with the given power where there is no drop:
/// k = (z_a + z_b)^2 (w_baseline + w_candidate) / (n m^2), rounded up.
pub fn trials_needed(within: f64, cases: u64, margin: f64, alpha: f64, power: f64) -> u64 {
    plan::round_up(plan::z_sum_squared(alpha, power) * within / (cases.max(1) as f64 * margin * margin))
}

/// How a p is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Exactly, by convolving hypergeometric counts: 0/1 values with as many trials on both sides of every case.
    Hypergeometric,
    /// Exactly, over all relabellings.
    Enumerated,
    /// From random relabellings.
    Drawn,
}

/// The labels of trials, to be permuted within cases: which of a case's trials belong to the candidate is a matter of
/// chance if nothing changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The cases whose trials differ, the candidate's values behind the baseline's.
    cases: Vec<Pool>,
    how: How,
}

#[derive(Debug, Clone, PartialEq)]
struct Pool {
    values: Vec<f64>,
    /// Trials of the candidate.
    drawn: usize,
    /// The place of the case, by which its stream of labels is found.
    place: usize,
}

impl Pool {
    fn of(case: &Case, place: usize) -> Self {
        let values = case.baseline.iter().chain(&case.candidate).copied().collect();
        Self { values, drawn: case.candidate.len(), place }
    }

    fn differs(&self) -> bool {
        self.values.iter().any(|value| *value != self.values[0])
    }

    /// The mean of the candidate's trials as they were.
    fn seen(&self) -> f64 {
        let from = self.values.len() - self.drawn;
        sum::pairwise(&self.values[from..]) / self.drawn as f64
    }

    fn labellings(&self) -> u64 {
        (0..self.drawn as u64).fold(1_u64, |ways, k| ways.saturating_mul(self.values.len() as u64 - k) / (k + 1))
    }

    /// The candidate means of all relabellings.
    fn means(&self) -> Vec<f64> {
        let mut means = Vec::new();
        let mut chosen: Vec<usize> = (0..self.drawn).collect();
        loop {
            means.push(chosen.iter().map(|at| self.values[*at]).sum::<f64>() / self.drawn as f64);
            // The next combination in lexical order.
            let last = self.values.len() - self.drawn;
            let Some(at) = (0..self.drawn).rev().find(|at| chosen[*at] < last + at) else { return means };
            chosen[at] += 1;
            for next in at + 1..self.drawn {
                chosen[next] = chosen[next - 1] + 1;
            }
        }
    }
}

impl Labels {
    /// The labels of some cases, with the place of each among the cases of the comparison.
    pub fn new(cases: &[Case], places: &[usize]) -> Self {
        let pools = cases.iter().zip(places).map(|(case, place)| Pool::of(case, *place));
        let pools: Vec<Pool> = pools.filter(Pool::differs).collect();
        let counts = pools.iter().all(|pool| {
            pool.values.len() == 2 * pool.drawn && pool.values.iter().all(|value| *value == 0.0 || *value == 1.0)
        });
        let one_size = pools.windows(2).all(|pair| pair[0].drawn == pair[1].drawn);
        let all = pools.iter().fold(1_u64, |ways, pool| ways.saturating_mul(pool.labellings()));
        let how = match () {
            () if counts && one_size => How::Hypergeometric,
            () if all <= EXACT_LABELLINGS => How::Enumerated,
            () => How::Drawn,
        };
        Self { cases: pools, how }
    }

    /// How its p is had.
    pub fn how(&self) -> How {
        self.how
    }

    /// One-sided p of "worse": the share of relabellings whose sum of candidate means is at most the one seen. 1 where no
    /// case has trials that differ; never 0.
    pub fn p_worse(&self, flips: Flips) -> f64 {
        match self.how {
            How::Hypergeometric => self.convolved(),
            How::Enumerated => self.enumerated(),
            How::Drawn => self.drawn(flips.seed, flips.replicates),
        }
    }

    /// The same p, from more replicates where it lies within three Monte Carlo standard errors of `threshold`.
    pub fn sharpened(&self, flips: Flips, p: f64, threshold: f64) -> f64 {
        let error = (p * (1.0 - p) / (f64::from(flips.replicates) + 1.0)).sqrt();
        let near = (p - threshold).abs() <= 3.0 * error;
        let more = self.how == How::Drawn && flips.replicates < CLOSER;
        if near && more { self.drawn(flips.seed, CLOSER) } else { p }
    }

    fn seen(&self) -> f64 {
        let means: Vec<f64> = self.cases.iter().map(Pool::seen).collect();
        sum::pairwise(&means)
    }

    /// The distribution of the candidate's passes over all relabellings: one hypergeometric count a case, added up.
    fn convolved(&self) -> f64 {
        let mut shares = vec![1.0];
        let mut seen = 0;
        for pool in &self.cases {
            let (all, drawn) = (pool.values.len() as u64, pool.drawn as u64);
            let passed = pool.values.iter().filter(|value| **value == 1.0).count() as u64;
            seen += pool.values[pool.values.len() - pool.drawn..].iter().filter(|value| **value == 1.0).count();
            let chance = |of: u64| hypergeometric(of, all, passed, drawn);
            let own: Vec<f64> = (0..=drawn).map(chance).collect();
            let mut next = vec![0.0; shares.len() + drawn as usize];
            for (at, share) in shares.iter().enumerate() {
                for (more, chance) in own.iter().enumerate() {
                    next[at + more] += share * chance;
                }
            }
            shares = next;
        }
        sum::pairwise(&shares[..=seen]).min(1.0)
    }

    fn enumerated(&self) -> f64 {
        let seen = self.seen() + TIE;
        let mut sums = vec![0.0];
        for means in self.cases.iter().map(Pool::means) {
            sums = sums.iter().flat_map(|sum| means.iter().map(move |mean| sum + mean)).collect();
        }
        sums.iter().filter(|sum| **sum <= seen).count() as f64 / sums.len() as f64
    }

    fn drawn(&self, seed: u64, replicates: u32) -> f64 {
        let seen = self.seen() + TIE;
        let key = ChaCha8Rng::seed_from_u64(seed);
        let below: u64 = (1..replicates + 1)
            .into_par_iter()
            .with_min_len(256)
            .map_init(
                || (key.clone(), Vec::new()),
                |(rng, deck), replicate| u64::from(self.relabelled(rng, replicate, deck) <= seen),
            )
            .sum();
        (1.0 + below as f64) / (f64::from(replicates) + 1.0)
    }

    /// The sum of candidate means of one replicate. Each case starts at a word of the stream that its place fixes, so that
    /// metrics and slices with other cases draw the same labels for it.
    fn relabelled(&self, rng: &mut ChaCha8Rng, replicate: u32, deck: &mut Vec<f64>) -> f64 {
        rng.set_stream(u64::from(replicate));
        let mut total = 0.0;
        for pool in &self.cases {
            rng.set_word_pos(pool.place as u128 * WORDS);
            deck.clear();
            deck.extend_from_slice(&pool.values);
            for at in 0..pool.drawn {
                let left = (deck.len() - at) as u64;
                let pick = at + ((u64::from(rng.next_u32()) * left) >> 32) as usize;
                deck.swap(at, pick);
            }
            total += deck[..pool.drawn].iter().sum::<f64>() / pool.drawn as f64;
        }
        total
    }
}

/// Words of the stream that one case may take: more trials than these share words with the next case, which is harmless.
const WORDS: u128 = 64;

/// P(X = of) when `drawn` of `all` trials are drawn of which `passed` passed.
fn hypergeometric(of: u64, all: u64, passed: u64, drawn: u64) -> f64 {
    if of > passed || drawn < of || drawn - of > all - passed {
        return 0.0;
    }
    (dist::ln_choose(passed, of) + dist::ln_choose(all - passed, drawn - of) - dist::ln_choose(all, drawn)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLIPS: Flips = Flips { seed: 7, replicates: 9_999 };

    fn zero_one(passed: usize, trials: usize) -> Vec<f64> {
        (0..trials).map(|at| f64::from(u8::from(at < passed))).collect()
    }

    /// 25 cases, 5 trials: one case 4/5 before and 3/5 now, another 4/5 now, all else 5/5.
    fn binary() -> Vec<Case> {
        let case = |at: usize| match at {
            0 => Case { baseline: zero_one(4, 5), candidate: zero_one(3, 5) },
            1 => Case { baseline: zero_one(5, 5), candidate: zero_one(4, 5) },
            _ => Case { baseline: zero_one(5, 5), candidate: zero_one(5, 5) },
        };
        (0..25).map(case).collect()
    }

    fn scores() -> Vec<Case> {
        let case =
            |baseline: [f64; 3], candidate: [f64; 3]| Case { baseline: baseline.into(), candidate: candidate.into() };
        vec![
            case([0.9, 0.8, 0.85], [0.7, 0.8, 0.9]),
            case([1.0, 1.0, 1.0], [1.0, 1.0, 0.2]),
            case([0.4, 0.6, 0.5], [0.5, 0.5, 0.5]),
        ]
    }

    fn near(one: f64, other: f64) {
        assert!((one - other).abs() < 5e-8 * other.abs().max(1.0), "{one} {other}");
    }

    #[test]
    fn both_examples_of_the_method_come_out() {
        let bounds = bounds(&binary(), 0.05, Some(1.0)).unwrap();
        near(bounds.estimate, -0.016);
        near(bounds.se, 0.014_966_6);
        assert!((bounds.df.unwrap() - 11.529_4).abs() < 1e-4);
        near(bounds.third_moment, -2.56e-7);
        near(bounds.jump_low, 0.001_142_86);
        near(bounds.t_lower, -0.044_593_4);
        near(bounds.guard.unwrap().lower, -0.039_302_1);
        let labels = Labels::new(&binary(), &(0..25).collect::<Vec<_>>());
        assert_eq!(labels.how(), How::Hypergeometric);
        near(labels.p_worse(FLIPS), 7.0 / 24.0);
    }

    #[test]
    fn scores_are_enumerated_and_their_failure_makes_the_bound_careful() {
        let bounds = bounds(&scores(), 0.05, Some(1.0)).unwrap();
        near(bounds.estimate, -0.105_555_56);
        assert!((bounds.se - 0.093_458_9).abs() < 1e-7 && (bounds.df.unwrap() - 2.433_096).abs() < 1e-6);
        assert!((bounds.jump_low - 0.080_408_3).abs() < 1e-7);
        assert!((bounds.t_lower - -0.618_709_5).abs() < 1e-6, "{}", bounds.t_lower);
        assert!((bounds.guard.unwrap().lower - -0.358_798_6).abs() < 1e-7);
        let labels = Labels::new(&scores(), &[0, 1, 2]);
        assert_eq!(labels.how(), How::Enumerated);
        near(labels.p_worse(FLIPS), 0.175);
    }

    #[test]
    fn drawing_agrees_with_enumeration() {
        let labels = Labels { how: How::Drawn, ..Labels::new(&scores(), &[0, 1, 2]) };
        assert!((labels.p_worse(FLIPS) - 0.175).abs() < 0.012, "{}", labels.p_worse(FLIPS));
    }

    #[test]
    fn trials_that_all_repeat_leave_only_the_guard() {
        let same = |before: f64, after: f64| Case { baseline: vec![before; 3], candidate: vec![after; 3] };
        let still = vec![same(1.0, 1.0); 25];
        let held = bounds(&still, 0.05, Some(1.0)).unwrap();
        assert_eq!((held.se, held.df, held.t_lower), (0.0, None, 0.0));
        assert!(held.lower > -0.05 && held.lower < 0.0 && held.upper > 0.0);
        assert_eq!(Labels::new(&still, &(0..25).collect::<Vec<_>>()).p_worse(FLIPS), 1.0);
        let mut fell = still;
        fell[0] = same(1.0, 0.0);
        near(Labels::new(&fell, &(0..25).collect::<Vec<_>>()).p_worse(FLIPS), 1.0 / 20.0);
    }

    #[test]
    fn two_trials_have_no_third_moment_and_one_is_no_data() {
        let case = |trials: usize| vec![Case { baseline: zero_one(1, trials), candidate: zero_one(1, trials) }];
        assert_eq!(bounds(&case(2), 0.05, Some(1.0)).unwrap().third_moment, 0.0);
        assert_eq!(bounds(&case(1), 0.05, Some(1.0)), Err(StatError::NoData));
        assert_eq!(bounds(&[], 0.05, Some(1.0)), Err(StatError::NoData));
    }
}
