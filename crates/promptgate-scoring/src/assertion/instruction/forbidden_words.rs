//! `keywords:forbidden_words`.

use super::Instruction;
use super::args::{Args, WORDS, folded, is_of_word};

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "keywords:forbidden_words",
    summary: "none of the words occurs, as a whole word and in any letter case",
    arguments: &[WORDS],
    follows,
};

fn follows(args: &Args, text: &str) -> bool {
    let text = folded(text);
    !args.texts("words").into_iter().any(|word| holds_word(&text, &folded(word)))
}

/// Whether a word stands there with no letter, digit or `_` beside its own: `C++` ends where it ends.
fn holds_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let apart = |edge: Option<char>, beside: Option<char>| {
            !(edge.is_some_and(is_of_word) && beside.is_some_and(is_of_word))
        };
        apart(found.chars().next(), text[..at].chars().next_back())
            && apart(found.chars().next_back(), text[at + found.len()..].chars().next())
    })
}
