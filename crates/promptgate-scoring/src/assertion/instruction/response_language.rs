//! `language:response_language`.

use super::Instruction;
use super::args::{Args, LANGUAGE};
use crate::assertion::language;

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "language:response_language",
    summary: "the output is in a language; where a short one in a script of it cannot be told, it is followed",
    arguments: &[LANGUAGE],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    language::is_or_may_be(text, args.text("language"))
}
