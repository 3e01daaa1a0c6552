//! `length_constraints:nth_paragraph_first_word`.

use super::Instruction;
use super::args::{Args, COUNT, NTH, WORD, folded};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "length_constraints:nth_paragraph_first_word",
    summary: "exactly so many paragraphs between empty lines, and the n-th begins with a word",
    arguments: &[COUNT, NTH, WORD],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let pieces: Vec<&str> = text.split("\n\n").map(str::trim).collect();
    let count = pieces.iter().filter(|piece| !piece.is_empty()).count();
    let nth = args.number("nth");
    // Counted as the benchmark does: an empty piece in between moves the n-th.
    let paragraph = pieces.get(nth - 1).filter(|_| nth <= count);
    let first = paragraph.and_then(|paragraph| paragraph.split_whitespace().next()).unwrap_or_default();
    let first = first.trim_start_matches('\'').trim_start_matches('"');
    let bare = first.split(['.', ',', '?', '!', '\'', '"']).next().unwrap_or_default();
    count == args.number("count") && !bare.is_empty() && folded(bare) == folded(args.text("word"))
}
