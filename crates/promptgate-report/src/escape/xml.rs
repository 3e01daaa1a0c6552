//! XML: characters that no XML 1.0 document may hold, or that a writer or reader drops or folds, are shown as escapes; the
//! writer escapes the rest.

use std::borrow::Cow;

/// The text with every character that does not survive XML shown as `\u{..}`, `\t` or `\r`.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_valid) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' | '\r' => clean.extend(c.escape_default()),
            c if is_valid(c) => clean.push(c),
            c => clean.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(clean)
}

/// The `Char` production of XML 1.0, less DEL and the C1 controls, which it discourages, and less tab and carriage return:
/// readers fold the one into a blank and the other into a line feed, and the JUnit writer drops both.
fn is_valid(c: char) -> bool {
    matches!(c, '\n' | '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_shown() {
        assert_eq!(text("a\0b\x1b\u{fffe}]]>\n\t\r"), "a\\u{0}b\\u{1b}\\u{fffe}]]>\n\\t\\r");
        assert_eq!(text("naïve ✓"), "naïve ✓");
    }
}
