//! `detectable_format:number_highlighted_sections`.

use super::Instruction;
use super::args::{Args, COUNT};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "detectable_format:number_highlighted_sections",
    summary: "at least so many parts `*highlighted*` or `**so**`",
    arguments: &[COUNT],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let found = text.lines().map(|line| highlighted(line, "*") + highlighted(line, "**")).sum::<usize>();
    found >= args.number("count")
}

/// Parts of a line between two marks that hold something, none of them overlapping.
fn highlighted(line: &str, mark: &str) -> usize {
    let (mut rest, mut found) = (line, 0);
    while let Some(open) = rest.find(mark) {
        let inner = &rest[open + mark.len()..];
        let end = inner.find('*').filter(|end| inner[*end..].starts_with(mark));
        match end {
            Some(end) => {
                found += usize::from(!inner[..end].trim().is_empty());
                rest = &inner[end + mark.len()..];
            }
            // `***so***` holds a part of two marks, which begins one behind.
            None => rest = &rest[open + 1..],
        }
    }
    found
}
