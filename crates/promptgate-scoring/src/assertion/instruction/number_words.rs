//! `length_constraints:number_words`.

use super::Instruction;
use super::args::{Args, COUNT, RELATION};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "length_constraints:number_words",
    summary: "so many words: runs of letters, digits and `_`",
    arguments: &[COUNT, RELATION],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    args.holds(words.count())
}
