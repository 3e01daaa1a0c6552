//! The sign-flip test (Fisher 1935): if nothing changed, each unit's difference could as well have had the other sign.
//! Units are cases, or clusters whose members flip together. Exact for up to 16 units that differ, and at any size where
//! the differences are whole multiples of one step (pass/fail outcomes); else Monte Carlo.
//!
//! Replicate b draws its signs from the ChaCha8 stream number b of the seed, and unit i takes bit i of it: every metric and
//! slice of a comparison sees the same signs, and no number of threads changes a count.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use super::sum;

/// Most units with a difference that are enumerated.
pub const EXACT_UNITS: usize = 16;
/// Sums this close are ties.
const TIE: f64 = 1e-9;
/// Replicates when a p lies too near its threshold.
const CLOSER: u32 = 99_999;

/// The differences of the units that differ, each with its place among the units of the comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    moved: Vec<(usize, f64)>,
}

impl Units {
    /// Units by place and difference; zeros say nothing and are dropped.
    pub fn new(differences: impl IntoIterator<Item = (usize, f64)>) -> Self {
        Self { moved: differences.into_iter().filter(|(_, difference)| *difference != 0.0).collect() }
    }

    /// The differences alone, at places 0, 1, 2...
    pub fn of(differences: &[f64]) -> Self {
        Self::new(differences.iter().copied().enumerate())
    }

    /// Units that differ.
    pub fn moved(&self) -> usize {
        self.moved.len()
    }

    fn values(&self) -> Vec<f64> {
        self.moved.iter().map(|(_, difference)| *difference).collect()
    }
}

/// How a test is carried out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flips {
    /// The seed of the streams.
    pub seed: u64,
    /// Replicates of a Monte Carlo test, before it grows by itself.
    pub replicates: u32,
}

impl Flips {
    /// Enough replicates for `tests` tests at `alpha`: B + 1 >= 20 K / alpha.
    #[must_use]
    pub fn enough_for(self, tests: usize, alpha: f64) -> Self {
        let least = (20.0 * tests.max(1) as f64 / alpha).ceil() - 1.0;
        Self { replicates: self.replicates.max(least.min(f64::from(u32::MAX)) as u32), ..self }
    }

    /// One-sided p of "worse": exact where it can be had, else drawn.
    pub fn p_worse(self, units: &Units) -> f64 {
        without_drawing(units).unwrap_or_else(|| self.monte_carlo(units, self.replicates))
    }

    /// The same p, from more replicates where it lies within three Monte Carlo standard errors of `threshold`.
    pub fn sharpened(self, units: &Units, p: f64, threshold: f64) -> f64 {
        let error = (p * (1.0 - p) / (f64::from(self.replicates) + 1.0)).sqrt();
        let near = (p - threshold).abs() <= 3.0 * error;
        let simulated = || without_drawing(units).is_none() && self.replicates < CLOSER;
        if near && simulated() { self.monte_carlo(units, CLOSER) } else { p }
    }

    /// (1 + replicates at or below what was seen) / (B + 1); never 0.
    pub fn monte_carlo(self, units: &Units, replicates: u32) -> f64 {
        let table = SignTable::new(units);
        let seen = sum::pairwise(&units.values()) + TIE;
        let key = ChaCha8Rng::seed_from_u64(self.seed);
        let below: u64 = (1..replicates + 1)
            .into_par_iter()
            .with_min_len(512)
            .map_init(
                || (key.clone(), vec![0_u8; table.bytes]),
                |(rng, signs), replicate| {
                    rng.set_stream(u64::from(replicate));
                    rng.set_word_pos(0);
                    rng.fill_bytes(signs);
                    u64::from(table.sum(signs) <= seen)
                },
            )
            .sum();
        (1.0 + below as f64) / (f64::from(replicates) + 1.0)
    }
}

/// The exact p by enumeration, or by convolution where the differences are whole multiples of one step.
fn without_drawing(units: &Units) -> Option<f64> {
    exact(units).or_else(|| Lattice::of(units).map(|lattice| lattice.p_worse()))
}

/// Differences that are whole multiples of one step, as of pass/fail outcomes: their flipped sums take few values, so the
/// distribution over all 2^n sign vectors is had by adding the units one by one. The same p as enumeration, at any n.
struct Lattice {
    steps: Vec<i64>,
}

impl Lattice {
    /// Finest step that is looked for: a cluster's mean over up to so many trials.
    const FINEST: u32 = 64;
    /// Additions that are worth it; beyond them drawing is faster.
    const MOST_WORK: i64 = 50_000_000;

    fn of(units: &Units) -> Option<Self> {
        let whole = |difference: f64, finer: u32| {
            let scaled = difference * f64::from(finer);
            ((scaled - scaled.round()).abs() < TIE).then_some(scaled.round() as i64)
        };
        let on = |finer: u32| units.moved.iter().map(|(_, difference)| whole(*difference, finer)).collect();
        let steps: Vec<i64> = (1..=Self::FINEST).find_map(on)?;
        let reach: i64 = steps.iter().map(|step| step.abs()).sum();
        (reach.saturating_mul(steps.len() as i64) <= Self::MOST_WORK).then_some(Self { steps })
    }

