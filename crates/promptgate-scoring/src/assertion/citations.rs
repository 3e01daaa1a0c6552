//! `citations`: what the answer quotes or cites stands in its context.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, something, text_of};
use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "citations",
    summary: "what the answer quotes stands in its context word for word, or what it cites by number is there",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "context", doc: "what may be cited, a text or a list of texts; may name parts of the case" },
        Parameter {
            name: "style",
            doc: "`quoted` (default): texts in double quotes of at least 3 words; `numbered`: marks such as `[2]`, `[1, 3]`, `[1-3]` and `[^2]`, from 1",
        },
        Parameter { name: "min", doc: "at least so many citations; default 1" },
    ],
    passes: Example::of("context = \"We are open until six.\"", "They say \"open until six\" on the door."),
    fails: Example::of("context = [\"Open until six.\"]\nstyle = \"numbered\"", "They close at six [1] or nine [2]."),
    build,
};

/// A quote of fewer words is a word in inverted commas.
const LEAST_WORDS: usize = 3;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Style {
    #[default]
    Quoted,
    Numbered,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    context: Value,
    #[serde(default)]
    style: Style,
    min: Option<usize>,
}

struct Citations {
    context: Expected,
    style: Style,
    min: usize,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`citations`")?;
    let context = Expected::read(&spec.params, "context", &params.context, something)?;
    Ok(Box::new(Citations { context, style: params.style, min: params.min.unwrap_or(1) }))
}

