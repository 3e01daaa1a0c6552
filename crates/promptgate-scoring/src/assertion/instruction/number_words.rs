//! `length_constraints:number_words`.

use super::Instruction;
use super::args::{Args, COUNT, RELATION, is_of_word};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "length_constraints:number_words",
    summary: "so many words: runs of letters, digits and `_`",
    arguments: &[COUNT, RELATION],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let words = text.split(|c: char| !is_of_word(c)).filter(|word| !word.is_empty());
    args.holds(words.count())
}
