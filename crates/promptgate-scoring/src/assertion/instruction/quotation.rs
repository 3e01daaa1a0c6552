//! `startend:quotation`.

use super::Instruction;
use super::args::Args;

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "startend:quotation",
    summary: "the whole output stands in double quotes",
    arguments: &[],
    follows,
};

fn follows(_: &Args, text: &str) -> bool {
    let text = text.trim();
    text.len() > 1 && text.starts_with('"') && text.ends_with('"')
}
