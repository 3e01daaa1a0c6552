//! Edit distance and longest common subsequence, 64 cells of the table at a time: Myers (1999) in the form of Hyyrö (2003),
//! and Hyyrö's bit-parallel LCS (2004). Over any symbols: letters, tokens.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::TooLong;

/// What sequences are made of: bytes of ASCII, letters, tokens.
pub trait Symbol: Copy + Eq + Into<u32> {}

impl Symbol for u8 {}
impl Symbol for u32 {}

/// Machine words that one comparison may take; about half a second.
const MOST_WORK: usize = 1 << 28;

/// Edits (insertions, deletions, replacements) that turn one sequence into the other.
pub fn edit_distance<S: Symbol>(one: &[S], other: &[S]) -> Result<usize, TooLong> {
    let (pattern, text) = trimmed(one, other);
    if pattern.is_empty() {
        return Ok(text.len());
    }
    if pattern.len() <= 64 {
        return Ok(edits_in_a_word(pattern, text));
    }
    let masks = Masks::of(pattern, text)?;
    Ok(edits_in_blocks(&masks, pattern.len(), text))
}

/// The length of the longest sequence that both hold in order.
pub fn common_subsequence<S: Symbol>(one: &[S], other: &[S]) -> Result<usize, TooLong> {
    let (prefix, suffix) = shared_ends(one, other);
    let ends = prefix + suffix;
    let (pattern, text) = trimmed(one, other);
    if pattern.is_empty() {
        return Ok(ends);
    }
    if pattern.len() <= 64 {
        return Ok(ends + common_in_a_word(pattern, text));
    }
    let masks = Masks::of(pattern, text)?;
    Ok(ends + common_in_blocks(&masks, text))
}

/// Symbols that both begin with, and that both end with behind those.
fn shared_ends<S: Symbol>(one: &[S], other: &[S]) -> (usize, usize) {
    let prefix = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[prefix..], &other[prefix..]);
    let suffix = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    (prefix, suffix)
}

/// Without what both begin and end with; the shorter one first.
fn trimmed<'a, S: Symbol>(one: &'a [S], other: &'a [S]) -> (&'a [S], &'a [S]) {
    let (prefix, suffix) = shared_ends(one, other);
    let (one, other) = (&one[prefix..one.len() - suffix], &other[prefix..other.len() - suffix]);
    if one.len() <= other.len() { (one, other) } else { (other, one) }
}

/// Where each symbol stands in a pattern of at most 64: a table for the usual ones, a map for the rest.
struct WordMasks {
    low: [u64; 256],
    high: HashMap<u32, u64, RandomState>,
}

impl WordMasks {
    fn of<S: Symbol>(pattern: &[S]) -> Self {
        let mut masks = Self { low: [0; 256], high: HashMap::default() };
        for (at, symbol) in pattern.iter().enumerate() {
            let (bit, symbol) = (1 << at, (*symbol).into());
            match masks.low.get_mut(symbol as usize) {
                Some(mask) => *mask |= bit,
                None => *masks.high.entry(symbol).or_default() |= bit,
            }
        }
        masks
    }

    #[inline]
    fn get(&self, symbol: u32) -> u64 {
        match self.low.get(symbol as usize) {
            Some(mask) => *mask,
            None if self.high.is_empty() => 0,
            None => self.high.get(&symbol).copied().unwrap_or(0),
        }
    }
}

fn edits_in_a_word<S: Symbol>(pattern: &[S], text: &[S]) -> usize {
    let masks = WordMasks::of(pattern);
    let last = 1 << (pattern.len() - 1);
    let (mut vertical_up, mut vertical_down, mut distance) = (u64::MAX, 0_u64, pattern.len());
    for symbol in text {
        let matches = masks.get((*symbol).into());
        let diagonal = ((matches & vertical_up).wrapping_add(vertical_up) ^ vertical_up) | matches | vertical_down;
        let up = vertical_down | !(diagonal | vertical_up);
        let down = diagonal & vertical_up;
        distance += usize::from(up & last != 0);
        distance -= usize::from(down & last != 0);
        let (up, down) = ((up << 1) | 1, down << 1);
        vertical_up = down | !(diagonal | up);
        vertical_down = up & diagonal;
    }
    distance
}

