//! The shape of a registered kind: what `promptgate list` and the reference pages print, two examples that a test runs,
//! and how it is built.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::name::ModelId;
use promptgate_core::port::TreeError;
use promptgate_core::suite::SuiteJudge;
use promptgate_core::{Diagnostic, Diagnostics, Digest};

use super::Assertion;
use super::accepted::Accepted;
use super::files::{FileOf, Files};
use super::registry::Kinds;
use super::schema::Schema;

/// A kind of assertion.
#[derive(Debug, Clone, Copy)]
pub struct AssertionKind {
    /// What `kind = "..."` says.
    pub name: &'static str,
    /// One line: passes when.
    pub summary: &'static str,
    /// What it may ask.
    pub cost: CostClass,
    /// What it yields; the parameters decide, never the data.
    pub yields: fn(&AssertionSpec) -> Yields,
    /// Its own parameters, beside what every assertion has.
    pub parameters: &'static [Parameter],
    /// An example that passes.
    pub passes: Example,
    /// An example that fails.
    pub fails: Example,
    /// Builds it from its parameters.
    pub build: Build,
}

/// Builds an assertion from its parameters, or says what is wrong with them.
pub type Build = fn(&AssertionSpec, &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics>;

/// What a kind may ask, the cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostClass {
    /// Nothing.
    Pure,
    /// Vectors, moderation, log probabilities; nothing is graded.
    Provider,
    /// A model that grades.
    Judge,
    /// A program or an endpoint; off unless allowed.
    Exec,
}

impl CostClass {
    /// The word in lists and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::Provider => "provider",
            Self::Judge => "judge",
            Self::Exec => "exec",
        }
    }
}

/// What an assertion yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Yields {
    /// Pass or fail: score 1 or 0.
    PassFail,
    /// A score in 0..=1.
    Score,
}

impl Yields {
    /// The words in lists and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PassFail => "pass/fail",
            Self::Score => "score",
        }
    }
}

/// A parameter of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The key.
    pub name: &'static str,
    /// One line of what it means, with its default.
    pub doc: &'static str,
}

/// A small trial, to be shown and to be run by a test.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The keys of the table as a suite would say them, in TOML.
    pub params: &'static str,
    /// What the model said.
    pub output: &'static str,
    /// The rest of the response, as JSON; `{}` where it does not matter.
    pub response: &'static str,
    /// What the case says, as JSON; `{}` where it does not matter.
    pub case: &'static str,
    /// What those it asks reply, a list of lists in JSON: one list a round, a reply as text or as JSON; `[]` where it asks
    /// nothing.
    pub replies: &'static str,
}

impl Example {
    /// An example in which nothing else matters.
    pub const fn of(params: &'static str, output: &'static str) -> Self {
        Self { params, output, response: "{}", case: "{}", replies: "[]" }
    }

    /// The same with more of the response.
    #[must_use]
    pub const fn response(self, response: &'static str) -> Self {
        Self { response, ..self }
    }

    /// The same with a case.
    #[must_use]
    pub const fn case(self, case: &'static str) -> Self {
        Self { case, ..self }
    }

    /// The same with replies to what it asks.
    #[must_use]
    pub const fn replies(self, replies: &'static str) -> Self {
        Self { replies, ..self }
    }
}

/// What building may look at beside the parameters.
#[derive(Clone, Copy)]
pub struct BuildContext<'a> {
    pub(crate) kinds: &'a Kinds,
    pub(crate) files: &'a Files,
    /// The models that assertions may ask, the one asked by default first.
    pub(crate) judges: &'a [SuiteJudge],
    /// Digests of the files read while building, by path.
    pub(crate) read: &'a RefCell<BTreeMap<String, Digest>>,
    /// What is no mistake and likely not meant.
    pub(crate) warnings: &'a RefCell<Vec<Diagnostic>>,
    /// How many sets this assertion stands in.
    pub(crate) depth: usize,
    /// Whether the sets around it turn its decision around.
    pub(crate) inverted: bool,
    /// Whether the sets around it make a score of its score, and not of its pass or fail alone.
    pub(crate) score_counts: bool,
}

impl BuildContext<'_> {
    /// Takes the digest of a judge into the grading: another judge grades anew.
    pub(crate) fn note_judge(&self, assertion: &str, digest: Digest) {
        self.read.borrow_mut().insert(format!("judge of {assertion}"), digest);
    }

    /// The model that is asked: the one an assertion names, or the suite's first judge.
    pub(crate) fn asked_model(&self, named: Option<ModelId>) -> Option<ModelId> {
        named.or_else(|| self.judges.first().map(|judge| judge.id.clone()))
    }

    /// The suite's folder, from the project's root.
    pub(crate) fn folder(&self) -> String {
        self.files.folder().to_string()
    }

    /// The text of a file, by its path from the suite's folder. Its digest belongs to the grading.
    pub(crate) fn text_file(&self, path: &str) -> Result<String, String> {
        self.text(path).map_err(|error| error.to_string())
    }

    /// The same of a file that need not be there.
    pub(crate) fn text_file_if_any(&self, path: &str) -> Result<Option<String>, String> {
        match self.text(path) {
            Ok(text) => Ok(Some(text)),
            Err(TreeError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn text(&self, path: &str) -> Result<String, TreeError> {
        let text = self.files.text(path)?;
        self.read.borrow_mut().insert(path.to_owned(), Digest::of_bytes(text.as_bytes()));
        Ok(text)
    }

    /// Takes the digest of a file into the grading, if it is one of the suite's.
    pub(crate) fn note_file(&self, path: &str) {
        if let Some(digest) = self.files.digest(path.strip_prefix("./").unwrap_or(path)) {
            self.read.borrow_mut().insert(path.to_owned(), digest);
        }
    }

    /// Tells what is likely a slip in a schema, each once: several assertions may read one file. `key` is where a schema that
    /// is no file stands.
    pub(crate) fn warn_of_schema(&self, spec: &AssertionSpec, key: &str, schema: &Schema) {
        let mut told = self.warnings.borrow_mut();
        for warning in schema.warnings() {
            let at = warning.at.clone().or_else(|| spec.params.place(key));
            let warning = Diagnostic { at, ..warning.clone() };
            if !told.contains(&warning) {
                told.push(warning);
            }
        }
    }

    /// The JSON Schema in a file, by its path from the suite's folder.
    pub(crate) fn schema_file(&self, path: &str) -> Result<Arc<Schema>, String> {
        self.noted(path, self.files.schema(path))
    }

    /// The accepted outputs in a file, by its path from the suite's folder; none where there is no file yet.
    pub(crate) fn accepted_file(&self, path: &str) -> Result<Arc<Accepted>, String> {
        self.noted(path, self.files.accepted(path))
    }

    /// The content of a file that was read, its digest being noted.
    fn noted<T>(&self, path: &str, file: FileOf<T>) -> Result<Arc<T>, String> {
        if let Some(digest) = file.digest {
            self.read.borrow_mut().insert(path.to_owned(), digest);
        }
        file.content
    }
}

/// For kinds that always pass or fail.
pub(super) fn pass_fail(_: &AssertionSpec) -> Yields {
    Yields::PassFail
}

/// For kinds that yield a score where a `threshold` is given.
pub(super) fn score_with_threshold(spec: &AssertionSpec) -> Yields {
    if spec.threshold.is_some() { Yields::Score } else { Yields::PassFail }
}

/// For kinds that always yield a score.
pub(super) fn score(_: &AssertionSpec) -> Yields {
    Yields::Score
}