    /// The share of sign vectors whose sum is at most the one seen.
    fn p_worse(&self) -> f64 {
        let reach: usize = self.steps.iter().map(|step| step.unsigned_abs() as usize).sum();
        let mut shares = vec![0.0; 2 * reach + 1];
        shares[reach] = 1.0;
        let mut within = 0;
        for step in self.steps.iter().map(|step| step.unsigned_abs() as usize) {
            within += step;
            shares =
                (0..shares.len()).map(|at| Self::flipped(&shares, at, step, reach.abs_diff(at) <= within)).collect();
        }
        let seen = reach as i64 + self.steps.iter().sum::<i64>();
        sum::pairwise(&shares[..=seen as usize])
    }

    /// The share at a sum once a unit of this step was added with either sign.
    fn flipped(shares: &[f64], at: usize, step: usize, reachable: bool) -> f64 {
        if !reachable {
            return 0.0;
        }
        let below = at.checked_sub(step).map_or(0.0, |at| shares[at]);
        0.5 * (below + shares.get(at + step).copied().unwrap_or(0.0))
    }
}

/// The exact one-sided p of "worse", where few enough units differ: the share of all sign vectors whose sum is at most
/// the one seen. All zeros give 1.
pub fn exact(units: &Units) -> Option<f64> {
    let values = units.values();
    (values.len() <= EXACT_UNITS).then(|| share(&values, |sum, seen| sum <= seen + TIE))
}

/// The exact two-sided p: the share of sign vectors at least as far from 0.
pub fn exact_two_sided(units: &Units) -> Option<f64> {
    let values = units.values();
    (values.len() <= EXACT_UNITS).then(|| share(&values, |sum, seen| sum.abs() >= seen.abs() - TIE))
}

fn share(values: &[f64], counts: impl Fn(f64, f64) -> bool) -> f64 {
    let seen = sum::pairwise(values);
    let vectors = 1_u32 << values.len();
    let counted = (0..vectors).filter(|signs| counts(signed_sum(values, *signs), seen)).count();
    counted as f64 / f64::from(vectors)
}

fn signed_sum(values: &[f64], signs: u32) -> f64 {
    values.iter().enumerate().map(|(at, value)| if signs >> at & 1 == 1 { -value } else { *value }).sum()
}

/// For each byte of signs that touches a unit, the 256 sums it can make: one look-up replaces eight additions.
struct SignTable {
    bytes: usize,
    groups: Vec<(usize, Box<[f64; 256]>)>,
}

impl SignTable {
    fn new(units: &Units) -> Self {
        let mut by_byte: std::collections::BTreeMap<usize, [f64; 8]> = std::collections::BTreeMap::new();
        for (place, difference) in &units.moved {
            by_byte.entry(place / 8).or_insert([0.0; 8])[place % 8] = *difference;
        }
        let bytes = by_byte.keys().next_back().map_or(0, |last| last + 1);
        let groups = by_byte.into_iter().map(|(byte, values)| (byte, Box::new(all_sums(&values)))).collect();
        Self { bytes, groups }
    }

    /// The sum under these signs, in blocks, so that rounding stays far below a tie.
    fn sum(&self, signs: &[u8]) -> f64 {
        let block = |groups: &[(usize, Box<[f64; 256]>)]| -> f64 {
            groups.iter().map(|(byte, sums)| sums[usize::from(signs[*byte])]).sum()
        };
        self.groups.chunks(32).map(block).sum()
    }
}

fn all_sums(values: &[f64; 8]) -> [f64; 256] {
    std::array::from_fn(|signs| signed_sum(values, signs as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(units: usize) -> Vec<f64> {
        (0..units).map(|unit| [-1.0, 2.0, -0.5, 0.5, -1.5][unit % 5]).collect()
    }

    #[test]
    fn convolution_gives_what_enumeration_gives() {
        for units in 1..=EXACT_UNITS {
            let units = Units::of(&differences(units));
            let (enumerated, convolved) = (exact(&units).unwrap(), Lattice::of(&units).unwrap().p_worse());
            assert!((enumerated - convolved).abs() < 1e-12, "{enumerated} {convolved}");
        }
    }

    #[test]
    fn drawing_comes_near_to_convolution() {
        let units = Units::of(&differences(60));
        let exact = Lattice::of(&units).unwrap().p_worse();
        let drawn = Flips { seed: 7, replicates: 9_999 }.monte_carlo(&units, 9_999);
        assert!((exact - drawn).abs() < 4.0 * (exact * (1.0 - exact) / 1e4).sqrt(), "{exact} {drawn}");
    }

    #[test]
    fn differences_without_a_common_step_are_drawn() {
        assert!(Lattice::of(&Units::of(&[0.1234567, 0.7654321, -0.3])).is_none());
    }
}
