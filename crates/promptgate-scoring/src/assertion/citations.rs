//! `citations`: what the answer quotes or cites stands in its context.

use std::collections::BTreeSet;

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
            doc: "`quoted` (default): texts in double quotes of at least 3 words; `numbered`: marks such as `[2]`, from 1",
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

/// Small letters and single spaces, so that line breaks of a source do not count.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands in double quotes, straight or curly.
fn quotes(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((begin, open)) =
        rest.char_indices().find(|(_, c)| matches!(c, '"' | '\u{201c}' | '\u{201e}' | '\u{ab}'))
    {
        let inner = &rest[begin + open.len_utf8()..];
        let close = |c: char| match open {
            '"' => c == '"',
            '\u{ab}' => c == '\u{bb}',
            '\u{201e}' => c == '\u{201c}' || c == '\u{201d}',
            _ => c == '\u{201d}',
        };
        let Some(end) = inner.find(close) else { break };
        let quote = plain(inner[..end].trim_end_matches(['.', ',', ';', '!', '?']));
        if quote.split(' ').count() >= LEAST_WORDS {
            found.push(quote);
        }
        rest = &inner[end..];
        rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
    }
    found
}

/// The numbers in marks such as `[2]` and `[1, 3]`.
fn marks(text: &str) -> BTreeSet<usize> {
    let (mut found, mut rest) = (BTreeSet::new(), text);
    while let Some(open) = rest.find('[') {
        rest = &rest[open + 1..];
        let Some(close) = rest.find([']', '[']).filter(|close| rest[*close..].starts_with(']')) else { continue };
        let numbers: Result<Vec<usize>, _> = rest[..close].split(',').map(|number| number.trim().parse()).collect();
        found.extend(numbers.unwrap_or_default());
    }
    found
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
                    let cited = marks(&answer);
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
        assert_eq!(marks("a [1], b [2, 3] c [x] d [[4]] e [5").into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
