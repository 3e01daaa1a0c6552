//! The grader: runs a suite's and a case's assertions on one answer and says how the trial came out. It never waits: an
//! assertion that asks makes the grading pending, and the caller resumes it with the replies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use promptgate_core::Diagnostics;
use promptgate_core::answer::{Failure, Response};
use promptgate_core::ask::{Ask, Reply};
use promptgate_core::assertion::{AssertionSpec, ExtractSpec};
use promptgate_core::case::Case;
use promptgate_core::digest::Digest;
use promptgate_core::name::MetricName;
use promptgate_core::port::{Tree, TreePath};
use promptgate_core::record::{AssertionResult, MetricSpec, TrialError};
use promptgate_core::score::Outcome;
use serde_json::Value;

use crate::assertion::AssertionKind;
use crate::assertion::registry::Kinds;

/// What a grader is made of.
pub struct GraderSpec<'a> {
    /// The suite's assertions.
    pub asserts: &'a [AssertionSpec],
    /// How the answer is read from each version's output, in the order of the plan's versions; the output where absent.
    pub answers: &'a [Option<ExtractSpec>],
    /// Where files that assertions name (schemas) are read.
    pub tree: Arc<dyn Tree>,
    /// The suite's folder in that tree.
    pub folder: TreePath,
}

/// Grades answers.
pub struct Grader {
    kinds: Kinds,
}

/// One answer to be graded.
#[derive(Debug, Clone)]
pub struct GradeInput {
    /// Index into the plan's versions.
    pub version: usize,
    /// The case.
    pub case: Arc<Case>,
    /// What the model said, or why there is nothing.
    pub response: Result<Arc<Response>, Failure>,
}

/// Where a grading is.
#[derive(Debug)]
pub enum Grading {
    /// Every assertion has decided.
    Done(Graded),
    /// Some assertions ask; one reply for each ask, in order, resumes them.
    Ask(Pending, Vec<Ask>),
}

/// A grading that waits for replies.
#[derive(Debug)]
pub struct Pending {
    input: GradeInput,
    askers: Vec<String>,
}

impl Pending {
    /// The name of the assertion that asks each ask, in the order of the asks.
    pub fn askers(&self) -> &[String] {
        &self.askers
    }

    /// The case that is graded.
    pub fn case(&self) -> &Case {
        &self.input.case
    }
}

/// How a trial came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    /// Passed, failed or errored.
    pub outcome: Outcome,
    /// Why it errored.
    pub error: Option<TrialError>,
    /// The weighted mean of the critical assertions that are scored.
    pub score: Option<f64>,
    /// The assertions that look at this case, in the order of suite and case.
    pub assertions: Vec<AssertionResult>,
    /// The value of each metric fed on this trial; `None` where it is unscored.
    pub metrics: BTreeMap<MetricName, Option<f64>>,
}

/// What looks at a case, known before anything runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveAssertions {
    /// Critical assertions, the case's own included.
    pub critical: usize,
    /// Advisory ones.
    pub advisory: usize,
    /// Metrics that the case's own assertions feed.
    pub metrics: BTreeSet<MetricName>,
    /// Digests of the files that the case's own assertions read, by path; they belong to the grading digest.
    pub files: BTreeMap<String, Digest>,
}

impl Grader {
    /// A grader of the shipped kinds. Every mistake in the suite's assertions is found here.
    pub fn new(spec: GraderSpec<'_>) -> Result<Self, Diagnostics> {
        Self::with_kinds(spec, &[])
    }

    /// A grader that knows some more kinds.
    pub fn with_kinds(spec: GraderSpec<'_>, added: &[&'static AssertionKind]) -> Result<Self, Diagnostics> {
        let _ = spec;
        Ok(Self { kinds: Kinds::with(added) })
    }

    /// Which assertions look at a case, or what is wrong with it: its own assertions, and names its values lack. Called
    /// for every case of a plan before anything runs.
    pub fn check_case(&self, case: &Case) -> Result<LiveAssertions, Diagnostics> {
        let _ = (&self.kinds, case);
        Ok(LiveAssertions::default())
    }

    /// The metrics of the run. `case_level` are those that cases' own assertions feed ([`LiveAssertions::metrics`]).
    pub fn metrics(&self, case_level: &BTreeSet<MetricName>) -> Vec<MetricSpec> {
        let _ = case_level;
        Vec::new()
    }

    /// Grades one answer.
    pub fn grade(&self, input: GradeInput) -> Grading {
        Grading::Ask(Pending { input, askers: Vec::new() }, Vec::new())
    }

    /// Grades a batch on all cores; the results are in the order of the inputs.
    pub fn grade_batch(&self, inputs: Vec<GradeInput>) -> Vec<Grading> {
        inputs.into_iter().map(|input| self.grade(input)).collect()
    }

    /// Goes on with the replies to the asks, in their order.
    pub fn resume(&self, pending: Pending, replies: Vec<Reply>) -> Grading {
        let _ = replies;
        self.grade(pending.input)
    }

    /// What the suite's assertions contribute to the grading digest: kinds, parameters, the files they read. The
    /// versions' answers are left out, since they are in the version digests.
    pub fn digest_material(&self) -> Value {
        Value::Null
    }
}
