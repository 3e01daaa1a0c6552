//! GLEU of one sentence (Wu and others 2016): of all n-grams up to 4 the smaller one of precision and recall.

use super::runs::{Runs, numbered};
use super::tokens::Tokens;

const ORDERS: usize = 4;

/// GLEU of tokens against one reference, in 0..=1; 0 where neither has a token.
pub fn gleu(said: &Tokens, reference: &Tokens) -> f64 {
    let sequences = numbered([said, reference].into_iter());
    let mut runs = Runs::single(&sequences);
    let (mut shared, mut ours, mut theirs) = (0, 0, 0);
    for n in 1..=ORDERS {
        shared += runs.shared();
        ours += runs.count(0);
        theirs += runs.count(1);
        if n < ORDERS {
            runs = runs.longer();
        }
    }
    let most = ours.max(theirs);
    if most == 0 { 0.0 } else { shared as f64 / most as f64 }
}
