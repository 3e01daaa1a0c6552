//! `detectable_format:title`.

use super::Instruction;
use super::args::Args;

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "detectable_format:title",
    summary: "a title in `<<double angle brackets>>`",
    arguments: &[],
    follows,
};

fn follows(_: &Args, text: &str) -> bool {
    text.lines().any(|line| {
        let Some(open) = line.find("<<") else { return false };
        let Some(close) = line.rfind(">>").filter(|close| *close >= open + 3) else { return false };
        !line[open..close + 2].trim_start_matches('<').trim_end_matches('>').trim().is_empty()
    })
}
