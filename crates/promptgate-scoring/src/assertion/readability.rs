//! `readability`: the answer is as easy to read as asked for.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::kind::pass_fail;
use super::segments::{sentences, words};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "readability",
    summary: "the answer is as easy to read as asked for; for English only, and unscored below 10 words",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "measure",
            doc: "`flesch-ease` (default): about 0 hard to 100 easy; `flesch-kincaid-grade`: years of school",
        },
        Parameter { name: "min", doc: "at least so much" },
        Parameter { name: "max", doc: "at most so much" },
    ],
    passes: Example::of("min = 70", "We are open until six. You can come by at any time. Bring the shoes with you."),
    fails: Example::of(
        "measure = \"flesch-kincaid-grade\"\nmax = 8",
        "Notwithstanding considerable organisational complications, comprehensive reimbursement necessitates supplementary documentation of the original transaction.",
    ),
    build,
};

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Measure {
    #[default]
    FleschEase,
    FleschKincaidGrade,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    measure: Measure,
    min: Option<f64>,
    max: Option<f64>,
}

struct Readability {
    measure: Measure,
    min: f64,
    max: f64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`readability`")?;
    if params.min.is_none() && params.max.is_none() {
        let mistake = spec.params.mistake("", "`readability` has neither `min` nor `max`, so all would pass");
        return Err(mistake.help("write `min = 60` for plain English").into());
    }
    let (min, max) = (params.min.unwrap_or(f64::NEG_INFINITY), params.max.unwrap_or(f64::INFINITY));
    if min > max {
        return Err(spec.params.mistake("min", "`min` is above `max`, so none would pass").into());
    }
    Ok(Box::new(Readability { measure: params.measure, min, max }))
}

/// Fewer words say nothing of a style.
const LEAST_WORDS: usize = 10;

impl Measure {
    /// Flesch (1948), and Kincaid and others (1975); from words a sentence and syllables a word.
    fn of(self, text: &str) -> Option<f64> {
        let (words, sentences): (Vec<&str>, usize) = (words(text).collect(), sentences(text).len());
        if words.len() < LEAST_WORDS || sentences == 0 {
            return None;
        }
        let length = words.len() as f64 / sentences as f64;
        let syllables = words.iter().map(|word| syllables(word)).sum::<usize>() as f64 / words.len() as f64;
        Some(match self {
            Self::FleschEase => 206.835 - 1.015 * length - 84.6 * syllables,
            Self::FleschKincaidGrade => 0.39 * length + 11.8 * syllables - 15.59,
        })
    }
}

/// Syllables of an English word, by its groups of vowels: a silent `e` at the end is none.
fn syllables(word: &str) -> usize {
    let word = word.to_lowercase();
    let is_vowel = |c: char| "aeiouyáàâäéèêëíìîïóòôöúùûü".contains(c);
    let mut groups = 0;
    let mut before = false;
    for c in word.chars() {
        let vowel = is_vowel(c);
        groups += usize::from(vowel && !before);
        before = vowel;
    }
    let silent = word.ends_with('e') && !word.ends_with("le") && !word.ends_with("ee") && groups > 1;
    (groups - usize::from(silent)).max(1)
}

impl Assertion for Readability {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.measure.of(&trial.subject().text());
            let value = value.ok_or_else(|| format!("fewer than {LEAST_WORDS} words say nothing of how they read"))?;
            let bound = |limit: f64, word: &str| limit.is_finite().then(|| format!("{word} {limit}"));
            let expected: Vec<String> =
                [bound(self.min, "at least"), bound(self.max, "at most")].into_iter().flatten().collect();
            let evidence =
                Evidence { expected: Some(expected.join(", ")), found: Some(format!("{value:.1}")), note: None };
            Ok(Scored::decided((self.min..=self.max).contains(&value), evidence))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_those_of_the_dictionary_for_usual_words() {
        for (word, count) in [
            ("cat", 1),
            ("apple", 2),
            ("late", 1),
            ("banana", 3),
            ("people", 2),
            ("organisational", 6),
            ("the", 1),
            ("tree", 1),
            ("x", 1),
        ] {
            assert_eq!(syllables(word), count, "{word}");
        }
    }
}
