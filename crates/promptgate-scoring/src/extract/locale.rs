//! How numbers are written in a language: what stands between groups of three digits, and before the fraction.

use serde::Deserialize;

/// A way to write numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Locale {
    /// `1,234.5`.
    #[default]
    En,
    /// `1.234,5` or `1 234,5`.
    De,
    /// `1 234,5`.
    Fr,
    /// `1'234.5`, as in Switzerland.
    Ch,
}

impl Locale {
    /// Every locale.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 4] = [Self::En, Self::De, Self::Fr, Self::Ch];

    /// What may stand between groups of three digits, always the same within a number. Spaces are the plain one, the
    /// no-break one and its narrow form.
    pub(crate) fn groups(self) -> &'static [char] {
        match self {
            Self::En => &[','],
            Self::De => &['.', ' ', '\u{a0}', '\u{202f}'],
            Self::Fr => &[' ', '\u{a0}', '\u{202f}'],
            Self::Ch => &['\'', '\u{2019}'],
        }
    }

    /// What stands before the fraction.
    pub(crate) fn decimal(self) -> char {
        match self {
            Self::En | Self::Ch => '.',
            Self::De | Self::Fr => ',',
        }
    }
}
