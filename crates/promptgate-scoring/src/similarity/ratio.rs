//! Fuzzy ratios, as rapidfuzz (and fuzzywuzzy before it) has them: twice the letters in common over all letters.

use serde::Deserialize;

use super::TooLong;
use super::bits::{common_subsequence, letters};
use super::tokens::split;

/// What is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ratio {
    /// The texts as they are.
    #[default]
    Plain,
    /// The words of each, sorted.
    TokenSort,
    /// The words of each, once: what both have is shared whatever else one of them has.
    TokenSet,
}

impl Ratio {
    /// In 0..=1.
    pub fn of(self, one: &str, other: &str) -> Result<f64, TooLong> {
        match self {
            Self::Plain => plain(one, other),
            Self::TokenSort => plain(&sorted(one).join(" "), &sorted(other).join(" ")),
            Self::TokenSet => token_set(one, other),
        }
    }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = split(text).collect();
    words.sort_unstable();
    words
}

fn plain(one: &str, other: &str) -> Result<f64, TooLong> {
    let (one, other) = (letters(one), letters(other));
    let all = one.len() + other.len();
    if all == 0 {
        return Ok(1.0);
    }
    Ok(2.0 * common_subsequence(&one, &other)? as f64 / all as f64)
}

fn token_set(one: &str, other: &str) -> Result<f64, TooLong> {
    let unique = |text| {
        let mut words = sorted(text);
        words.dedup();
        words
    };
    let (one, other) = (unique(one), unique(other));
    if one.is_empty() || other.is_empty() {
        return Ok(0.0);
    }
    let (shared, only_one): (Vec<&str>, Vec<&str>) = one.iter().partition(|word| other.binary_search(word).is_ok());
    let only_other: Vec<&str> = other.into_iter().filter(|word| shared.binary_search(word).is_err()).collect();
    if !shared.is_empty() && (only_one.is_empty() || only_other.is_empty()) {
        return Ok(1.0);
    }
    let joined = |words: &[&str]| letters(&words.join(" "));
    let (shared, only_one, only_other) = (joined(&shared).len(), joined(&only_one), joined(&only_other));
    let gap = usize::from(shared > 0);
    let (with_one, with_other) = (shared + gap + only_one.len(), shared + gap + only_other.len());
    let closeness = |edits: usize, all: usize| if all == 0 { 1.0 } else { 1.0 - edits as f64 / all as f64 };
    let edits = only_one.len() + only_other.len() - 2 * common_subsequence(&only_one, &only_other)?;
    let both = closeness(edits, with_one + with_other);
    if shared == 0 {
        return Ok(both);
    }
    let of_one = closeness(gap + only_one.len(), shared + with_one);
    let of_other = closeness(gap + only_other.len(), shared + with_other);
    Ok(both.max(of_one).max(of_other))
}
