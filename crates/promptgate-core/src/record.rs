//! The record of a run: a header with all that is needed to reproduce it, and one settled trial per planned one.
//!
//! A stored run renders to the same report as the live one, so header and trials hold everything a report says: nothing
//! is looked up in the working tree again.

mod assertion;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::{Failure, Response, Usage};
use crate::digest::{Digest, DigestWriter};
use crate::gate::Policy;
use crate::name::{CaseId, MetricName, RunId, SuiteName};
use crate::plan::{Partition, PlannedModel, PlannedVersion, TrialKey};
use crate::price::{NanoUsd, Price};
use crate::score::Outcome;
use crate::selection::Selection;

pub use assertion::AssertionResult;

/// The schema of a run's file; a newer major version is refused.
pub const LOG_SCHEMA: &str = "promptgate.log/1";

/// The first line of a run's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// [`LOG_SCHEMA`].
    pub schema: String,
    /// What the run is for.
    pub purpose: Purpose,
    /// The suite.
    pub suite: SuiteName,
    /// The suite's folder as the user named it, for the lines that say what to do next.
    pub suite_path: String,
    /// The suite's own note, shown under every verdict.
    pub note: Option<String>,
    /// The plan digest; every partition carries it.
    pub plan_digest: Digest,
    /// The grading digest.
    pub grading: Digest,
    /// The versions.
    pub versions: Vec<PlannedVersion>,
    /// The models.
    pub models: Vec<PlannedModel>,
    /// Cases in the whole plan.
    pub cases: u64,
    /// Repeats per case.
    pub trials: u32,
    /// Calls that may be made on top of them, where a case is about to break a rule (`confirm`).
    #[serde(default, skip_serializing_if = "crate::plan::is_zero")]
    pub confirm: u32,
    /// Set where the gate may stop early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// Orders the run, seeds the statistics.
    pub seed: u64,
    /// The share of the plan this record holds, when it is not all of it.
    pub partition: Option<Partition>,
    /// `--filter`, which selected the plan's cases.
    pub filter: Option<Selection>,
    /// What models cost, by id, as far as that was known when the run was started: all answers of models under test are
    /// reckoned by it, those taken over too, so that both sides of a comparison are; judges' as they were asked. Absent in
    /// records that were made before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<BTreeMap<String, Price>>,
    /// The metrics the suite's assertions feed.
    pub metrics: Vec<MetricSpec>,
    /// The metric that each critical judge feeds, by whose labels it is told how far people checked what `pass_rate` rests
    /// on; `None` is of judges that feed no metric. Empty where no judge decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deciding_judges: Vec<Option<MetricName>>,
    /// The fields by whose values a report groups its metrics, or looks for what is worse, as dotted paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// The suite's assertions that choose one of several labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choosing: Vec<Choosing>,
    /// The selections of the gate (slices, rules); settled trials name them by index.
    pub selections: Vec<Selection>,
    /// The comparisons to be made; empty for `run`.
    pub comparisons: Vec<PlannedComparison>,
    /// The gate's policy; absent for `run` and `compare`.
    pub policy: Option<Policy>,
    /// Digest of the policy in force.
    pub policy_digest: Option<Digest>,
    /// Lines for every report: how the cases differ from the baseline's, what the suite warns of.
    pub notes: Vec<String>,
    /// Command-line settings that shaped the run, by flag, for reproducing it.
    pub settings: Map<String, Value>,
    /// What may differ between equal runs.
    pub volatile: HeaderVolatile,
}

impl RunHeader {
    /// The setting of a run that grades another one anew: the id of that one.
    pub const GRADES: &str = "score";

    /// The run that this one grades anew; nothing where it answers cases.
    pub fn grades(&self) -> Option<&str> {
        self.settings.get(Self::GRADES).and_then(Value::as_str)
    }

    /// Indices of one case on one side: its trials, and the calls that may be made on top of them.
    pub fn stride(&self) -> u64 {
        u64::from(self.trials.max(1)) + u64::from(self.confirm)
    }

    /// Indices of the whole plan.
    pub fn indices(&self) -> u64 {
        let sides = (self.versions.len() as u64).saturating_mul(self.models.len() as u64);
        sides.saturating_mul(self.cases).saturating_mul(self.stride())
    }

    /// The place of a trial's side, counted by version and model, and the position of its case in the plan.
    pub fn place(&self, trial: u64) -> (u64, u64) {
        let case = trial / self.stride();
        (case / self.cases.max(1), case % self.cases.max(1))
    }
}

/// What may differ between equal runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeaderVolatile {
    /// The run.
    pub run: RunId,
    /// When it started, RFC 3339, UTC.
    pub started: String,
    /// The version of promptgate that wrote it.
    pub promptgate: String,
    /// The arguments behind `promptgate` that ask for the same again; none where a run is no command's of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

/// An assertion that chooses one of several labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choosing {
    /// Its name.
    pub name: String,
    /// What its labels are held against.
    pub against: Against,
}

/// What the labels of an assertion are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The right label of the case, which is what the assertion expects.
    Expected,
    /// Nothing: there is no right one.
    Nothing,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// `run`: answers and scores.
    Run,
    /// `compare`: the numbers of a gate without a policy.
    Compare,
    /// `gate`: a verdict.
    Gate,
}

