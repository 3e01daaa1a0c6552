//! `change_case:english_lowercase`.

use super::Instruction;
use super::args::Args;
use crate::assertion::language;

/// The line of the table.
pub(super) const ID: Instruction =
    Instruction { id: "change_case:english_lowercase", summary: "English, with no capital", arguments: &[], follows };

fn follows(_: &Args, text: &str) -> bool {
    let cased = |c: char| c.is_lowercase() || c.is_uppercase();
    text.chars().any(cased) && !text.chars().any(char::is_uppercase) && language::is_or_may_be(text, "en")
}
