//! `keywords:existence`.

use super::Instruction;
use super::args::{Args, KEYWORDS, folded};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "keywords:existence",
    summary: "every keyword occurs, in any letter case",
    arguments: &[KEYWORDS],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let text = folded(text);
    args.texts("keywords").into_iter().all(|keyword| text.contains(&folded(keyword)))
}
