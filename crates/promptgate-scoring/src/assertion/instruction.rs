//! `instruction`: one of the 25 instructions of the public IFEval benchmark (arXiv 2311.07911) that a program can verify. An
//! id is one file in `instruction/` and one line in [`IDS`]; what each means is that of the benchmark's checkers, but that
//! keywords are plain text, not patterns.

mod args;
mod capital_word_frequency;
mod constrained_response;
mod end_checker;
mod english_capital;
mod english_lowercase;
mod existence;
mod forbidden_words;
mod frequency;
mod json_format;
mod letter_frequency;
mod multiple_sections;
mod no_comma;
mod nth_paragraph_first_word;
mod number_bullet_lists;
mod number_highlighted_sections;
mod number_paragraphs;
mod number_placeholders;
mod number_sentences;
mod number_words;
mod postscript;
mod quotation;
mod repeat_prompt;
mod response_language;
mod title;
mod two_responses;

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostic, Diagnostics};
use serde::Deserialize;
use serde_json::Value;

use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};
use args::{Args, Argument, Given};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "instruction",
    summary: "the output follows one of the 25 instructions of IFEval, named by `id`; `promptgate list instructions` has them",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "id", doc: "the instruction, such as `keywords:existence`" },
        Parameter { name: "reading", doc: "`strict` (default), or `loose`: also without first line, last line or `*`" },
        Parameter { name: "keywords", doc: "of `keywords:existence`: the texts that occur" },
        Parameter { name: "keyword", doc: "of `keywords:frequency`: the text that is counted" },
        Parameter { name: "words", doc: "of `keywords:forbidden_words`: the words that do not occur" },
        Parameter { name: "letter", doc: "of `keywords:letter_frequency`: the letter that is counted" },
        Parameter { name: "count", doc: "how many, where the id counts" },
        Parameter { name: "relation", doc: "`at least` or `less than`, where the id counts" },
        Parameter { name: "language", doc: "of `language:response_language`: its code or English name" },
        Parameter { name: "nth", doc: "of `length_constraints:nth_paragraph_first_word`: which paragraph, from 1" },
        Parameter { name: "word", doc: "of `length_constraints:nth_paragraph_first_word`: its first word" },
        Parameter { name: "marker", doc: "of `detectable_content:postscript`: `P.S.` or `P.P.S`" },
        Parameter { name: "splitter", doc: "of `detectable_format:multiple_sections`: the word before each number" },
        Parameter { name: "values", doc: "of `detectable_format:constrained_response`: the answers allowed" },
        Parameter { name: "text", doc: "of `combination:repeat_prompt`: the request" },
        Parameter { name: "value", doc: "of `startend:end_checker`: the phrase at the end" },
    ],
    passes: Example::of("id = \"punctuation:no_comma\"", "No pause here."),
    fails: Example::of(
        "id = \"keywords:frequency\"\nkeyword = \"tea\"\ncount = 2\nrelation = \"at least\"",
        "One tea.",
    ),
    build,
};

/// An instruction.
struct Instruction {
    /// As the benchmark names it.
    id: &'static str,
    /// Followed when.
    summary: &'static str,
    /// What it needs to be told.
    arguments: &'static [Argument],
    /// Whether an output follows it.
    follows: fn(&Args, &str) -> bool,
}

/// Every id, in the order of the benchmark's paper.
static IDS: [&Instruction; 25] = [
    &existence::ID,
    &frequency::ID,
    &forbidden_words::ID,
    &letter_frequency::ID,
    &response_language::ID,
    &number_sentences::ID,
    &number_paragraphs::ID,
    &number_words::ID,
    &nth_paragraph_first_word::ID,
    &number_placeholders::ID,
    &postscript::ID,
    &number_bullet_lists::ID,
    &constrained_response::ID,
    &number_highlighted_sections::ID,
    &multiple_sections::ID,
    &json_format::ID,
    &title::ID,
    &two_responses::ID,
    &repeat_prompt::ID,
    &end_checker::ID,
    &quotation::ID,
    &capital_word_frequency::ID,
    &english_capital::ID,
    &english_lowercase::ID,
    &no_comma::ID,
];

