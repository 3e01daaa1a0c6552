//! Markdown read back by the rules of GFM that matter here: cells end at bare pipes, then code spans are taken out; what
//! is left holds nothing that Markdown or its host acts on.

use crate::fixture::{names, rendered};

/// The cells of a table row, escaped pipes put back; a line outside of tables is one cell.
fn cells(line: &str) -> Vec<String> {
    let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
        return vec![line.to_owned()];
    };
    let row = row.replace("\\|", "\u{1}");
    row.split('|').map(|cell| cell.replace('\u{1}', "|")).collect()
}

/// The text without its code spans: a run of backticks closes at the next run of the same length.
fn prose(text: &str) -> String {
    let mut rest = text;
    let mut prose = String::new();
    while let Some(start) = rest.find('`') {
        let run = |text: &str| text.chars().take_while(|c| *c == '`').count();
        let length = run(&rest[start..]);
        prose.push_str(&rest[..start]);
        let inside = &rest[start + length..];
        let mut at = 0;
        rest = loop {
            let Some(next) = inside[at..].find('`') else { panic!("an open code span: {text}") };
            let closing = run(&inside[at + next..]);
            at += next + closing;
            if closing == length {
                break &inside[at..];
            }
        };
    }
    prose + rest
}

#[test]
fn no_mention_link_image_or_html_stands_outside_of_code() {
    for name in names() {
        let text = rendered(&name, "markdown");
        for line in text.lines().filter(|line| !line.starts_with("|:")) {
            for cell in cells(line) {
                let prose = prose(&cell);
                let line_start = prose.strip_prefix("> ").or(prose.strip_prefix("- ")).unwrap_or(&prose);
                let acting = line_start
                    .trim_start_matches('#')
                    .find(['<', '>', '@', '[', ']', '!', '&', '|', '*', '\\', '#', '~']);
                assert_eq!(acting, None, "{name}: {line}");
                assert!(!prose.contains("http") && !prose.contains("www."), "{name}: {line}");
            }
        }
    }
}

#[test]
fn every_row_has_the_cells_of_its_head() {
    for name in names() {
        let text = rendered(&name, "markdown");
        let mut width = None;
        for line in text.lines() {
            if !line.starts_with('|') {
                width = None;
                continue;
            }
            let count = if line.starts_with("|:") { line.matches('|').count() - 1 } else { cells(line).len() };
            assert_eq!(*width.get_or_insert(count), count, "{name}: {line}");
        }
    }
}
