//! What a suite says of an assertion and of an extractor, before the scoring crate builds it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Location};
use crate::name::MetricName;
use crate::nearest::{did_you_mean, slipped};
use crate::score::Tier;
use crate::selection::Selection;

/// The keys that every assertion has.
const KEYS: [&str; 8] = ["name", "not", "weight", "threshold", "extract", "metric", "tier", "when"];

/// One assertion as written: what every assertion has, and the parameters of its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssertionSpec {
    /// The registered kind, e.g. `contains`.
    pub kind: String,
    /// What reports call it; `kind#index` unless named. Unique in its list.
    pub name: String,
    /// Inverts a decided result.
    #[serde(default)]
    pub not: bool,
    /// Share in the weighted mean of its group and metric; > 0.
    #[serde(default = "one")]
    pub weight: f64,
    /// Score at or above which it passes; in (0, 1]. The kind's own where absent.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Where the text or value to look at comes from; the version's `promptgate.answer` where absent.
    #[serde(default)]
    pub extract: Option<ExtractSpec>,
    /// The metric it feeds.
    #[serde(default)]
    pub metric: Option<MetricName>,
    /// Whether it decides the case.
    #[serde(default)]
    pub tier: Tier,
    /// The cases it looks at; all where absent.
    #[serde(default)]
    pub when: Option<Selection>,
    /// The parameters of its kind.
    pub params: Params,
    /// The members of a set (`assert = [...]`); empty for other kinds.
    #[serde(default)]
    pub members: Vec<AssertionSpec>,
}

fn one() -> f64 {
    1.0
}

/// A chain of extractors, or the whole output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtractSpec {
    /// `"output"`: the whole text.
    Output,
    /// `{ json = "/queue" }`, or a list applied in order.
    Chain(Vec<ExtractStep>),
}

/// One extractor as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtractStep {
    /// The registered kind: the one key of the table that names an extractor.
    pub kind: String,
    /// What stands behind that key.
    pub argument: Value,
    /// The other keys of the table.
    pub params: Params,
    /// `on_missing = "unscored"`: no match is unscored instead of failed.
    #[serde(default)]
    pub missing_is_unscored: bool,
}

/// A table of parameters that remembers where each key stood.
///
/// Equality and the JSON form are those of the values alone: places are for messages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params {
    /// The values.
    pub values: Map<String, Value>,
    /// Where the table begins, if it came from a file.
    #[serde(skip)]
    pub at: Option<Location>,
    /// Where each key stands, by dotted path.
    #[serde(skip)]
    pub places: Vec<(String, Location)>,
}

impl PartialEq for Params {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Params {
    /// Values without a place.
    pub fn of(values: Map<String, Value>) -> Self {
        Self { values, at: None, places: Vec::new() }
    }

    /// Where a key stands, or else the table.
    pub fn place(&self, key: &str) -> Option<Location> {
        let found = self.places.iter().find(|(path, _)| path == key);
        found.map(|(_, location)| location.clone()).or_else(|| self.at.clone())
    }

    /// A mistake in a key, put at its place.
    pub fn mistake(&self, key: &str, message: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::new(message);
        match self.place(key) {
            Some(at) => diagnostic.at(at),
            None => diagnostic,
        }
    }

    /// Reads the table into a kind's own parameters. The type says `deny_unknown_fields`; an unknown key is answered with
    /// the nearest known one, any mistake with its place. `owner` is what the message calls the table: "`contains`".
    pub fn read<T: DeserializeOwned>(&self, owner: &str) -> Result<T, Diagnostic> {
        let value = Value::Object(self.values.clone());
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.inner().to_string();
            match unknown_field(&inner) {
                Some((unknown, known)) => {
                    let mistake = self.mistake(&unknown, format!("{owner} has no key `{unknown}`"));
                    mistake.help(nearest_key(&unknown, &known))
                }
                None if path == "." || path == "?" => self.mistake("", format!("{owner}: {inner}")),
                None => {
                    self.mistake(path.split(['.', '[']).next().unwrap_or(&path), format!("{owner}, `{path}`: {inner}"))
                }
            }
        })
    }
}

/// The key that was meant: the kind's own, or one that every assertion has.
fn nearest_key(unknown: &str, own: &[String]) -> String {
    let own = own.iter().map(String::as_str);
    match slipped(unknown, KEYS) {
        Some(name) => format!("did you mean `{name}`?"),
        None => did_you_mean(unknown, own),
    }
}

/// Reads serde's "unknown field `x`, expected one of `a`, `b`" (or "there are no fields").
pub fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some((unknown.to_owned(), known))
}
