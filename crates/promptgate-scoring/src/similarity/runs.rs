//! Runs of symbols in several sequences at once: the same run has the same number everywhere, so that counting is a table.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::tokens::Tokens;

/// Tokens of several texts as numbers: the same token has the same number.
pub(super) fn numbered<'a>(texts: impl Iterator<Item = &'a Tokens>) -> Vec<Vec<u32>> {
    let mut known: HashMap<&str, u32, RandomState> = HashMap::default();
    let number = |tokens: &'a Tokens| {
        let number = |token| {
            let next = known.len() as u32;
            *known.entry(token).or_insert(next)
        };
        tokens.iter().map(number).collect()
    };
    texts.map(number).collect()
}

/// The runs of one length in several sequences.
pub(super) struct Runs<'a> {
    sequences: &'a [Vec<u32>],
    length: usize,
    /// By sequence and place, the number of the run that begins there.
    numbers: Vec<Vec<u32>>,
    /// How many different runs there are.
    distinct: usize,
}

impl<'a> Runs<'a> {
    /// Runs of one symbol.
    pub(super) fn single(sequences: &'a [Vec<u32>]) -> Self {
        let distinct = sequences.iter().flatten().max().map_or(0, |most| *most as usize + 1);
        Self { sequences, length: 1, numbers: sequences.to_vec(), distinct }
    }

    /// Runs of one symbol more: a run is known by the number of the run before it and its last symbol.
    pub(super) fn longer(self) -> Self {
        let places: usize = self.numbers.iter().map(Vec::len).sum();
        let mut known: HashMap<u64, u32, RandomState> =
            HashMap::with_capacity_and_hasher(places, RandomState::default());
        let mut of_sequence = |(sequence, runs): (&Vec<u32>, &Vec<u32>)| -> Vec<u32> {
            let ends = sequence.iter().skip(self.length);
            let pairs = runs.iter().zip(ends).map(|(run, end)| u64::from(*run) << 32 | u64::from(*end));
            let number = |pair| {
                let next = known.len() as u32;
                *known.entry(pair).or_insert(next)
            };
            pairs.map(number).collect()
        };
        let numbers = self.sequences.iter().zip(&self.numbers).map(&mut of_sequence).collect();
        Self { sequences: self.sequences, length: self.length + 1, numbers, distinct: known.len() }
    }

    /// How many runs a sequence has.
    pub(super) fn count(&self, sequence: usize) -> u64 {
        self.numbers.get(sequence).map_or(0, |runs| runs.len() as u64)
    }

    /// Runs of the first sequence that another one has, each at most as often as the one that has it most often.
    pub(super) fn shared(&self) -> u64 {
        let Some((first, others)) = self.numbers.split_first() else { return 0 };
        let counted = |runs: &[u32]| {
            let mut counts = vec![0_u32; self.distinct];
            runs.iter().for_each(|run| counts[*run as usize] += 1);
            counts
        };
        let own = counted(first);
        let mut most = vec![0_u32; self.distinct];
        for other in others {
            most.iter_mut().zip(counted(other)).for_each(|(most, count)| *most = (*most).max(count));
        }
        own.iter().zip(&most).map(|(own, most)| u64::from(*own.min(most))).sum()
    }
}
