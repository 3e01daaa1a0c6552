//! Texts as words, sentences and paragraphs, the same for every kind that counts them.

use unicode_segmentation::UnicodeSegmentation;

/// Words of Unicode text segmentation (UAX 29).
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_words()
}

/// Abbreviations behind which a sentence goes on, in lower case.
const ABBREVIATIONS: [&str; 40] = [
    "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "sr.", "jr.", "vs.", "e.g.", "i.e.", "cf.", "al.", "fig.", "figs.",
    "eq.", "no.", "nos.", "vol.", "pp.", "ed.", "eds.", "approx.", "dept.", "est.", "gen.", "gov.", "lt.", "col.",
    "sgt.", "capt.", "rev.", "hon.", "inc.", "ltd.", "co.", "corp.", "z.b.", "bzw.", "ca.",
];

/// Sentences of Unicode text segmentation, joined where the break stands behind an abbreviation or an initial. A line of
/// white space ends a sentence too.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut begin = 0;
    let mut open = false;
    for (at, piece) in text.split_sentence_bound_indices() {
        if !open {
            begin = at;
        }
        let end = at + piece.len();
        open = goes_on(piece) && end < text.len();
        if !open {
            let sentence = text[begin..end].trim();
            if sentence.chars().any(char::is_alphanumeric) {
                found.push(sentence);
            }
        }
    }
    found
}

fn goes_on(piece: &str) -> bool {
    // Two line feeds end a sentence, whatever stands before them.
    if piece.contains("\n\n") {
        return false;
    }
    let Some(last) = piece.split_whitespace().next_back() else { return false };
    let last = last.trim_start_matches(['(', '[', '"', '\u{201c}', '\u{2018}', '\'']);
    let mut letters = last.chars();
    let initial = matches!((letters.next(), letters.next(), letters.next()), (Some(a), Some('.'), None) if a.is_uppercase() && a != 'I');
    initial || ABBREVIATIONS.contains(&last.to_lowercase().as_str())
}

/// What stands between empty lines.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_counted_as_people_do() {
        let check = |text: &str, expected: &[&str]| assert_eq!(sentences(text), expected, "{text}");
        check("", &[]);
        check(" ... ", &[]);
        check("One. Two! Three?", &["One.", "Two!", "Three?"]);
        check("Dr. Smith met Mr. J. Doe. They left.", &["Dr. Smith met Mr. J. Doe.", "They left."]);
        check("It costs 3.5 euros. See e.g. Fig. 2.", &["It costs 3.5 euros.", "See e.g. Fig. 2."]);
        check("So did I. Then we left.", &["So did I.", "Then we left."]);
        check("He said: \"Go.\" She went.", &["He said: \"Go.\"", "She went."]);
        check("これは文です。次の文です。", &["これは文です。", "次の文です。"]);
        check("A heading\n\nA text.", &["A heading", "A text."]);
        check("Wait... what?", &["Wait... what?"]);
    }

    #[test]
    fn paragraphs_stand_between_empty_lines() {
        assert_eq!(paragraphs("a\nb\n\n\n\nc\n\n ").collect::<Vec<_>>(), ["a\nb", "c"]);
    }
}
