//! METEOR of one text (Lavie and Agarwal 2007), as NLTK computes it, without its third stage, synonyms: those would need
//! WordNet, and scoring has no data of its own.

use std::collections::HashMap;

use super::porter::stem;
use super::runs::numbered;
use super::tokens::Tokens;

/// How much precision counts in the mean.
const ALPHA: f64 = 0.9;

/// How fast the penalty grows with fragmentation.
const BETA: i32 = 3;

/// The penalty where every matched word stands alone.
const GAMMA: f64 = 0.5;

/// METEOR in 0..=1 from words that are equal or have an equal stem: the weighted harmonic mean of precision and recall, less
/// a penalty for every chunk into which the matched words fall. The same text of n words scores `1 - 0.5 / n^3`, not 1. The
/// words are in lower case; without one in the reference it is 0.
pub fn meteor(said: &Tokens, reference: &Tokens) -> f64 {
    let pairs = aligned(said, reference);
    if pairs.is_empty() {
        return 0.0;
    }
    let matched = pairs.len() as f64;
    let (precision, recall) = (matched / said.len() as f64, matched / reference.len() as f64);
    let mean = precision * recall / (ALPHA * precision + (1.0 - ALPHA) * recall);
    let penalty = GAMMA * (chunks(&pairs) as f64 / matched).powi(BETA);
    ((1.0 - penalty) * mean).clamp(0.0, 1.0)
}

/// Places in both texts whose words match, by the place in the first.
fn aligned(said: &Tokens, reference: &Tokens) -> Vec<(usize, usize)> {
    let mut stage = Stage { pairs: vec![None; said.len()], is_taken: vec![false; reference.len()] };
    let stems = [said, reference].map(|text| Tokens::of_words(text.iter().map(stem)));
    for texts in [[said, reference], [&stems[0], &stems[1]]] {
        if let [ours, theirs] = numbered(texts.into_iter()).as_slice() {
            stage.take(ours, theirs);
        }
    }
    stage.pairs.into_iter().enumerate().filter_map(|(at, pair)| Some((at, pair?))).collect()
}

struct Stage {
    pairs: Vec<Option<usize>>,
    is_taken: Vec<bool>,
}

impl Stage {
    /// Pairs what is still free, from the end, each word with the last free one that is equal.
    fn take(&mut self, found: &[u32], reference: &[u32]) {
        let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
        for (at, word) in reference.iter().enumerate().filter(|(at, _)| !self.is_taken[*at]) {
            places.entry(*word).or_default().push(at);
        }
        for (at, word) in found.iter().enumerate().rev() {
            if self.pairs[at].is_none()
                && let Some(place) = places.get_mut(word).and_then(Vec::pop)
            {
                self.pairs[at] = Some(place);
                self.is_taken[place] = true;
            }
        }
    }
}

/// Runs of matched words that follow one another in both texts.
fn chunks(pairs: &[(usize, usize)]) -> usize {
    1 + pairs.windows(2).filter(|pair| pair[1] != (pair[0].0 + 1, pair[0].1 + 1)).count()
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokenize;
    use super::*;

    #[test]
    fn stems_match_and_chunks_cost() {
        let score =
            |said: &str, reference: &str| meteor(&Tokenize::Words.tokens(said), &Tokenize::Words.tokens(reference));
        assert_eq!(score("the cat sat", "the cat sat"), 1.0 - 0.5 / 27.0);
        assert_eq!(score("parcels delayed", "parcel delays"), 1.0 - 0.5 / 8.0, "equal stems");
        assert!(score("on the mat the cat sat", "the cat sat on the mat") < 0.95, "two chunks");
        assert_eq!((score("a", "b"), score("", "a"), score("a", ""), score("", "")), (0.0, 0.0, 0.0, 0.0));
    }
}
