//! `detectable_format:constrained_response`.

use super::Instruction;
use super::args::{Args, VALUES};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "detectable_format:constrained_response",
    summary: "one of the allowed answers occurs; by default \"My answer is yes.\", \"no.\" or \"maybe.\"",
    arguments: &[VALUES],
    follows,
};

const DEFAULT: [&str; 3] = ["My answer is yes.", "My answer is no.", "My answer is maybe."];

fn follows(args: &Args, text: &str) -> bool {
    match args.has("values") {
        true => args.texts("values").into_iter().any(|value| text.contains(value)),
        false => DEFAULT.into_iter().any(|value| text.contains(value)),
    }
}
