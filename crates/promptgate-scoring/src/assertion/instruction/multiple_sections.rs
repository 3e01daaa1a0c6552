//! `detectable_format:multiple_sections`.

use super::Instruction;
use super::args::{Args, COUNT, SPLITTER, is_decimal};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "detectable_format:multiple_sections",
    summary: "at least so many sections, each begun by a word and a number, such as `Section 1`",
    arguments: &[SPLITTER, COUNT],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let splitter = args.text("splitter").trim();
    let begins = |at: usize| {
        let behind = &text[at + splitter.len()..];
        let behind = behind.strip_prefix(char::is_whitespace).unwrap_or(behind);
        behind.chars().next().is_some_and(is_decimal)
    };
    text.match_indices(splitter).filter(|(at, _)| begins(*at)).count() >= args.number("count")
}
