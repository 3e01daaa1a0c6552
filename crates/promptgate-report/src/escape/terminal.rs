//! Terminals: no byte of data may move the cursor, set a title or overwrite a line.

use std::borrow::Cow;

/// The text on one line, every character that acts shown as an escape; `\n` and `\t` in their short forms.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(super::acts) && !is_command(text) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => clean.push_str("\\n"),
            '\t' => clean.push_str("\\t"),
            '\r' => clean.push_str("\\r"),
            c if super::acts(c) => clean.extend(c.escape_unicode()),
            c => clean.push(c),
        }
    }
    Cow::Owned(disarmed(clean))
}

/// Whether a CI system that reads the log could take part of the text for a command: `::` where a word begins, since any
/// white space before it may be trimmed or be where a line is broken, `##[` and `##vso[` anywhere.
fn is_command(text: &str) -> bool {
    commands(text).next().is_some() || ["##[", "##vso["].iter().any(|mark| text.contains(mark))
}

/// Where words begin with `::`.
fn commands(text: &str) -> impl Iterator<Item = usize> {
    let places = text.match_indices("::").map(|(at, _)| at);
    places.filter(|at| text[..*at].chars().next_back().is_none_or(char::is_whitespace))
}

/// One character of each mark shown as an escape, so that no runner finds it.
fn disarmed(text: String) -> String {
    if !is_command(&text) {
        return text;
    }
    let text = text.replace("##[", "#\\u{23}[").replace("##vso[", "#\\u{23}vso[");
    let (mut clean, mut from) = (String::with_capacity(text.len() + 8), 0);
    for at in commands(&text) {
        clean.push_str(&text[from..at]);
        clean.push_str("\\u{3a}");
        from = at + 1;
    }
    clean + &text[from..]
}

/// `line`, at most `width` characters, cut with `...` and the number of characters left out.
pub fn shortened(text: &str, width: usize) -> String {
    let total = text.chars().count();
    if total <= width {
        return line(text).into_owned();
    }
    let head: String = text.chars().take(width).collect();
    format!("{}... ({} more)", line(&head), total - width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_reaches_the_terminal() {
        let hostile = "a\x1b[2Jb\x1b]0;title\x07c\rd\u{9b}31me\u{202e}f\u{200b}g\u{1b}P";
        let clean = line(hostile);
        assert!(!clean.chars().any(crate::escape::acts), "{clean}");
        assert_eq!(clean, r"a\u{1b}[2Jb\u{1b}]0;title\u{7}c\rd\u{9b}31me\u{202e}f\u{200b}g\u{1b}P");
    }

    #[test]
    fn no_command_of_a_ci_system_is_printed() {
        assert_eq!(line("::error::x ::add-mask::y a::b"), "\\u{3a}:error::x \\u{3a}:add-mask::y a::b");
        // What is white space to somebody may be trimmed by somebody.
        assert_eq!(line("\u{a0}::error::"), "\u{a0}\\u{3a}:error::");
        assert_eq!(line("x\u{3000}:::"), "x\u{3000}\\u{3a}::");
        assert_eq!(line("a ##[group]x ##vso[task]y"), "a #\\u{23}[group]x #\\u{23}vso[task]y");
    }

    #[test]
    fn plain_text_of_any_language_is_left_alone() {
        for text in ["Grüße", "日本語", "مرحبا", "naïve — “quoted”", "👍🏽"] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_by_how_much() {
        assert_eq!(shortened("abcdef", 4), "abcd... (2 more)");
    }
}