/// An instruction for people: id, followed when, parameters.
#[derive(Debug, Clone, Copy)]
pub struct InstructionEntry {
    /// As the benchmark names it.
    pub id: &'static str,
    /// Followed when.
    pub summary: &'static str,
}

/// All instructions, for lists and pages.
pub fn instructions() -> impl Iterator<Item = InstructionEntry> {
    IDS.iter().map(|instruction| InstructionEntry { id: instruction.id, summary: instruction.summary })
}

/// How an output is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reading {
    #[default]
    Strict,
    Loose,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    id: String,
    #[serde(default)]
    reading: Reading,
    keywords: Option<Value>,
    keyword: Option<Value>,
    words: Option<Value>,
    letter: Option<Value>,
    count: Option<Value>,
    relation: Option<Value>,
    language: Option<Value>,
    nth: Option<Value>,
    word: Option<Value>,
    marker: Option<Value>,
    splitter: Option<Value>,
    values: Option<Value>,
    text: Option<Value>,
    value: Option<Value>,
}

impl Params {
    fn given(self) -> [(&'static str, Option<Value>); 14] {
        [
            ("keywords", self.keywords),
            ("keyword", self.keyword),
            ("words", self.words),
            ("letter", self.letter),
            ("count", self.count),
            ("relation", self.relation),
            ("language", self.language),
            ("nth", self.nth),
            ("word", self.word),
            ("marker", self.marker),
            ("splitter", self.splitter),
            ("values", self.values),
            ("text", self.text),
            ("value", self.value),
        ]
    }
}

struct Followed {
    instruction: &'static Instruction,
    reading: Reading,
    given: Given,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`instruction`")?;
    let Some(instruction) = IDS.iter().find(|instruction| instruction.id == params.id) else {
        let mistake = spec.params.mistake("id", format!("there is no instruction `{}`", params.id));
        return Err(mistake.help(did_you_mean(&params.id, IDS.iter().map(|instruction| instruction.id))).into());
    };
    let reading = params.reading;
    let given = Given::read(spec, instruction, params.given())?;
    Ok(Box::new(Followed { instruction, reading, given }))
}

impl Assertion for Followed {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let text = trial.subject().text();
            let args = self.given.args(trial.case)?;
            let follows = |text: &str| !text.trim().is_empty() && (self.instruction.follows)(&args, text);
            let followed = match self.reading {
                Reading::Strict => follows(&text),
                Reading::Loose => loosely(&text).iter().any(|text| follows(text)),
            };
            let expected = Some(format!("{} {}", self.instruction.id, args.told()).trim_end().to_owned());
            let evidence = Evidence { expected, found: Some(excerpt(&text)), note: None };
            Ok(Scored::decided(followed, evidence))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.given.check(case)?)
    }

    fn reads_output(&self) -> bool {
        true
    }
}

/// The eight readings: as it is, without its first line, without its last, without both, and each without any `*`.
fn loosely(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let joined = |lines: &[&str]| lines.join("\n").trim().to_owned();
    let inner = if lines.len() > 2 { &lines[1..lines.len() - 1] } else { &[][..] };
    let mut readings = vec![text.to_owned(), joined(&lines[1..]), joined(&lines[..lines.len() - 1]), joined(inner)];
    let bare: Vec<String> = readings.iter().map(|reading| reading.replace('*', "")).collect();
    readings.extend(bare);
    readings
}

/// For arguments that an id does not have.
fn superfluous(spec: &AssertionSpec, instruction: &Instruction, key: &str) -> Diagnostic {
    let mistake = spec.params.mistake(key, format!("`{}` takes no `{key}`", instruction.id));
    let names: Vec<&str> = instruction.arguments.iter().map(|argument| argument.name).collect();
    mistake.help(match names.is_empty() {
        true => "it takes none but `reading`".to_owned(),
        false => format!("it takes {}", names.join(", ")),
    })
}
