//! `combination:repeat_prompt`.

use super::Instruction;
use super::args::{Args, TEXT, folded};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "combination:repeat_prompt",
    summary: "the request stands first, word for word, in any letter case",
    arguments: &[TEXT],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    folded(text.trim()).starts_with(&folded(args.text("text").trim()))
}
