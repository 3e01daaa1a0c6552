//! `length_constraints:number_paragraphs`.

use super::Instruction;
use super::args::{Args, COUNT};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "length_constraints:number_paragraphs",
    summary: "exactly so many paragraphs, divided by `***`",
    arguments: &[COUNT],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let paragraphs: Vec<&str> = text.split("***").map(str::trim).collect();
    let last = paragraphs.len() - 1;
    // A mark at either end divides nothing; two in a row leave a paragraph empty.
    let empty_within = paragraphs.iter().enumerate().any(|(at, each)| each.is_empty() && at != 0 && at != last);
    !empty_within && paragraphs.iter().filter(|each| !each.is_empty()).count() == args.number("count")
}
