//! `length_constraints:number_sentences`.

use super::Instruction;
use super::args::{Args, COUNT, RELATION};
use crate::assertion::segments::sentences;

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "length_constraints:number_sentences",
    summary: "so many sentences, counted as `length` does",
    arguments: &[COUNT, RELATION],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    args.holds(sentences(text).len())
}
