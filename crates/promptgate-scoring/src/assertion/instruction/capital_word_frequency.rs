//! `change_case:capital_word_frequency`.

use super::Instruction;
use super::args::{Args, COUNT, RELATION, is_upper};
use crate::assertion::segments::words;

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "change_case:capital_word_frequency",
    summary: "so many words all in capitals",
    arguments: &[COUNT, RELATION],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    args.holds(words(text).filter(|word| is_upper(word)).count())
}
