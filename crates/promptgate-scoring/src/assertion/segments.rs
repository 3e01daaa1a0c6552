//! Texts as words, sentences and paragraphs, the same for every kind that counts them.

use unicode_segmentation::UnicodeSegmentation;

/// Words of Unicode text segmentation (UAX 29).
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_words()
}

/// Abbreviations behind which a sentence goes on, in lower case.
const ABBREVIATIONS: [&str; 38] = [
    "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "sr.", "jr.", "vs.", "e.g.", "i.e.", "cf.", "al.", "fig.", "figs.",
    "eq.", "vol.", "pp.", "ed.", "eds.", "approx.", "dept.", "est.", "gen.", "gov.", "lt.", "col.", "sgt.", "capt.",
    "rev.", "hon.", "inc.", "ltd.", "co.", "corp.", "z.b.", "bzw.", "ca.",
];

/// Words that begin a sentence and no surname, so that a letter before them is no initial.
const OPENERS: [&str; 24] = [
    "A", "An", "And", "But", "He", "His", "How", "If", "In", "It", "Its", "Now", "She", "So", "That", "The", "Then",
    "There", "These", "They", "This", "We", "What", "You",
];

/// Sentences of Unicode text segmentation, joined where the break stands behind an abbreviation or an initial, and where it
/// is but the end of a line: prose is wrapped. A line without letters and digits ends a sentence, a heading is one, and a
/// point of a list begins one.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut begin = 0;
    for end in bounds(text) {
        if end < text.len() && goes_on(&text[begin..end], &text[end..]) {
            continue;
        }
        let sentence = text[begin..end].trim();
        if has_text(sentence) {
            found.push(sentence);
        }
        begin = end;
    }
    found
}

/// Where sentences may end: there is no break before a small letter but behind an equation, `x = 3. y = 4.`.
fn bounds(text: &str) -> impl Iterator<Item = usize> {
    text.split_sentence_bound_indices().flat_map(|(at, piece)| {
        let equations = piece.match_indices(". ").map(|(dot, _)| dot).filter(|dot| ends_equation(&piece[..*dot]));
        equations.map(move |dot| at + dot + 2).chain([at + piece.len()]).collect::<Vec<_>>()
    })
}

fn ends_equation(text: &str) -> bool {
    let mut words = text.rsplit(' ');
    let is_number = words.next().is_some_and(|word| word.ends_with(|c: char| c.is_ascii_digit()));
    is_number && words.next() == Some("=")
}

fn goes_on(sentence: &str, rest: &str) -> bool {
    match sentence.strip_suffix('\n') {
        Some(lines) => is_wrapped(lines.rsplit('\n').next().unwrap_or_default().trim(), rest),
        None => {
            let sentence = sentence.trim();
            is_abbreviated(sentence, rest) || is_number_of_point(sentence) || is_asked_within(sentence, rest)
        }
    }
}

/// Whether a line goes on in the next one.
fn is_wrapped(line: &str, rest: &str) -> bool {
    let next = rest.lines().next().unwrap_or_default();
    let is_apart = !has_text(line) || !has_text(next) || is_heading(line) || begins_point(next);
    !is_apart && (is_abbreviated(line, rest) || !is_ended(line))
}

fn has_text(line: &str) -> bool {
    line.chars().any(char::is_alphanumeric)
}

fn is_heading(line: &str) -> bool {
    line.starts_with('#')
}

/// Whether a line begins as headings, quotes, rows of tables and points of lists do.
fn begins_point(line: &str) -> bool {
    let line = line.trim_start();
    let (first, behind) = line.split_once(' ').unwrap_or((line, ""));
    let is_letter = |number: &str| number.len() == 1 && first.ends_with(')');
    let is_numbered = first.strip_suffix(['.', ')']).is_some_and(|number| is_small_number(number) || is_letter(number));
    line.starts_with(['#', '|', '>'])
        || (!behind.is_empty() && (is_numbered || matches!(first, "-" | "*" | "+" | "\u{2022}" | "\u{2013}")))
}

/// Whether nothing but the number of a point or of a heading stands there.
fn is_number_of_point(sentence: &str) -> bool {
    sentence.trim_start_matches(['#', '-', '*', '+', ' ']).strip_suffix('.').is_some_and(is_small_number)
}

