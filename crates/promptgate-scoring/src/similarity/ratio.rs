//! Fuzzy ratios, as rapidfuzz (and fuzzywuzzy before it) has them: twice the letters in common over all letters.

use serde::Deserialize;

use super::TooLong;
use super::bits::text_common;
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
    let all = one.chars().count() + other.chars().count();
    if all == 0 {
        return Ok(1.0);
    }
    Ok(2.0 * text_common(one, other)? as f64 / all as f64)
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
    let (only_one, only_other) = (only_one.join(" "), only_other.join(" "));
    let count = |text: &str| text.chars().count();
    let (shared, one, other) = (count(&shared.join(" ")), count(&only_one), count(&only_other));
    let gap = usize::from(shared > 0);
    let (with_one, with_other) = (shared + gap + one, shared + gap + other);
    let closeness = |edits: usize, all: usize| if all == 0 { 1.0 } else { 1.0 - edits as f64 / all as f64 };
    let edits = one + other - 2 * text_common(&only_one, &only_other)?;
    let both = closeness(edits, with_one + with_other);
    if shared == 0 {
        return Ok(both);
    }
    let of_one = closeness(gap + one, shared + with_one);
    let of_other = closeness(gap + other, shared + with_other);
    Ok(both.max(of_one).max(of_other))
}
