//! `punctuation:no_comma`.

use super::Instruction;
use super::args::Args;

/// The line of the table.
pub(super) const ID: Instruction =
    Instruction { id: "punctuation:no_comma", summary: "no comma", arguments: &[], follows };

fn follows(_: &Args, text: &str) -> bool {
    !text.contains(',')
}
