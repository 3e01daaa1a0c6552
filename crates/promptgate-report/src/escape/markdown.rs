//! Markdown: data stands in a code span, where no mention, link, image, HTML or emphasis exists; a sentence in which
//! nothing could act stands as it is.

/// The text as a code span on one line, safe in a table cell. At most `width` characters.
pub fn code(text: &str, width: usize) -> String {
    let line = super::shortened(text, width);
    if line.is_empty() {
        return "` `".to_owned();
    }
    let fence = "`".repeat(longest_run(&line, '`') + 1);
    // A blank on both sides is taken off again by the reader, and keeps a backtick off the fence.
    let pad = if line.starts_with(['`', ' ']) || line.ends_with(['`', ' ']) { " " } else { "" };
    // A table cell ends at any bare pipe, in code too; the escape is undone before the span is read.
    format!("{fence}{pad}{}{pad}{fence}", escape_pipes(&line))
}

/// The text as plain prose where it holds nothing that Markdown or a host acts on, else as a code span. To be put behind
/// other words, never at the beginning of a line.
pub fn text(text: &str, width: usize) -> String {
    if text.chars().count() <= width && is_prose(text) { text.to_owned() } else { code(text, width) }
}

/// Letters, digits and the marks of a sentence. A colon must be followed by a blank (no address, no `:emoji:`), an
/// underscore must stand inside a word (no emphasis), and nothing may look like a host's short form of a link.
fn is_prose(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let word = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
    let fits = |(at, c): (usize, &char)| match c {
        ':' => matches!(chars.get(at + 1), None | Some(' ')),
        '_' => word(at.checked_sub(1)) && word(Some(at + 1)),
        ' ' | '.' | ',' | ';' | '?' | '(' | ')' | '/' | '%' | '+' | '-' | '=' | '\'' | '"' => true,
        c => c.is_alphanumeric() && !super::acts(*c),
    };
    let lower = text.to_ascii_lowercase();
    let linked = ["www.", "gh-"].iter().any(|mark| lower.contains(mark)) || holds_a_revision(text);
    !text.is_empty() && chars[0].is_alphanumeric() && chars.iter().enumerate().all(fits) && !linked
}

/// Hosts turn seven and more hexadecimal digits into a link to a revision.
fn holds_a_revision(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.into_iter().any(|word| {
        let hex = word.len() >= 7 && word.chars().all(|c| c.is_ascii_hexdigit());
        hex && word.chars().any(|c| c.is_ascii_alphabetic())
    })
}

/// Every pipe gets a backslash; a backslash before one would undo that, so such text uses the look-alike bar.
fn escape_pipes(line: &str) -> String {
    if line.contains("\\|") { line.replace('|', "\u{2502}") } else { line.replace('|', "\\|") }
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (longest, _) = text.chars().fold((0, 0), |(longest, run), c| {
        let run = if c == wanted { run + 1 } else { 0 };
        (longest.max(run), run)
    });
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(code(text, 80), expected);
    }

    #[test]
    fn data_cannot_leave_its_span_or_its_cell() {
        check("plain", "`plain`");
        check("a `b` c", "``a `b` c``");
        check("```", "```` ``` ````");
        check("a|b", "`a\\|b`");
        check("a\\|b", "`a\\\u{2502}b`");
        check("@team <b>x</b> ![i](http://x)\n# h", "`@team <b>x</b> ![i](http://x)\\n# h`");
        check("", "` `");
    }

    #[test]
    fn a_sentence_stays_prose_and_all_else_becomes_code() {
        for prose in ["broke 7 cases, fixed 16. Allowed: 5 pt.", "pass_rate is 0.9, below the floor of 1 (a/b-c)"] {
            assert_eq!(text(prose, 80), prose);
        }
        for acting in
            ["@team", "see http://x", "www.x.org", "a *b*", "_a_", "a|b", "<b>", "[a](b)", "GH-12", "a\nb", ":x:"]
        {
            assert!(text(acting, 80).starts_with('`'), "{acting}");
        }
    }
}
