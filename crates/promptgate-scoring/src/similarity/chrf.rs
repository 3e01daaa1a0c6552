//! chrF (Popović 2015) of one sentence, as sacreBLEU has it: letters without white space, n-grams up to 6, recall weighs
//! twice as much as precision, orders that one side is too short for left out.

use super::tokens::{ngrams, overlap, split};

const ORDERS: usize = 6;
const BETA: f64 = 2.0;

/// chrF of a text against one reference, in 0..=1.
pub fn chrf(said: &str, reference: &str) -> f64 {
    let letters = |text: &str| split(text).flat_map(str::chars).collect::<Vec<char>>();
    let (said, reference) = (letters(said), letters(reference));
    let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
    for n in 1..=ORDERS {
        let (ours, theirs) = ((said.len() + 1).saturating_sub(n), (reference.len() + 1).saturating_sub(n));
        if ours == 0 || theirs == 0 {
            break;
        }
        let shared = overlap(&ngrams(&said, n), &ngrams(&reference, n)) as f64;
        precision += shared / ours as f64;
        recall += shared / theirs as f64;
        orders += 1.0;
    }
    if orders == 0.0 || precision + recall == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (precision / orders, recall / orders);
    let factor = BETA * BETA;
    ((1.0 + factor) * precision * recall / (factor * precision + recall)).clamp(0.0, 1.0)
}
