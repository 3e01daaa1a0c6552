//! `keywords:letter_frequency`.

use super::Instruction;
use super::args::{Args, COUNT, LETTER, RELATION, folded};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "keywords:letter_frequency",
    summary: "a letter occurs so often, in any letter case",
    arguments: &[LETTER, COUNT, RELATION],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    args.holds(folded(text).matches(&folded(args.text("letter"))).count())
}
