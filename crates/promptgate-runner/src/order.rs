//! The order in which a plan is carried out: seeded, balanced, and computed from the step number, so that a million
//! trials need no list. All versions of one case, model and repeat follow each other: wherever a run stops, both sides of
//! a comparison have been asked about the same cases.

use promptgate_core::plan::{Plan, TrialAddress};
use promptgate_core::sequence::mix;

/// The order of a plan's trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    versions: u64,
    models: u64,
    cases: u64,
    shuffle: Shuffle,
}

impl Order {
    /// The order that the plan's seed draws.
    pub fn of(plan: &Plan) -> Self {
        let [versions, models, cases] =
            [plan.versions.len(), plan.models.len(), plan.cases.len()].map(|len| len as u64);
        Self { versions, models, cases, shuffle: Shuffle::new(models * cases * u64::from(plan.trials), plan.seed) }
    }

    /// How many steps there are: one for every index of the plan, those included that a model leaves out.
    pub fn len(&self) -> u64 {
        self.versions * self.shuffle.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The trial of a step.
    pub fn trial(&self, step: u64) -> TrialAddress {
        let (block, arm) = (self.shuffle.at(step / self.versions), step % self.versions);
        let (rest, case) = (block / self.cases, block % self.cases);
        // Which side goes first changes from block to block, so that neither is always asked the later one.
        let version = (arm + mix(block ^ self.shuffle.seed) % self.versions) % self.versions;
        TrialAddress {
            version: version as usize,
            model: (rest % self.models) as usize,
            case: case as usize,
            repeat: (rest / self.models) as u32 + 1,
        }
    }
}

/// A seeded permutation of `0..len` without a table: a Feistel network over the next power of four, walked until it lands
/// inside (Black and Rogaway 2002, "Ciphers with arbitrary finite domains"). Less than four steps a walk on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shuffle {
    len: u64,
    seed: u64,
    half_bits: u32,
}

const ROUNDS: u64 = 6;

impl Shuffle {
    fn new(len: u64, seed: u64) -> Self {
        let bits = u64::BITS - len.saturating_sub(1).leading_zeros();
        Self { len, seed, half_bits: bits.div_ceil(2).max(1) }
    }

    fn at(&self, position: u64) -> u64 {
        let mut image = self.permuted(position);
        while image >= self.len {
            image = self.permuted(image);
        }
        image
    }

    fn permuted(&self, value: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ (mix(right ^ mix(self.seed ^ mix(round))) & mask));
        }
        left << self.half_bits | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(versions: u64, models: u64, cases: u64, trials: u64, seed: u64) -> Order {
        Order { versions, models, cases, shuffle: Shuffle::new(models * cases * trials, seed) }
    }

    #[test]
    fn every_trial_has_exactly_one_step() {
        for (versions, models, cases, trials, seed) in
            [(1, 1, 1, 1, 0), (1, 1, 2, 1, 7), (2, 1, 3, 1, 1), (3, 2, 65, 3, 9), (2, 3, 1_000, 2, u64::MAX)]
        {
            let order = order(versions, models, cases, trials, seed);
            let seen: std::collections::HashSet<_> = (0..order.len()).map(|step| order.trial(step)).collect();
            assert_eq!(seen.len() as u64, versions * models * cases * trials);
        }
    }

    #[test]
    fn a_shuffle_is_a_bijection_for_every_length_and_seed() {
        for len in 1..=300_u64 {
            for seed in [0, 7, len.wrapping_mul(0x5851_f42d_4c95_7f2d)] {
                let shuffle = Shuffle::new(len, seed);
                let mut images: Vec<u64> = (0..len).map(|position| shuffle.at(position)).collect();
                images.sort_unstable();
                assert!(images.iter().copied().eq(0..len), "{len} {seed}");
            }
        }
    }

    #[test]
    fn both_sides_of_a_case_follow_each_other_and_take_turns_to_be_first() {
        let order = order(2, 1, 1_000, 1, 7);
        let mut first_is_candidate = 0;
        for block in 0..1_000 {
            let (one, other) = (order.trial(2 * block), order.trial(2 * block + 1));
            assert_eq!((one.case, one.repeat, one.version + other.version), (other.case, other.repeat, 1));
            first_is_candidate += usize::from(one.version == 0);
        }
        assert!((400..=600).contains(&first_is_candidate), "{first_is_candidate}");
    }

    #[test]
    fn another_seed_is_another_order_and_neighbours_are_torn_apart() {
        let (one, other) = (Shuffle::new(10_000, 7), Shuffle::new(10_000, 8));
        assert!((0..10_000).filter(|position| one.at(*position) == other.at(*position)).count() < 20);
        assert!((0..9_999).filter(|position| one.at(*position).abs_diff(one.at(position + 1)) < 2).count() < 20);
    }
}
