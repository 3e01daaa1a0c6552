//! `startend:end_checker`.

use super::Instruction;
use super::args::{Args, VALUE, folded};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "startend:end_checker",
    summary: "the output ends with a phrase, in any letter case; quotes around it do not count",
    arguments: &[VALUE],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    folded(text.trim().trim_matches('"')).ends_with(&folded(args.text("value").trim()))
}
