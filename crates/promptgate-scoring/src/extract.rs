//! Extractors: the stage before assertions, which takes the text or value to look at from an output. A kind is one file
//! here and one line in [`registry`]. No match is never an empty text: it is "nothing to extract", which fails the
//! assertion, or leaves it unscored where the step says `on_missing = "unscored"`.

use std::borrow::Cow;
use std::ops::Range;

use promptgate_core::Diagnostic;
use promptgate_core::answer::Response;
use promptgate_core::assertion::{ExtractSpec, ExtractStep};
use promptgate_core::nearest::did_you_mean;
use serde_json::Value;

use crate::assertion::Parameter;
use crate::assertion::text::line_feeds;

mod after;
mod before;
pub(crate) mod choice;
pub(crate) mod code_block;
pub(crate) mod json;
mod json_path;
mod labels;
mod line;
pub(crate) mod locale;
mod lowercase;
mod map;
pub(crate) mod number;
pub(crate) mod pattern;
mod regex;
pub mod registry;
pub(crate) mod section;
mod strip_articles;
mod strip_punctuation;
mod tool_call;
mod trim;
pub(crate) mod xml;

/// What the extractors took from an output.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject<'a> {
    /// Text, line ends as line feeds.
    Text(Cow<'a, str>),
    /// A JSON value.
    Value(Cow<'a, Value>),
}

impl<'a> Subject<'a> {
    /// The whole of an output.
    pub fn of_output(output: &'a str) -> Self {
        Self::Text(line_feeds(output))
    }

    /// As text: a JSON text without its quotes, any other value as compact JSON.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Value(value) => crate::assertion::text_of(value),
        }
    }

    /// As JSON: text is read as it.
    pub fn json(&self) -> Result<Cow<'_, Value>, serde_json::Error> {
        match self {
            Self::Text(text) => serde_json::from_str(text).map(Cow::Owned),
            Self::Value(value) => Ok(Cow::Borrowed(value)),
        }
    }

    /// As text that outlives this.
    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Value(Cow::Borrowed(value)) => crate::assertion::text_of(value),
            Self::Value(Cow::Owned(Value::String(text))) if !text.contains('\r') => Cow::Owned(text),
            Self::Value(Cow::Owned(value)) => Cow::Owned(crate::assertion::text_of(&value).into_owned()),
        }
    }
}

/// A part of a text, borrowed where the text is.
fn part(text: Cow<'_, str>, range: Range<usize>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(text) => Cow::Owned(text[range].to_owned()),
    }
}

/// Takes a part of what it is given.
pub trait Extractor: Send + Sync {
    /// The part, or why there is none. No match is never an empty text.
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String>;

    /// As the first of a chain, what it takes from the response instead; nothing for those that look at text.
    fn begin<'a>(&self, response: &'a Response) -> Option<Result<Subject<'a>, String>> {
        let _ = response;
        None
    }
}

/// A kind of extractor.
#[derive(Debug, Clone, Copy)]
pub struct ExtractorKind {
    /// The key that names it.
    pub name: &'static str,
    /// One line: takes what.
    pub summary: &'static str,
    /// What stands behind the key (first), and the other keys of its table.
    pub parameters: &'static [Parameter],
    /// An example that finds something.
    pub finds: ExtractExample,
    /// An example that finds nothing, or something else for a kind that always finds something.
    pub misses: ExtractExample,
    /// Builds it from its table.
    pub build: fn(&ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic>,
}

/// What an extractor takes from an output, to be shown and to be run by a test.
#[derive(Debug, Clone, Copy)]
pub struct ExtractExample {
    /// The extractor's table, in TOML.
    pub table: &'static str,
    /// What the model said.
    pub output: &'static str,
    /// What is taken, as JSON; absent where there is nothing to extract.
    pub taken: Option<&'static str>,
}

/// A chain of extractors, built.
pub struct Chain {
    steps: Vec<ChainStep>,
}

struct ChainStep {
    extractor: Box<dyn Extractor>,
    missing_is_unscored: bool,
}

/// What a chain took from an output.
#[derive(Debug, Clone, PartialEq)]
pub enum Extraction<'a> {
    /// The text or value to look at.
    Found(Subject<'a>),
    /// Nothing to extract, and why.
    Missing {
        /// One line for people.
        reason: String,
        /// Whether that leaves assertions unscored instead of failed.
        unscored: bool,
    },
}

impl Chain {
    /// Builds a chain; no step at all for `"output"`.
    pub fn build(spec: &ExtractSpec) -> Result<Self, Diagnostic> {
        let steps = match spec {
            ExtractSpec::Output => &[][..],
            ExtractSpec::Chain(steps) => steps,
        };
        Ok(Self { steps: steps.iter().map(ChainStep::build).collect::<Result<_, _>>()? })
    }

    /// Takes what the chain describes from an output.
    pub fn take<'a>(&self, output: &'a str) -> Extraction<'a> {
        self.follow(Subject::of_output(output), &self.steps)
    }

    /// Takes what the chain describes from a response; its first step may look at more than the output.
    pub fn take_from<'a>(&self, response: &'a Response) -> Extraction<'a> {
        let first = self.steps.first().and_then(|step| Some((step, step.extractor.begin(response)?)));
        match first {
            None => self.take(&response.output),
            Some((_, Ok(subject))) => self.follow(subject, &self.steps[1..]),
            Some((step, Err(reason))) => Extraction::Missing { reason, unscored: step.missing_is_unscored },
        }
    }

    fn follow<'a>(&self, mut subject: Subject<'a>, steps: &[ChainStep]) -> Extraction<'a> {
        for step in steps {
            subject = match step.extractor.extract(subject) {
                Ok(subject) => subject,
                Err(reason) => return Extraction::Missing { reason, unscored: step.missing_is_unscored },
            };
        }
        Extraction::Found(subject)
    }
}

impl ChainStep {
    fn build(step: &ExtractStep) -> Result<Self, Diagnostic> {
        let Some(kind) = registry::EXTRACTORS.iter().find(|kind| kind.name == step.kind) else {
            let message = format!("there is no extractor `{}`", step.kind);
            let names = registry::EXTRACTORS.iter().map(|kind| kind.name);
            return Err(step.params.mistake(&step.kind, message).help(did_you_mean(&step.kind, names)));
        };
        Ok(Self { extractor: (kind.build)(step)?, missing_is_unscored: step.missing_is_unscored })
    }
}

/// The text behind an extractor's key.
fn text_argument(step: &ExtractStep) -> Result<&str, Diagnostic> {
    let problem = || step.params.mistake(&step.kind, format!("`{}` must be a text, not {}", step.kind, step.argument));
    step.argument.as_str().ok_or_else(problem)
}

/// For extractors without a choice: `{ trim = true }`.
fn only_true(step: &ExtractStep) -> Result<(), Diagnostic> {
    match step.argument {
        Value::Bool(true) => Ok(()),
        _ => Err(step
            .params
            .mistake(&step.kind, format!("`{}` is either `true` or left out, not {}", step.kind, step.argument))),
    }
}

/// Which of several matches is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Which {
    /// The first one.
    #[default]
    First,
    /// The last one.
    Last,
}

/// The parameters of an extractor that has none beside its argument.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParams {}

/// The parameter `which` alone.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichParams {
    #[serde(default)]
    which: Option<Which>,
}
