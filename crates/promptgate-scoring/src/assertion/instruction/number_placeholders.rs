//! `detectable_content:number_placeholders`.

use super::Instruction;
use super::args::{Args, COUNT};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "detectable_content:number_placeholders",
    summary: "at least so many placeholders such as `[name]`",
    arguments: &[COUNT],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let of_line = |line: &str| {
        let (mut rest, mut found) = (line, 0);
        while let Some(open) = rest.find('[') {
            let Some(close) = rest[open..].find(']') else { break };
            found += 1;
            rest = &rest[open + close + 1..];
        }
        found
    };
    text.lines().map(of_line).sum::<usize>() >= args.number("count")
}