fn common_in_a_word<S: Symbol>(pattern: &[S], text: &[S]) -> usize {
    let masks = WordMasks::of(pattern);
    let mut row = u64::MAX;
    for symbol in text {
        let matched = row & masks.get((*symbol).into());
        row = row.wrapping_add(matched) | (row - matched);
    }
    let used = if pattern.len() == 64 { u64::MAX } else { (1 << pattern.len()) - 1 };
    (!row & used).count_ones() as usize
}

/// Where each symbol stands in a pattern of any length, by words: a table for the usual ones, a map for the rest.
struct Masks {
    words: usize,
    low: Vec<u64>,
    high: HashMap<u32, Vec<u64>, RandomState>,
}

/// Symbols that have a place in the table.
const LOW: usize = 256;

impl Masks {
    fn of<S: Symbol>(pattern: &[S], text: &[S]) -> Result<Self, TooLong> {
        let words = pattern.len().div_ceil(64);
        if words.saturating_mul(text.len()) > MOST_WORK {
            return Err(TooLong(pattern.len(), text.len()));
        }
        let mut masks = Self { words, low: vec![0; LOW * words], high: HashMap::default() };
        for (at, symbol) in pattern.iter().enumerate() {
            let symbol: u32 = (*symbol).into();
            let row = match masks.low.get_mut(symbol as usize * words..) {
                Some(rest) if (symbol as usize) < LOW => rest,
                _ => masks.high.entry(symbol).or_insert_with(|| vec![0; words]).as_mut_slice(),
            };
            row[at / 64] |= 1 << (at % 64);
        }
        Ok(masks)
    }

    /// The words of a symbol; nothing where the pattern has none of it.
    #[inline]
    fn get(&self, symbol: u32) -> Option<&[u64]> {
        let symbol_at = symbol as usize;
        if symbol_at < LOW {
            return self.low.get(symbol_at * self.words..(symbol_at + 1) * self.words);
        }
        self.high.get(&symbol).map(Vec::as_slice)
    }
}

fn edits_in_blocks<S: Symbol>(masks: &Masks, pattern: usize, text: &[S]) -> usize {
    // Columns of usual heights are unrolled and stay in registers.
    match masks.words {
        2 => edits_in_columns(&mut [COLUMN; 2], masks, pattern, text),
        3 => edits_in_columns(&mut [COLUMN; 3], masks, pattern, text),
        4 => edits_in_columns(&mut [COLUMN; 4], masks, pattern, text),
        5 => edits_in_columns(&mut [COLUMN; 5], masks, pattern, text),
        6 => edits_in_columns(&mut [COLUMN; 6], masks, pattern, text),
        words => edits_in_column(&mut vec![COLUMN; words], masks, pattern, text),
    }
}

/// Differences between neighbouring rows of a column: where they go up, and where down.
const COLUMN: (u64, u64) = (u64::MAX, 0);

fn edits_in_columns<S: Symbol, const WORDS: usize>(
    column: &mut [(u64, u64); WORDS],
    masks: &Masks,
    pattern: usize,
    text: &[S],
) -> usize {
    let nothing = [0; WORDS];
    let mut distance = pattern;
    for symbol in text {
        let row = masks.get((*symbol).into()).and_then(|row| row.first_chunk::<WORDS>()).unwrap_or(&nothing);
        distance = next_column(column, row, pattern, distance);
    }
    distance
}

fn edits_in_column<S: Symbol>(column: &mut [(u64, u64)], masks: &Masks, pattern: usize, text: &[S]) -> usize {
    let nothing = vec![0; masks.words];
    let mut distance = pattern;
    for symbol in text {
        let row = masks.get((*symbol).into()).unwrap_or(&nothing);
        distance = next_column(column, row, pattern, distance);
    }
    distance
}

/// The column of the next symbol, whose matches are `row`; the distance at its foot.
#[inline(always)]
fn next_column(column: &mut [(u64, u64)], row: &[u64], pattern: usize, distance: usize) -> usize {
    let last = (pattern - 1) % 64;
    let (mut carried_up, mut carried_down) = (1, 0);
    let (mut up, mut down) = (0, 0);
    for ((vertical_up, vertical_down), matches) in column.iter_mut().zip(row) {
        let x = matches | carried_down;
        let diagonal = ((x & *vertical_up).wrapping_add(*vertical_up) ^ *vertical_up) | x | *vertical_down;
        up = *vertical_down | !(diagonal | *vertical_up);
        down = diagonal & *vertical_up;
        let (shifted_up, shifted_down) = ((up << 1) | carried_up, (down << 1) | carried_down);
        (carried_up, carried_down) = (up >> 63, down >> 63);
        *vertical_up = shifted_down | !(diagonal | shifted_up);
        *vertical_down = shifted_up & diagonal;
    }
    // The last word holds the last row of the table.
    distance + (up >> last & 1) as usize - (down >> last & 1) as usize
}

