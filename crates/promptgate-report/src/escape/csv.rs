//! CSV: a cell that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.

use std::borrow::Cow;

/// The cell as it may be written.
pub fn cell(text: &str) -> Cow<'_, str> {
    if text.parse::<f64>().is_ok() || !looks_like_a_formula(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{text}"))
    }
}

/// Formula signs count also in full width, and behind blanks or quotes. An apostrophe in front of a sign is doubled, so
/// that reading back takes off exactly what writing put on.
fn looks_like_a_formula(text: &str) -> bool {
    let lead = |c: char| c == ' ' || c == '"' || c == '\'' || c == '\u{3000}';
    let sign = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    text.trim_start_matches(lead).starts_with(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(cell(text), expected);
    }

    #[test]
    fn formulas_are_made_harmless_and_numbers_stay_numbers() {
        check("=1+1", "'=1+1");
        check("  @SUM(A1)", "'  @SUM(A1)");
        check("\"=x", "'\"=x");
        check("\tx", "'\tx");
        check("＝1", "'＝1");
        check("'=1", "''=1");
        check("-4.5e3", "-4.5e3");
        check("-x", "'-x");
        check("it's", "it's");
    }
}
