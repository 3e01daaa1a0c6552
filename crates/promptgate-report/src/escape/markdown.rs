//! Markdown: data stands in a code span, where no mention, link, image, HTML or emphasis exists.

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
}
