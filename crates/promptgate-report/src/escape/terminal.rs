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

/// Whether a CI system that reads the log could take part of the text for a command: `::` where a line may begin, `##[`
/// and `##vso[` anywhere.
fn is_command(text: &str) -> bool {
    text.starts_with("::") || [" ::", "##[", "##vso["].iter().any(|mark| text.contains(mark))
}

/// One character of each mark shown as an escape, so that no runner finds it.
fn disarmed(text: String) -> String {
    if !is_command(&text) {
        return text;
    }
    let text = text.replace(" ::", " \\u{3a}:").replace("##[", "#\\u{23}[").replace("##vso[", "#\\u{23}vso[");
    match text.strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => text,
    }
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