/// Small letters, single spaces and straight quotes, so that line breaks and typesetting of a source do not count.
fn plain(text: &str) -> String {
    let straight = text.to_lowercase().replace(['\u{2018}', '\u{2019}', '\u{2bc}'], "'");
    let straight = straight.replace(['\u{201c}', '\u{201d}', '\u{201e}'], "\"");
    straight.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands in double quotes, straight, curly or angled.
fn quotes(text: &str) -> Vec<String> {
    let (mut found, mut at) = (Vec::new(), 0);
    // What is not closed once is closed nowhere behind, and is not looked for again.
    let mut unclosed = Vec::new();
    while let Some((begin, open)) =
        text[at..].char_indices().find(|(begin, sign)| opens(&text[..at + begin], *sign) && !unclosed.contains(sign))
    {
        at += begin + open.len_utf8();
        let Some((inner, close)) = closing(&text[at..], open) else {
            unclosed.push(open);
            continue;
        };
        let quote = plain(inner.trim_end_matches(['.', ',', ';', '!', '?']));
        if quote.split(' ').count() >= LEAST_WORDS {
            found.push(quote);
        }
        at += inner.len() + close.len_utf8();
    }
    found
}

/// Whether a sign opens a quote. A straight one behind a letter or a digit is an inch mark, or closes what was no quote.
fn opens(before: &str, sign: char) -> bool {
    match sign {
        '"' => !before.ends_with(char::is_alphanumeric),
        _ => matches!(sign, '\u{201c}' | '\u{201e}' | '«' | '»'),
    }
}

/// What stands before the sign that closes a quote, and the sign. Angles point out or in, by language.
fn closing(inner: &str, open: char) -> Option<(&str, char)> {
    let closes = |c: char| match open {
        '"' => c == '"',
        '«' => c == '»',
        '»' => matches!(c, '«' | '»'),
        '\u{201e}' => matches!(c, '\u{201c}' | '\u{201d}'),
        _ => c == '\u{201d}',
    };
    let (end, close) = inner.char_indices().find(|(_, c)| closes(*c))?;
    Some((&inner[..end], close))
}

/// The numbers in marks such as `[2]`, `[1, 3]`, `[1-3]` and `[^2]`, of so many sources.
fn marks(text: &str, sources: usize) -> BTreeSet<usize> {
    let (mut found, mut at) = (BTreeSet::new(), 0);
    while let Some(open) = text[at..].find('[') {
        let before = &text[..at + open];
        at += open + 1;
        let Some(close) = text[at..].find([']', '[']).filter(|close| text[at + close..].starts_with(']')) else {
            continue;
        };
        let numbers = cited(&text[at..at + close]).unwrap_or_default();
        let is_year = |number: &usize| YEARS.contains(number) && *number > sources;
        if !is_index(before, &numbers) && !numbers.iter().any(is_year) {
            found.extend(numbers);
        }
    }
    found
}

/// Numbers that are years where there are not so many sources.
const YEARS: RangeInclusive<usize> = 1_000..=2_999;

/// The most sources that one mark cites as a range.
const LONGEST_RANGE: usize = 100;

/// Whether what stands in brackets is an index of a program: `x[1]`, `list[0]`.
fn is_index(before: &str, numbers: &[usize]) -> bool {
    let name = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    let variable = name.contains('_') || (name.len() == 1 && name.starts_with(char::is_lowercase));
    variable || (!name.is_empty() && numbers.contains(&0))
}

/// The numbers between the brackets of a mark; nothing where there is anything else.
fn cited(inside: &str) -> Option<Vec<usize>> {
    let inside = inside.strip_prefix('^').unwrap_or(inside);
    let mut numbers = Vec::new();
    for part in inside.split([',', ';']) {
        let (first, last) = part.split_once(['-', '\u{2013}']).unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if last < first || last - first > LONGEST_RANGE {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

impl Assertion for Citations {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (answer, context) = (trial.subject().text(), self.context.value(trial.case)?);
            let sources: Vec<String> = match &*context {
                Value::Array(items) => items.iter().map(|item| text_of(item).into_owned()).collect(),
                one => vec![text_of(one).into_owned()],
            };
            let (count, missing): (usize, Vec<String>) = match self.style {
                Style::Quoted => {
                    let sources: Vec<String> = sources.iter().map(|source| plain(source)).collect();
                    let cited = quotes(&answer);
                    let is_there = |quote: &String| sources.iter().any(|source| source.contains(quote.as_str()));
                    (cited.len(), cited.into_iter().filter(|quote| !is_there(quote)).collect())
                }
                Style::Numbered => {
                    let cited = marks(&answer, sources.len());
                    let is_there = |number: &usize| (1..=sources.len()).contains(number);
                    (
                        cited.len(),
                        cited.into_iter().filter(|number| !is_there(number)).map(|n| format!("[{n}]")).collect(),
                    )
                }
            };
            let note = match missing.as_slice() {
                [] if count < self.min => Some(format!("{count} citations, and at least {} are asked for", self.min)),
                [] => None,
                missing => Some(format!("not in the context: {}", missing.join("; "))),
            };
            let evidence =
                Evidence { expected: None, found: Some(excerpt(&answer)), note: note.as_deref().map(excerpt) };
            Ok(Scored::decided(note.is_none(), evidence))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.context.check(case)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_marks_are_found() {
        assert_eq!(
            quotes("He said \"open  until\nsix.\" and \u{201e}ab sechs Uhr\u{201c}, not \"so\"."),
            ["open until six", "ab sechs uhr"]
        );
        assert_eq!(quotes("an open \"quote without end"), Vec::<String>::new());
    }

    #[test]
    fn quotes_are_paired_by_what_stands_before_them() {
        assert_eq!(quotes("A 5\" pipe; they say \"open until six\"."), ["open until six"]);
        assert_eq!(
            quotes("Er sagt »ab sechs Uhr« und « ouvert à six », „von acht bis“ zehn"),
            ["ab sechs uhr", "ouvert à six", "von acht bis"]
        );
        assert_eq!(quotes("“no end of it, and \"open until six\""), ["open until six"]);
        assert_eq!(quotes("\"we don\u{2019}t open\""), [plain("We don't open")]);
    }

    #[test]
    fn marks_are_lists_ranges_and_footnotes_and_no_years_or_indices() {
        let check = |text: &str, expected: &[usize]| {
            assert_eq!(marks(text, 4).into_iter().collect::<Vec<_>>(), expected, "{text}");
        };
        check("a [1], b [2, 3] c [x] d [[4]] e [5", &[1, 2, 3, 4]);
        check("six[1] o'clock [1-3], nine [4; 5]", &[1, 2, 3, 4, 5]);
        check("six [^2] and [3–4]", &[2, 3, 4]);
        check("in [2024] and [1998-2003]", &[]);
        check("x[0], x[1], list[0] and my_list[2]", &[]);
        check("said so [0]", &[0]);
        check("[3-1] [1-900] [-1] [1,,2] []", &[]);
    }
}