fn common_in_blocks<S: Symbol>(masks: &Masks, text: &[S]) -> usize {
    let mut row = vec![u64::MAX; masks.words];
    for symbol in text {
        let Some(matches) = masks.get((*symbol).into()) else { continue };
        let mut carry = false;
        for (cell, matches) in row.iter_mut().zip(matches) {
            let matched = *cell & matches;
            let (sum, first) = cell.overflowing_add(matched);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first || second;
            *cell = sum | (*cell - matched);
        }
    }
    // Bits behind the pattern never match, so they stay set.
    row.iter().map(|cell| cell.count_zeros() as usize).sum()
}

/// Edits between the letters of two texts (Unicode scalar values).
pub fn text_edits(one: &str, other: &str) -> Result<usize, TooLong> {
    match one.is_ascii() && other.is_ascii() {
        true => edit_distance(one.as_bytes(), other.as_bytes()),
        false => edit_distance(&letters(one), &letters(other)),
    }
}

/// Letters that two texts hold in order.
pub fn text_common(one: &str, other: &str) -> Result<usize, TooLong> {
    match one.is_ascii() && other.is_ascii() {
        true => common_subsequence(one.as_bytes(), other.as_bytes()),
        false => common_subsequence(&letters(one), &letters(other)),
    }
}

/// The letters of a text as symbols.
pub fn letters(text: &str) -> Vec<u32> {
    text.chars().map(u32::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The whole table, cell by cell.
    fn plain_edits(one: &[u32], other: &[u32]) -> usize {
        let mut row: Vec<usize> = (0..=other.len()).collect();
        for (i, a) in one.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, b) in other.iter().enumerate() {
                let cell = (diagonal + usize::from(a != b)).min(row[j] + 1).min(row[j + 1] + 1);
                diagonal = std::mem::replace(&mut row[j + 1], cell);
            }
        }
        row[other.len()]
    }

    fn plain_common(one: &[u32], other: &[u32]) -> usize {
        let mut row = vec![0; other.len() + 1];
        for a in one {
            let mut diagonal = 0;
            for (j, b) in other.iter().enumerate() {
                let cell = if a == b { diagonal + 1 } else { row[j].max(row[j + 1]) };
                diagonal = std::mem::replace(&mut row[j + 1], cell);
            }
        }
        row[other.len()]
    }

    #[test]
    fn known_distances() {
        let check = |one: &str, other: &str, edits: usize, common: usize| {
            let (a, b) = (letters(one), letters(other));
            assert_eq!((edit_distance(&a, &b), common_subsequence(&a, &b)), (Ok(edits), Ok(common)), "{one} {other}");
        };
        check("", "", 0, 0);
        check("", "abc", 3, 0);
        check("kitten", "sitting", 3, 4);
        check("straße", "strasse", 2, 5);
        check("👩\u{200d}👧", "👩", 2, 1);
        check(&"a".repeat(64), &"b".repeat(64), 64, 0);
        check(&"ab".repeat(100), &"ba".repeat(100), 2, 199);
    }

    proptest! {
        #[test]
        fn bits_agree_with_the_table(
            one in prop::collection::vec(prop_oneof![0_u32..4, 250_u32..260], 0..200),
            other in prop::collection::vec(prop_oneof![0_u32..4, 250_u32..260], 0..200),
        ) {
            prop_assert_eq!(edit_distance(&one, &other).unwrap(), plain_edits(&one, &other));
            prop_assert_eq!(common_subsequence(&one, &other).unwrap(), plain_common(&one, &other));
        }
    }

    #[test]
    fn what_would_take_too_long_is_refused() {
        let (one, other) = (vec![1_u32; 400_000], vec![2_u32; 400_000]);
        assert_eq!(edit_distance(&one, &other), Err(TooLong(400_000, 400_000)));
        assert_eq!(edit_distance(&one, &one), Ok(0));
    }
}