/// A longer number is a year.
fn is_small_number(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a line ends as sentences do, whatever is closed behind.
fn is_ended(line: &str) -> bool {
    let closed = line.trim_end_matches(['"', '\'', '\u{201d}', '\u{2019}', '\u{bb}', ')', ']', '*', '_', '`']);
    closed.ends_with(['.', '!', '?', '\u{2026}', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{964}'])
}

fn is_abbreviated(text: &str, rest: &str) -> bool {
    let Some(last) = text.split_whitespace().next_back() else { return false };
    let last = last.trim_start_matches(['(', '[', '"', '\u{201c}', '\u{2018}', '\'']);
    let next = rest.split_whitespace().next().unwrap_or_default();
    let mut letters = last.chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some(initial), Some('.'), None) if initial.is_uppercase() && initial != 'I' => !OPENERS.contains(&next),
        _ => match last.to_lowercase().as_str() {
            // Without a number behind it, this is the answer.
            "no." | "nos." => next.starts_with(|c: char| c.is_numeric()),
            other => ABBREVIATIONS.contains(&other),
        },
    }
}

/// Whether a question or a call is quoted and the sentence around it goes on: `"Why?" he asked`.
fn is_asked_within(text: &str, rest: &str) -> bool {
    let quoted = text.trim_end_matches(['"', '\'', '\u{201d}', '\u{2019}', '\u{bb}']);
    quoted.len() < text.len() && quoted.ends_with(['?', '!']) && rest.starts_with(char::is_lowercase)
}

/// What stands between blank lines.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let end = end_of_paragraph(rest);
        let (paragraph, behind) = rest.split_at(end);
        rest = behind;
        (!paragraph.is_empty()).then(|| paragraph.trim_end())
    })
}

fn end_of_paragraph(text: &str) -> usize {
    text.split_inclusive('\n').take_while(|line| !line.trim().is_empty()).map(str::len).sum()
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
        check("He said no. Then he left.", &["He said no.", "Then he left."]);
        check("See no. 3. It is there.", &["See no. 3.", "It is there."]);
        check("We chose plan B. It worked.", &["We chose plan B.", "It worked."]);
        check("We met J. Doe.", &["We met J. Doe."]);
        check("x = 3. y = 4.", &["x = 3.", "y = 4."]);
        check("den 3. juni", &["den 3. juni"]);
        check("\"Why?\" he asked. \"Go!\" She went.", &["\"Why?\" he asked.", "\"Go!\"", "She went."]);
    }

    #[test]
    fn a_line_that_is_wrapped_ends_no_sentence() {
        let check = |text: &str, expected: &[&str]| assert_eq!(sentences(text), expected, "{text}");
        check("The parcel\nis late. It\ncomes soon.", &["The parcel\nis late.", "It\ncomes soon."]);
        check("It is late.\nit comes.", &["It is late.", "it comes."]);
        check("\"It is late.\"\nSo it is", &["\"It is late.\"", "So it is"]);
        check("We met Dr.\nSmith there.", &["We met Dr.\nSmith there."]);
        check("We need:\n- tea\n- milk\n  and honey", &["We need:", "- tea", "- milk\n  and honey"]);
        check("1. Wash it\n2. Dry it\n10) Iron it", &["1. Wash it", "2. Dry it", "10) Iron it"]);
        check("# 1. Why\nIt is late\n## How\nBy train", &["# 1. Why", "It is late", "## How", "By train"]);
        check("Why\n===\nIt is late\n \nBy train", &["Why", "It is late", "By train"]);
        check("42.\nThat is it.", &["42.", "That is it."]);
        check("It was in\n2019. They left.", &["It was in\n2019.", "They left."]);
        check("a\n\n\n", &["a"]);
    }

    #[test]
    fn sentences_of_a_long_text_are_told_soon() {
        for piece in ["Mr. ", "a\n", "x = 3. ", "\n", "1. "] {
            let _ = sentences(&piece.repeat(50_000));
        }
    }

    #[test]
    fn paragraphs_stand_between_blank_lines() {
        let check =
            |text: &str, expected: &[&str]| assert_eq!(paragraphs(text).collect::<Vec<_>>(), expected, "{text:?}");
        check("a\nb\n\n\n\nc\n\n ", &["a\nb", "c"]);
        check(" \na\n \t\n b", &["a", "b"]);
        check("\n \n", &[]);
        check("", &[]);
    }
}
