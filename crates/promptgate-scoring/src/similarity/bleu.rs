//! BLEU of one sentence (Papineni and others 2002), as sacreBLEU's `sentence_bleu` has it: n-grams up to 4, orders the
//! sentence is too short for left out, an order without a match smoothed exponentially, the closest reference length.

use super::runs::{Runs, numbered};
use super::tokens::Tokens;

const ORDERS: usize = 4;

/// BLEU of tokens against one or several references, in 0..=1.
pub fn bleu(said: &Tokens, references: &[Tokens]) -> f64 {
    let sequences = numbered(std::iter::once(said).chain(references));
    let mut runs = Runs::single(&sequences);
    let mut orders: Vec<(u64, u64)> = Vec::with_capacity(ORDERS);
    for n in 1..=ORDERS {
        orders.push((runs.shared(), runs.count(0)));
        if n < ORDERS {
            runs = runs.longer();
        }
    }
    if orders.iter().all(|(correct, _)| *correct == 0) {
        return 0.0;
    }
    let (mut smoothing, mut logs, mut counted) = (1.0, 0.0, 0);
    // An order that the sentence is too short for is left out.
    for (correct, total) in orders.into_iter().filter(|(_, total)| *total > 0) {
        counted += 1;
        logs += match correct {
            0 => {
                smoothing *= 2.0;
                (1.0_f64 / (smoothing * total as f64)).ln()
            }
            correct => (correct as f64 / total as f64).ln(),
        };
    }
    let lengths: Vec<usize> = references.iter().map(Tokens::len).collect();
    let score = brevity(said.len(), closest(said.len(), &lengths)) * (logs / f64::from(counted)).exp();
    score.clamp(0.0, 1.0)
}

/// The reference length closest to what was said, the shorter of two.
fn closest(said: usize, lengths: &[usize]) -> usize {
    lengths.iter().copied().min_by_key(|length| (length.abs_diff(said), *length)).unwrap_or(0)
}

fn brevity(said: usize, reference: usize) -> f64 {
    match said {
        0 => 0.0,
        said if said >= reference => 1.0,
        said => (1.0 - reference as f64 / said as f64).exp(),
    }
}