/// A comparison to be made: one model, one baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedComparison {
    /// Index into the models.
    pub model: usize,
    /// Index into the versions; absent for a gate of floors and rules alone.
    pub baseline: Option<usize>,
    /// Index into the versions.
    pub candidate: usize,
    /// Why there is no baseline, where the policy names one that cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_missing: Option<String>,
    /// Whether this is the baseline against itself: it shows the noise and is not judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
}

impl PlannedComparison {
    /// A comparison that is judged.
    pub fn new(model: usize, baseline: Option<usize>, candidate: usize) -> Self {
        Self { model, baseline, candidate, baseline_missing: None, control: false }
    }
}

/// A metric that the suite's assertions feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSpec {
    /// Its name.
    pub name: MetricName,
    /// Binary when exactly one pass/fail assertion without `when` feeds it.
    pub kind: MetricKind,
    /// Whether a model grades it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub judged: bool,
    /// The judged metric of which this is what people say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_of: Option<MetricName>,
    /// Why labels that people gave to what feeds it say nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlabelled: Option<Unlabelled>,
}

/// Why labels of people say nothing of a metric, although what feeds it has some: they are of one assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlabelled {
    /// Several assertions feed it.
    SeveralFeed,
    /// It is reckoned from others.
    Derived,
}

/// The metric that holds what people say of the outputs that a judged metric grades.
pub fn people_metric(judged: &MetricName) -> Option<MetricName> {
    MetricName::new(format!("{judged} (people)")).ok()
}

/// The kind of a metric; fixed by declaration, before any data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// 0 or 1 per trial.
    Binary,
    /// A score in 0..=1.
    Score,
    /// A positive amount.
    Ratio,
}

/// One trial as it came out: one line of a run's file and of the `jsonl` report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettledTrial {
    /// Its index in the whole plan.
    pub trial: u64,
    /// Index into the header's versions.
    pub version: usize,
    /// Index into the header's models.
    pub model: usize,
    /// The case.
    pub case: SettledCase,
    /// The repeat, from 1.
    pub repeat: u32,
    /// 1, then one more for each `--fresh` over the same key.
    pub draw: u32,
    /// The trial key, by which it is found again; absent for a trial that was skipped.
    pub key: Option<TrialKey>,
    /// The request digest; absent where nothing could be asked.
    pub request: Option<Digest>,
    /// How it came out.
    pub outcome: Outcome,
    /// Why it errored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TrialError>,
    /// What the model said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// What the model failed at, where the failure is its own (a time-out).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The weighted mean of the assertions that are scored; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The assertions, in the order of suite and case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<AssertionResult>,
    /// The value of each metric fed on this trial; `null` where it is unscored.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<MetricName, Option<f64>>,
    /// What the asks of assertions cost (judging), apart from the trial's own answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge_cost: Option<NanoUsd>,
    /// Replies to asks of assertions whose cost is not known.
    #[serde(default, skip_serializing_if = "crate::plan::is_zero")]
    pub judge_unpriced: u32,
    /// How the earlier draws of the same trial came out, graded as this one: rules and floors by value count them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierDraw>,
    /// What may differ between equal runs. It comes last, so that a trial's JSON begins with what it is evidence of.
    #[serde(default)]
    pub volatile: TrialVolatile,
}

impl SettledTrial {
    /// Whether asking again may settle it better: it has no answer, or no grade, since somebody was out.
    pub fn lacks_reply(&self) -> bool {
        let is_out = |result: &AssertionResult| result.scored.outage;
        matches!(self.error, Some(TrialError::Unanswered(_))) || self.assertions.iter().any(is_out)
    }

    /// The digest of what a trial's JSON is evidence of: its bytes as they are written, up to what may differ between equal
    /// runs. No text within it can look like the name of that member: a quote in a text has a backslash before it.
    pub fn digest_of(json: &str) -> Digest {
        let evidence = json.rsplit_once(",\"volatile\":{").map_or(json, |(evidence, _)| evidence);
        Digest::of_bytes(evidence.as_bytes())
    }
}

/// A trial that is not settled yet, as far as it was paid for: a line of a run's file, by which a resume asks for no answer
/// twice and forgets no money. The last line of a trial holds; what is settled needs none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BegunTrial {
    /// Its index in the whole plan.
    pub trial: u64,
    /// Which draw its answer is.
    pub draw: u32,
    /// The trial key.
    pub key: Option<TrialKey>,
    /// The request digest.
    pub request: Option<Digest>,
    /// What the model said; absent where it gave no answer before the run was broken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// What replies to asks of its assertions cost that no grade rests on yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<NanoUsd>,
    /// What was replied to questions that are asked once for all cases, by the digest of the request: a line of the file
    /// tells each, and it holds for the whole run, also once the trial is settled.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<Digest, Response>,
    /// Attempts, what was wasted, and where and when the answer was got.
    #[serde(default)]
    pub volatile: TrialVolatile,
}

