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

/// Parts of words in which two vowels beside each other are two syllables.
const APART: [&str; 10] = ["area", "create", "creati", "creato", "dia", "idea", "iet", "poem", "poet", "scien"];

/// Syllables of an English word, by its groups of vowels, without an `e` that is silent.
fn syllables(word: &str) -> usize {
    let word = word.to_lowercase();
    let letters: Vec<char> = word.chars().collect();
    let sounds = |at: usize| is_vowel(letters[at]) && !is_mute_u(&letters, at);
    let groups = (0..letters.len()).filter(|at| sounds(*at) && (*at == 0 || !sounds(at - 1))).count();
    let apart = APART.iter().map(|part| word.matches(part).count()).sum::<usize>();
    let syllables = groups + apart + usize::from(ing_stands_apart(&word));
    let silent = syllables > 1 && has_silent_e(&word);
    (syllables - usize::from(silent)).max(1)
}

fn is_vowel(c: char) -> bool {
    "aeiouyáàâäéèêëíìîïóòôöúùûü".contains(c)
}

/// `u` behind `q`, and between `g` and a vowel, makes no sound of its own: `quick`, `league`.
fn is_mute_u(letters: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| letters[before]);
    let behind = letters.get(at + 1).is_some_and(|behind| is_vowel(*behind));
    letters[at] == 'u' && (before == Some('q') || (before == Some('g') && behind))
}

/// `being`, `goings`: the ending is a syllable behind a vowel too.
fn ing_stands_apart(word: &str) -> bool {
    let stem = word.strip_suffix('s').unwrap_or(word).strip_suffix("ing");
    stem.is_some_and(|stem| stem.ends_with(is_vowel))
}

/// The `e` of `cake`, `cakes` and `walked`, but not that of `wanted` and `boxes`, which could not be said without it, nor that
/// of `apple` and `centred`.
fn has_silent_e(word: &str) -> bool {
    let (stem, is_said) = if let Some(stem) = word.strip_suffix("ed") {
        (stem, stem.ends_with(['t', 'd']))
    } else if let Some(stem) = word.strip_suffix("es") {
        (stem, stem.ends_with(['s', 'x', 'z', 'c', 'g']) || stem.ends_with("ch") || stem.ends_with("sh"))
    } else {
        match word.strip_suffix('e') {
            Some(stem) => (stem, false),
            None => return false,
        }
    };
    let mut back = stem.chars().rev();
    let (last, before) = (back.next(), back.next());
    let is_liquid = matches!(last, Some('l' | 'r')) && before.is_some_and(|c| !is_vowel(c) && !"lrw".contains(c));
    !is_said && !is_liquid && last.is_some_and(|last| !is_vowel(last) || stem.ends_with("qu") || stem.ends_with("gu"))
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
            ("walked", 1),
            ("closed", 1),
            ("called", 1),
            ("cakes", 1),
            ("whole", 1),
            ("league", 1),
            ("unique", 2),
            ("wanted", 2),
            ("needed", 2),
            ("boxes", 2),
            ("houses", 2),
            ("handled", 2),
            ("hundred", 2),
            ("agreed", 2),
            ("movie", 2),
            ("being", 2),
            ("going", 2),
            ("thing", 1),
            ("science", 2),
            ("quiet", 2),
            ("language", 2),
            ("created", 3),
            ("create", 2),
            ("idea", 3),
        ] {
            assert_eq!(syllables(word), count, "{word}");
        }
    }
}
