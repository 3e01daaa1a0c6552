//! BLEU of one sentence (Papineni and others 2002), as sacreBLEU's `sentence_bleu` has it: n-grams up to 4, orders the
//! sentence is too short for left out, an order without a match smoothed exponentially, the closest reference length.

use std::collections::HashMap;

use super::tokens::ngrams;

const ORDERS: usize = 4;

/// BLEU of tokens against one or several references, in 0..=1.
pub fn bleu(said: &[String], references: &[Vec<String>]) -> f64 {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut numbered = Vec::with_capacity(references.len() + 1);
    for tokens in std::iter::once(said).chain(references.iter().map(Vec::as_slice)) {
        let mut list = Vec::with_capacity(tokens.len());
        for token in tokens {
            let next = numbers.len() as u32;
            list.push(*numbers.entry(token.as_str()).or_insert(next));
        }
        numbered.push(list);
    }
    let Some((said, references)) = numbered.split_first() else { return 0.0 };
    let correct: Vec<u64> = (1..=ORDERS).map(|n| clipped(said, references, n)).collect();
    if correct.iter().all(|correct| *correct == 0) {
        return 0.0;
    }
    let (mut smoothing, mut logs, mut orders) = (1.0, 0.0, 0);
    for (n, correct) in (1..=ORDERS).zip(&correct) {
        let total = (said.len() + 1).saturating_sub(n);
        if total == 0 {
            break;
        }
        orders += 1;
        logs += match correct {
            0 => {
                smoothing *= 2.0;
                (1.0_f64 / (smoothing * total as f64)).ln()
            }
            correct => (*correct as f64 / total as f64).ln(),
        };
    }
    let score = brevity(said.len(), closest(said.len(), references)) * (logs / f64::from(orders)).exp();
    score.clamp(0.0, 1.0)
}

/// N-grams that some reference has, each as often as the reference that has it most often.
fn clipped(said: &[u32], references: &[Vec<u32>], n: usize) -> u64 {
    let counts: Vec<HashMap<&[u32], u32>> = references.iter().map(|reference| ngrams(reference, n)).collect();
    let most = |run: &[u32]| counts.iter().filter_map(|counts| counts.get(run)).max().copied().unwrap_or(0);
    ngrams(said, n).into_iter().map(|(run, count)| u64::from(count.min(most(run)))).sum()
}

/// The reference length closest to what was said, the shorter of two.
fn closest(said: usize, references: &[Vec<u32>]) -> usize {
    let lengths = references.iter().map(Vec::len);
    lengths.min_by_key(|length| (length.abs_diff(said), *length)).unwrap_or(0)
}

fn brevity(said: usize, reference: usize) -> f64 {
    match said {
        0 => 0.0,
        said if said >= reference => 1.0,
        said => (1.0 - reference as f64 / said as f64).exp(),
    }
}
