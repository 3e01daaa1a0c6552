//! `change_case:english_capital`.

use super::Instruction;
use super::args::{Args, is_upper};
use crate::assertion::language;

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "change_case:english_capital",
    summary: "English, with no small letter",
    arguments: &[],
    follows,
};

fn follows(_: &Args, text: &str) -> bool {
    is_upper(text) && language::is_or_may_be(text, "en")
}
