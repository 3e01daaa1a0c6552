//! `detectable_content:postscript`.

use super::Instruction;
use super::args::{Args, MARKER, folded};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "detectable_content:postscript",
    summary: "a postscript that begins with its marker",
    arguments: &[MARKER],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let (text, marker) = (folded(text), folded(args.text("marker")));
    // The two usual ones are found however they are spaced.
    let letters: &[&str] = match marker.as_str() {
        "p.s." => &["p.", "s."],
        "p.p.s" => &["p.", "p.", "s"],
        other => return text.contains(other),
    };
    text.match_indices(letters[0]).any(|(at, _)| {
        let mut rest = &text[at..];
        for letter in letters {
            let Some(behind) = rest.strip_prefix(letter) else { return false };
            rest = behind.strip_prefix(char::is_whitespace).unwrap_or(behind);
        }
        true
    })
}
