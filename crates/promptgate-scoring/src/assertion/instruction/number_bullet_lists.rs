//! `detectable_format:number_bullet_lists`.

use super::Instruction;
use super::args::{Args, COUNT};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "detectable_format:number_bullet_lists",
    summary: "exactly so many bullet points, `*` or `-` at the beginning of a line",
    arguments: &[COUNT],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let is_bullet = |line: &&str| {
        let line = line.trim_start();
        line.starts_with('-') || line.strip_prefix('*').is_some_and(|rest| !rest.is_empty() && !rest.starts_with('*'))
    };
    text.lines().filter(is_bullet).count() == args.number("count")
}
