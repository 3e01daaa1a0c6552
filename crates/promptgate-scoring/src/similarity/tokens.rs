//! Texts as tokens.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

/// How a text becomes tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tokenize {
    /// Runs of letters and digits of any script, in lower case; Chinese and Japanese sign by sign. On English text the same
    /// as `rouge-score`.
    #[default]
    Words,
    /// As Google's rouge-score has it: lower case, runs of `a-z` and `0-9`, everything else falls away.
    RougeScore,
    /// As mteval-v13a and sacreBLEU's default have it: punctuation apart, letter case kept.
    #[serde(rename = "13a")]
    Mteval13a,
    /// What white space divides.
    Whitespace,
}

impl Tokenize {
    /// The tokens of a text.
    pub fn tokens(self, text: &str) -> Tokens {
        match self {
            Self::Words if text.is_ascii() => ascii_words(text),
            Self::Words => words(text),
            Self::RougeScore if text.is_ascii() => ascii_words(text),
            Self::RougeScore => rouge_score(text),
            Self::Mteval13a => mteval_13a(text),
            Self::Whitespace => Tokens::of_pieces(text.to_owned()),
        }
    }
}

/// Tokens of one text, in one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    text: String,
    places: Vec<Range<usize>>,
}

impl Tokens {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// In the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| &self.text[place.clone()])
    }

    /// Words, one a token.
    pub(super) fn of_words(words: impl Iterator<Item = String>) -> Self {
        let mut tokens = Self::default();
        for word in words {
            let begin = tokens.text.len();
            tokens.text.push_str(&word);
            tokens.places.push(begin..tokens.text.len());
        }
        tokens
    }

    /// The pieces between white space.
    fn of_pieces(text: String) -> Self {
        let begin = text.as_ptr() as usize;
        let place = |piece: &str| {
            let at = piece.as_ptr() as usize - begin;
            at..at + piece.len()
        };
        let places = split(&text).map(place).collect();
        Self { text, places }
    }
}

/// Runs of letters and digits in lower case, where every letter is a byte.
fn ascii_words(text: &str) -> Tokens {
    let text = text.to_ascii_lowercase();
    let mut places = Vec::with_capacity(text.len() / 5);
    let mut begin = None;
    for (at, byte) in text.bytes().enumerate() {
        match (byte.is_ascii_alphanumeric(), begin) {
            (true, None) => begin = Some(at),
            (false, Some(first)) => {
                places.push(first..at);
                begin = None;
            }
            _ => {}
        }
    }
    places.extend(begin.map(|first| first..text.len()));
    Tokens { text, places }
}

/// Scripts that are written without spaces, where a sign is closest to a word.
fn is_sign(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30ff | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff
        | 0xff66..=0xff9d | 0x20000..=0x3ffff)
}

fn words(text: &str) -> Tokens {
    let (mut lower, mut places, mut begin) = (String::with_capacity(text.len()), Vec::new(), None);
    for c in text.chars().flat_map(char::to_lowercase) {
        let at = lower.len();
        let goes_on = !is_sign(c) && (c.is_alphanumeric() || is_mark(c) && begin.is_some());
        if !goes_on {
            places.extend(begin.take().map(|first| first..at));
        }
        lower.push(c);
        match (is_sign(c), goes_on) {
            (true, _) => places.push(at..lower.len()),
            (false, true) => begin = begin.or(Some(at)),
            (false, false) => {}
        }
    }
    places.extend(begin.map(|first| first..lower.len()));
    Tokens { text: lower, places }
}

/// Marks that belong to the letter before them, so that a word in decomposed form stays one word.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36f | 0x483..=0x487 | 0x591..=0x5c7 | 0x610..=0x61a | 0x64b..=0x65f | 0x93a..=0x94f
        | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f)
}

fn rouge_score(text: &str) -> Tokens {
    let keep = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { ' ' };
    Tokens::of_pieces(text.to_lowercase().chars().map(keep).collect())
}

/// The pieces between white space, as Python's `str.split` has it: the four separators of ASCII count as white space.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)).filter(|piece| !piece.is_empty())
}