impl BegunTrial {
    /// What its answer cost this run, as far as that is known.
    pub fn paid(&self) -> Option<NanoUsd> {
        let called = !self.volatile.kept && self.volatile.reused.is_none();
        self.response.as_ref().filter(|_| called)?.cost
    }
}

/// What a gate that may stop early looks at, unit by unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// Units in the plan: cases, or clusters of them.
    pub count: u64,
    /// Cases of the largest one.
    pub largest: u64,
}

/// An earlier draw of a trial that was answered anew on purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlierDraw {
    /// Which draw, from 1.
    pub draw: u32,
    /// The run that holds it.
    pub run: RunId,
    /// How it came out.
    pub outcome: Outcome,
    /// The value of each metric fed on it; `null` where it is unscored.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<MetricName, Option<f64>>,
    /// What it cost, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<NanoUsd>,
    /// Its tokens, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How long it took, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
}

/// What a report needs to know of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettledCase {
    /// The id.
    pub id: CaseId,
    /// The input digest by which the two sides pair.
    pub input: Digest,
    /// The cluster, where the case has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Which of the header's selections hold for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selections: Vec<u16>,
}

/// Why a trial errored. The two never mix: the first is missing, the second is unscored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialError {
    /// No answer, for reasons of infrastructure.
    Unanswered(Failure),
    /// A critical assertion could not be scored.
    Unscored {
        /// Its name.
        assertion: String,
        /// Why.
        reason: String,
    },
}

/// What may differ between equal runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrialVolatile {
    /// Calls made in this run.
    #[serde(default)]
    pub attempts: u32,
    /// What failed attempts cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted: Option<NanoUsd>,
    /// Failed attempts whose cost is not known: the model may have worked on them.
    #[serde(default, skip_serializing_if = "crate::plan::is_zero")]
    pub wasted_unpriced: u32,
    /// What its questions cost whose reply is the same for all cases, by the digest of the request: each is counted once in a
    /// run, however many trials tell it, unless it was called for more often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared: BTreeMap<Digest, NanoUsd>,
    /// Of these, how often this trial called a model: vectors and verdicts are kept by the cache alone, so without one equal
    /// texts are paid again. Which of several trials called is chance, so this is no evidence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paid: BTreeMap<Digest, u32>,
    /// The run whose answer was taken over, where no call was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused: Option<RunId>,
    /// Whether the answer was taken over from the cache, which tells no run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// When the answer was got, milliseconds since 1970.
    #[serde(default)]
    pub answered_ms: u64,
    /// When a question of its assertions came to nothing, milliseconds since 1970; its answer may be much older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_ms: Option<u64>,
    /// By field of the header's `by`, the groups that the case belongs to; a field without a value is left out. How a report
    /// is laid out is no evidence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

/// A trial read from a record, and the digest of its JSON there ([`SettledTrial::digest_of`]).
pub type Digested = Result<(SettledTrial, Digest), crate::port::PortError>;

/// The settled record of a run: every trial of its share of the plan, in plan order.
pub trait SettledRecord {
    /// The header.
    fn header(&self) -> &RunHeader;

    /// The trials, in plan order, read one at a time, each with its digest.
    fn digested(&self) -> Box<dyn Iterator<Item = Digested> + '_>;

    /// The trials alone.
    fn trials(&self) -> Box<dyn Iterator<Item = Result<SettledTrial, crate::port::PortError>> + '_> {
        Box::new(self.digested().map(|read| read.map(|(trial, _)| trial)))
    }

    /// The trial with this index in the whole plan, if it is settled. A record that can seek does better than to search.
    fn trial(&self, index: u64) -> Result<Option<SettledTrial>, crate::port::PortError> {
        let fits = |trial: &Result<SettledTrial, _>| trial.as_ref().map_or(true, |trial| trial.trial == index);
        self.trials().find(fits).transpose()
    }
}

/// A record that is held in memory, for tests and small folds.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordInMemory {
    /// The header.
    pub header: RunHeader,
    /// The trials, in plan order.
    pub trials: Vec<SettledTrial>,
}

impl SettledRecord for RecordInMemory {
    fn header(&self) -> &RunHeader {
        &self.header
    }

    fn digested(&self) -> Box<dyn Iterator<Item = Digested> + '_> {
        Box::new(self.trials.iter().map(|trial| {
            let json = serde_json::to_string(trial);
            let json = json.map_err(|error| crate::port::PortError::other("write a trial", error))?;
            Ok((trial.clone(), SettledTrial::digest_of(&json)))
        }))
    }
}

/// Builds the evidence digest from the digests of settled trials in plan order: the plan and what it came to; not attempts,
/// resumes, partition or clock.
pub struct EvidenceWriter(DigestWriter);

impl EvidenceWriter {
    /// Begins with the plan.
    pub fn new(header: &RunHeader) -> Self {
        let mut writer = DigestWriter::default();
        writer.line("promptgate.evidence/1");
        writer.line(&header.plan_digest);
        Self(writer)
    }

    /// Adds the digest of the next trial in plan order.
    pub fn trial(&mut self, digest: &Digest) {
        self.0.line(digest);
    }

    /// The evidence digest.
    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}
