//! GLEU of one sentence (Wu and others 2016): of all n-grams up to 4 the smaller one of precision and recall.

use super::tokens::{ngrams, numbered, overlap};

/// GLEU of tokens against one reference, in 0..=1; 0 where neither has a token.
pub fn gleu(said: &[String], reference: &[String]) -> f64 {
    let (said, reference) = numbered(said, reference);
    let shared: u64 = (1..=4).map(|n| overlap(&ngrams(&said, n), &ngrams(&reference, n))).sum();
    let count = |tokens: &[u32]| (1..=4).map(|n| (tokens.len() + 1).saturating_sub(n) as u64).sum::<u64>();
    let most = count(&said).max(count(&reference));
    if most == 0 { 0.0 } else { shared as f64 / most as f64 }
}
