//! `keywords:frequency`.

use super::Instruction;
use super::args::{Args, COUNT, KEYWORD, RELATION, folded};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "keywords:frequency",
    summary: "a text occurs so often, in any letter case",
    arguments: &[KEYWORD, COUNT, RELATION],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    args.holds(folded(text).matches(&folded(args.text("keyword"))).count())
}
