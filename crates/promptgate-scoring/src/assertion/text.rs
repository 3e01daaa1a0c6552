//! Comparing text: Unicode scalar values after line ends have become line feeds, case folded only where asked for.

use std::borrow::Cow;

use caseless::Caseless;
use promptgate_core::score::Evidence;

/// How much of a text evidence keeps.
const EXCERPT: usize = 120;

/// The text with `\r\n` and `\r` as `\n`.
pub(crate) fn line_feeds(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The beginning of a text, for people.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What was expected beside what was found.
pub(crate) fn evidence(expected: &str, found: &str) -> Evidence {
    Evidence { expected: Some(excerpt(expected)), found: Some(excerpt(found)), note: None }
}

/// What two texts may differ in and still be the same.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TextRule {
    /// Letter case, by Unicode case folding.
    pub ignore_case: bool,
    /// White space at both ends.
    pub trim: bool,
}

impl TextRule {
    /// A rule on letter case alone.
    pub(crate) fn case(ignore_case: bool) -> Self {
        Self { ignore_case, trim: false }
    }

    /// Whether two texts are the same.
    pub(crate) fn same(self, left: &str, right: &str) -> bool {
        let (left, right) = if self.trim { (left.trim(), right.trim()) } else { (left, right) };
        match self.ignore_case {
            false => left == right,
            true if left.is_ascii() && right.is_ascii() => left.eq_ignore_ascii_case(right),
            true => left.chars().default_caseless_match(right.chars()),
        }
    }

    /// The form of a text in which substrings are looked for.
    pub(crate) fn form(self, text: &str) -> Cow<'_, str> {
        let text = if self.trim { text.trim() } else { text };
        match self.ignore_case {
            false => Cow::Borrowed(text),
            true if text.is_ascii() => Cow::Owned(text.to_ascii_lowercase()),
            true => Cow::Owned(caseless::default_case_fold_str(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_folding_is_that_of_unicode() {
        let same = |left, right| TextRule::case(true).same(left, right);
        assert!(same("STRASSE", "straße") && same("ΣΊΣΥΦΟΣ", "σίσυφος") && same("\u{212a}", "k"));
        assert!(!same("İ", "i"));
        assert!(!TextRule::default().same("a", "A"));
    }

    #[test]
    fn every_line_end_becomes_a_line_feed() {
        assert_eq!(line_feeds("a\r\nb\rc\n"), "a\nb\nc\n");
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt(&"ä".repeat(121)), format!("{}…", "ä".repeat(120)));
    }
}