static PUNCTUATION: LazyLock<[Option<Regex>; 4]> = LazyLock::new(|| {
    [
        r"([\{-\~\[-\` -\&\(-\+\:-\@\/])",
        // A period or comma stands apart unless a digit comes before it, and unless one comes behind it;
        r"([^0-9])([\.,])",
        r"([\.,])([^0-9])",
        // a dash does where a digit comes before it.
        r"([0-9])(-)",
    ]
    .map(|pattern| Regex::new(pattern).ok())
});

fn mteval_13a(text: &str) -> Tokens {
    let trimmed = text.trim_end_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
    let mut line = trimmed.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    if line.contains('&') {
        line = line.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    }
    if line.is_ascii() {
        return ascii_13a(line.as_bytes());
    }
    line = format!(" {line} ");
    for (rule, with) in PUNCTUATION.iter().zip([" $1 ", "$1 $2 ", " $1 $2", "$1 $2 "]) {
        if let Some(rule) = rule {
            line = rule.replace_all(&line, with).into_owned();
        }
    }
    Tokens::of_pieces(line)
}

/// The four rules on ASCII, where a letter is a byte: each is a pass over bytes that inserts spaces.
fn ascii_13a(line: &[u8]) -> Tokens {
    let mut text = Vec::with_capacity(line.len() * 2 + 2);
    text.push(b' ');
    for byte in line {
        // Control bytes and letters stay; of the rest all but `'`, `,`, `-`, `.` and digits stand apart.
        let apart = matches!(byte, b'{'..=b'~' | b'['..=b'`' | b' '..=b'&' | b'('..=b'+' | b':'..=b'@' | b'/');
        if apart {
            text.extend([b' ', *byte, b' ']);
        } else {
            text.push(*byte);
        }
    }
    text.push(b' ');
    let text = pairs(
        &text,
        |a, b| !a.is_ascii_digit() && matches!(b, b'.' | b','),
        |a, b, out| out.extend([a, b' ', b, b' ']),
    );
    let text = pairs(
        &text,
        |a, b| matches!(a, b'.' | b',') && !b.is_ascii_digit(),
        |a, b, out| out.extend([b' ', a, b' ', b]),
    );
    let text = pairs(&text, |a, b| a.is_ascii_digit() && b == b'-', |a, b, out| out.extend([a, b' ', b, b' ']));
    // Spaces were put in between bytes of ASCII.
    Tokens::of_pieces(String::from_utf8(text).unwrap_or_default())
}

/// Replaces each pair that fits, from the left, none of them overlapping, as a substitution by a pattern does.
fn pairs(text: &[u8], fits: fn(u8, u8) -> bool, put: fn(u8, u8, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    let mut at = 0;
    while at < text.len() {
        match text.get(at + 1) {
            Some(next) if fits(text[at], *next) => {
                put(text[at], *next, &mut out);
                at += 2;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fall_into_tokens() {
        let check = |how: Tokenize, text: &str, expected: &[&str]| {
            assert_eq!(how.tokens(text).iter().collect::<Vec<_>>(), expected, "{how:?} of {text}")
        };
        check(Tokenize::Words, "Don't stop: 3.5 km!", &["don", "t", "stop", "3", "5", "km"]);
        check(Tokenize::Words, "Größe Москва", &["größe", "москва"]);
        check(Tokenize::Words, "re\u{301}sume\u{301}", &["re\u{301}sume\u{301}"]);
        check(Tokenize::Words, "東京へ行く2回", &["東", "京", "へ", "行", "く", "2", "回"]);
        check(Tokenize::Words, " \u{200b}…", &[]);
        check(Tokenize::RougeScore, "Größe: 3.5 KM", &["gr", "e", "3", "5", "km"]);
        check(
            Tokenize::Mteval13a,
            "Hello, world! It's 3,5-4.",
            &["Hello", ",", "world", "!", "It's", "3,5", "-", "4", "."],
        );
        check(Tokenize::Mteval13a, "a &lt;b&gt; -\n c", &["a", "<", "b", ">", "c"]);
        check(Tokenize::Mteval13a, "„Ja“, sagte er.", &["„Ja“", ",", "sagte", "er", "."]);
        check(Tokenize::Whitespace, " a\u{1c}b\u{a0}c ", &["a", "b", "c"]);
    }
}
