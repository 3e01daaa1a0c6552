//! `combination:two_responses`.

use super::Instruction;
use super::args::Args;

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "combination:two_responses",
    summary: "two different answers divided by `******`",
    arguments: &[],
    follows,
};

fn follows(_: &Args, text: &str) -> bool {
    let answers: Vec<&str> = text.split("******").map(str::trim).collect();
    let last = answers.len() - 1;
    let empty_within = answers.iter().enumerate().any(|(at, answer)| answer.is_empty() && at != 0 && at != last);
    let said: Vec<&str> = answers.into_iter().filter(|answer| !answer.is_empty()).collect();
    !empty_within && matches!(said.as_slice(), [first, second] if first != second)
}
