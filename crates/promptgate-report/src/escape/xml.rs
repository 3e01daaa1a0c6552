//! XML: characters that no XML 1.0 document may hold are shown as escapes; the writer escapes the rest.

use std::borrow::Cow;

/// The text with every character that is invalid in XML shown as `\u{..}`.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_valid) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_valid(c) { clean.push(c) } else { clean.extend(c.escape_unicode()) }
    }
    Cow::Owned(clean)
}

/// The `Char` production of XML 1.0, less the discouraged C1 controls and DEL.
fn is_valid(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_shown() {
        assert_eq!(text("a\0b\x1b\u{fffe}]]>\n"), "a\\u{0}b\\u{1b}\\u{fffe}]]>\n");
        assert_eq!(text("naïve ✓"), "naïve ✓");
    }
}
