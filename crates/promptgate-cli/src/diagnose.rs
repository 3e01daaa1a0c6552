//! Draws mistakes in what a user wrote: the message, the place, the line, and what to do.

use promptgate_core::diagnostic::{Diagnostic, Diagnostics};
use promptgate_report::escape::{shortened, terminal_line};

/// More mistakes than this are counted, not drawn. Whoever finds many lists twenty and says in one more how many there are.
const DRAWN: usize = 24;

/// Lines longer than this are cut around the column.
const EXCERPT: usize = 120;

/// All mistakes, one block each.
pub fn draw(diagnostics: &Diagnostics) -> String {
    let blocks = diagnostics.0.iter().take(DRAWN).map(|diagnostic| draw_one("error", diagnostic));
    let mut text = blocks.collect::<Vec<_>>().join("\n\n");
    if let Some(more @ 1..) = diagnostics.0.len().checked_sub(DRAWN) {
        text.push_str(&format!("\n\nand {more} more"));
    }
    text
}

/// What is legal and probably not meant.
pub fn draw_warning(diagnostic: &Diagnostic) -> String {
    draw_one("warning", diagnostic)
}

fn draw_one(kind: &str, diagnostic: &Diagnostic) -> String {
    let mut text = format!("{kind}: {}", terminal_line(&diagnostic.message));
    if let Some(at) = &diagnostic.at {
        text.push_str(&format!("\n  --> {}", terminal_line(&at.to_string())));
        if let Some(excerpt) = &diagnostic.excerpt {
            text.push_str(&marked(excerpt, at.line, at.column as usize));
        }
    }
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!("\n  help: {}", terminal_line(help)));
    }
    text
}

/// The line under its number, with a caret below the column.
fn marked(excerpt: &str, line: u32, column: usize) -> String {
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let start = column.saturating_sub(EXCERPT / 2);
    let visible: String = excerpt.chars().skip(start).collect();
    let before: String = excerpt.chars().skip(start).take(column - 1 - start.min(column - 1)).collect();
    // Tabs and escapes are wider on screen than in the file; the caret follows the screen.
    let caret = " ".repeat(terminal_line(&before).chars().count());
    format!("\n {margin} |\n {number} | {}\n {margin} | {caret}^", shortened(&visible, EXCERPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_drawn_with_its_line_and_what_to_do() {
        let text = "name = \"x\"\ntrails = 2\n";
        let diagnostic = Diagnostic::new("unknown key `trails`")
            .at_offset("suites/x/suite.toml", text, 11)
            .help("did you mean `trials`?");
        assert_eq!(
            draw(&diagnostic.into()),
            "error: unknown key `trails`\n  --> suites/x/suite.toml:2:1\n   |\n 2 | trails = 2\n   | ^\n  help: did you mean `trials`?"
        );
    }
}
