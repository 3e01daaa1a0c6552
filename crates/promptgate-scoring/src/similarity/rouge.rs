//! ROUGE (Lin 2004): shared n-grams, and the longest common subsequence of tokens.

use super::TooLong;
use super::bits::common_subsequence;
use super::runs::{Runs, numbered};
use super::tokens::Tokens;

/// How much of the reference was found, and how much of what was said is of the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// Of the answer, in 0..=1; 0 where it has nothing to count.
    pub precision: f64,
    /// Of the reference, in 0..=1; 0 where it has nothing to count.
    pub recall: f64,
}

impl Overlap {
    fn of(shared: u64, said: u64, reference: u64) -> Self {
        let share = |of: u64| if of == 0 { 0.0 } else { shared as f64 / of as f64 };
        Self { precision: share(said), recall: share(reference) }
    }

    /// The harmonic mean; 0 where both are.
    pub fn f1(self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }
}

/// ROUGE-N of tokens, of `n` from 1: runs that both have, each counted as often as the rarer side has it.
pub fn rouge_n(said: &Tokens, reference: &Tokens, n: usize) -> Overlap {
    let sequences = numbered([said, reference].into_iter());
    let runs = (1..n).fold(Runs::single(&sequences), |runs, _| runs.longer());
    Overlap::of(runs.shared(), runs.count(0), runs.count(1))
}

/// ROUGE-L of tokens.
pub fn rouge_l(said: &Tokens, reference: &Tokens) -> Result<Overlap, TooLong> {
    let sequences = numbered([said, reference].into_iter());
    let shared = common_subsequence(&sequences[0], &sequences[1])? as u64;
    Ok(Overlap::of(shared, said.len() as u64, reference.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokenize;
    use super::*;

    #[test]
    fn known_overlaps() {
        let tokens = |text: &str| Tokenize::Words.tokens(text);
        let (said, reference) = (tokens("the cat sat on the mat"), tokens("the cat was on the mat"));
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        near(rouge_n(&said, &reference, 1).recall, 5.0 / 6.0);
        near(rouge_n(&said, &reference, 2).precision, 3.0 / 5.0);
        near(rouge_l(&said, &reference).unwrap().f1(), 5.0 / 6.0);
        let nothing = tokens("");
        assert_eq!(rouge_n(&nothing, &reference, 1), Overlap { precision: 0.0, recall: 0.0 });
        assert_eq!(rouge_l(&said, &nothing).unwrap().f1(), 0.0);
        assert_eq!(rouge_n(&said, &reference, 9).f1(), 0.0);
    }
}
