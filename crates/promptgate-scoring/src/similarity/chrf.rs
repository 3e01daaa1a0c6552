//! chrF (Popović 2015) of one sentence, as sacreBLEU has it: letters without white space, n-grams up to 6, recall weighs
//! twice as much as precision, orders that one side is too short for left out.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::runs::Runs;
use super::tokens::split;

const ORDERS: usize = 6;
const BETA: f64 = 2.0;

/// chrF of a text against one reference, in 0..=1.
pub fn chrf(said: &str, reference: &str) -> f64 {
    let sequences = letters(said, reference);
    let mut runs = Runs::single(&sequences);
    let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
    for n in 1..=ORDERS {
        let (ours, theirs) = (runs.count(0), runs.count(1));
        if ours == 0 || theirs == 0 {
            break;
        }
        let shared = runs.shared() as f64;
        precision += shared / ours as f64;
        recall += shared / theirs as f64;
        orders += 1.0;
        if n < ORDERS {
            runs = runs.longer();
        }
    }
    if orders == 0.0 || precision + recall == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (precision / orders, recall / orders);
    let factor = BETA * BETA;
    ((1.0 + factor) * precision * recall / (factor * precision + recall)).clamp(0.0, 1.0)
}

/// The letters of both texts without white space, as small numbers.
fn letters(said: &str, reference: &str) -> [Vec<u32>; 2] {
    let mut known: HashMap<char, u32, RandomState> = HashMap::default();
    let mut of_text = |text: &str| {
        let mut number = |letter| {
            let next = known.len() as u32;
            *known.entry(letter).or_insert(next)
        };
        split(text).flat_map(str::chars).map(&mut number).collect()
    };
    [of_text(said), of_text(reference)]
}
