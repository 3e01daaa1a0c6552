//! Extractors: the stage before assertions, which takes the text or value to look at from an output. A kind is one file
//! here and one line in [`registry`].

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use serde_json::Value;

use crate::assertion::{Example, Parameter};

pub mod registry;

/// What the extractors took from an output.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject<'a> {
    /// Text, line ends as line feeds.
    Text(Cow<'a, str>),
    /// A JSON value.
    Value(Cow<'a, Value>),
}

/// Takes a part of what it is given.
pub trait Extractor: Send + Sync {
    /// The part, or why there is none. No match is never an empty text.
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String>;
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
    /// An example that finds something: the extractor's table in `params`, and what it takes as JSON in `response`.
    pub finds: Example,
    /// An example that finds nothing; absent for a kind that always finds something.
    pub misses: Option<Example>,
    /// Builds it from its table.
    pub build: fn(&ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic>,
}
