//! CSV: a cell that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.

use std::borrow::Cow;

/// The cell as it may be written.
pub fn cell(text: &str) -> Cow<'_, str> {
    if !looks_like_a_formula(text) { Cow::Borrowed(text) } else { Cow::Owned(format!("'{text}")) }
}

/// What a cell was before [`cell`]: reading back takes off exactly what writing put on.
pub fn value(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if looks_like_a_formula(rest) => rest,
        _ => cell,
    }
}

/// Formula signs count also in full width, and behind blanks, quotes or characters that show nothing; so do a tab or a
/// line end in front of anything. An apostrophe before a sign is doubled, or it could not be told from ours.
fn looks_like_a_formula(text: &str) -> bool {
    let quote = |c: char| c == '"' || c == '\'';
    let hidden = |c: char| quote(c) || c.is_whitespace() || super::acts(c);
    let sign = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let breaks = text.trim_start_matches(|c| quote(c) || c == ' ').starts_with(['\t', '\r', '\n']);
    !is_number(text) && (breaks || text.trim_start_matches(hidden).starts_with(sign))
}

/// A number as we write them. `-inf` parses too, but a spreadsheet takes it for a formula.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(cell(text), expected);
        assert_eq!(value(expected), text);
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
        check("-inf", "'-inf");
        check("\u{a0}\u{feff}=1", "'\u{a0}\u{feff}=1");
        check("'-5", "''-5");
        check("it's", "it's");
    }
}
