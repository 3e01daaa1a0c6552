//! The report of one run: schema `promptgate.run/1`. It grows, it never changes.

use serde::{Deserialize, Serialize};

use super::gate::Cost;
use super::words;
use crate::digest::Digest;
use crate::exit::ExitCode;
use crate::name::{CaseId, MetricName, ModelId, SuiteName};
use crate::plan::Partition;
use crate::price::NanoUsd;
use crate::prompt::VersionIdentity;
use crate::record::MetricKind;
use crate::score::{BothOrders, Outcome, Tier};

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// `promptgate.run/1`.
    pub schema: String,
    /// The suite.
    pub suite: SuiteName,
    /// 0 when nothing failed, 100 when a case did, 104 when too many went unanswered.
    pub exit_code: ExitCode,
    /// What it is beside the failed cases: 104 or 102. Absent where no case failed, and where 100 is all there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code_no_fail: Option<ExitCode>,
    /// The seed.
    pub seed: u64,
    /// The plan digest.
    pub plan_digest: Digest,
    /// The evidence digest.
    pub evidence_digest: Digest,
    /// The share of the plan, when it is not all of it.
    pub partition: Option<Partition>,
    /// The suite's own note and what was found before the first call.
    pub notes: Vec<String>,
    /// The suite's folder as the user named it.
    pub suite_path: String,
    /// Cases in this run's share.
    pub cases: u64,
    /// Repeats per case.
    pub trials: u32,
    /// One per version and model, in plan order.
    pub sides: Vec<SideSummary>,
    /// What failed or errored first in plan order, at most [`RunReport::FAILURES`] of them.
    pub failures: Vec<CaseFailure>,
    /// How many failed or errored in all.
    pub failures_total: u64,
    /// What it cost.
    pub cost: Cost,
    /// What may differ between equal runs.
    pub volatile: RunVolatile,
}

impl RunReport {
    /// What the command ends with under `--no-fail`: that a case failed counts as nothing then, an outage does not.
    pub fn no_fail(&self) -> ExitCode {
        match self.exit_code {
            ExitCode::Failed => self.exit_code_no_fail.unwrap_or(ExitCode::Done),
            code => code,
        }
    }

    /// How many failures a report lists; `jsonl`, `csv` and `junit` list every trial.
    pub const FAILURES: usize = 200;

    /// How many tags, or values of a field, are looked at; a data set where every case has its own has no groups.
    pub const TAGS: usize = 256;
}

/// One version on one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideSummary {
    /// How the user named the version.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Which version it is.
    pub version: VersionIdentity,
    /// The model.
    pub model: ModelId,
    /// Whether the model's result decides the exit code.
    pub tier: Tier,
    /// Cases by majority of their trials' outcomes.
    pub cases: CaseCounts,
    /// Trials by outcome.
    pub trials: CaseCounts,
    /// How far the trials of a case agree; absent with one trial, and where no case has all of its trials decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<RepeatSummary>,
    /// `pass_rate` first, then the suite's metrics, then the reserved amounts that were measured.
    pub metrics: Vec<MetricSummary>,
    /// One per tag of the cases, by name; at most [`RunReport::TAGS`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagSummary>,
    /// One per field of the suite's `[report] by`, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldSummary>,
    /// One per assertion name.
    pub assertions: Vec<AssertionSummary>,
    /// One per assertion that chooses one of a few labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelSummary>,
    /// One per assertion that judges preferences in both orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub both_orders: Vec<OrderSummary>,
    /// Answers not tied to the prompt text.
    pub unbound: u64,
    /// Returned model names that differ from the one asked for.
    pub returned_models: Vec<String>,
    /// Every model that the provider said it answered as, by name, with how many answers; absent where it said none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered_by: Vec<AnsweredBy>,
}

/// A model by the name that came back with answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredBy {
    /// The name; [`OTHERS`](Self::OTHERS) for all that are not told apart.
    pub model: String,
    /// Answers that bear it.
    pub answers: u64,
}

impl AnsweredBy {
    /// Stands for the models beyond the first 16.
    pub const OTHERS: &'static str = "others";

    /// A fragment for people: `answered by 2 models: a (1,200), b (3)`.
    pub fn sentence(told: &[Self]) -> String {
        let each = |by: &Self| format!("{} ({})", Self::short(&by.model), words::thousands(by.answers));
        let list: Vec<String> = told.iter().map(each).collect();
        let more = told.last().is_some_and(|last| last.model == Self::OTHERS);
        let models = match told.len() as u64 {
            listed if more => format!("more than {} models", listed - 1),
            listed => words::counted(listed, "model", "models"),
        };
        format!("answered by {models}: {}", list.join(", "))
    }

    /// A name cut to 80 characters: a provider may send anything.
    pub fn short(model: &str) -> String {
        words::cut(model, 80)
    }
}

/// What repeats of a case come to, over the cases whose trials all passed or failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepeatSummary {
    /// Repeats of each case.
    pub k: u32,
    /// Cases.
    pub n: u64,
    /// Share of cases that pass at least once in k trials.
    pub pass_at_k: f64,
    /// Share of cases that pass in all k trials.
    pub pass_hat_k: f64,
    /// Share of cases that pass in at least 1, 2, ... k trials.
    #[serde(default)]
    pub at_least: Vec<f64>,
    /// Share of cases that pass in more than half of their trials.
    #[serde(default)]
    pub majority: f64,
}

/// The labels that an assertion chose, over the trials that it decided. What is right and what is found is counted by
/// label: precision is the share of right ones among those found, recall among those expected, F1 their harmonic mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelSummary {
    /// The assertion's name.
    pub assertion: String,
    /// Trials.
    pub n: u64,
    /// Share of trials with the right label; absent where nothing says which is right, as are all that rest on it.
    pub accuracy: Option<f64>,
    /// The mean F1 over the labels that are expected.
    pub macro_f1: Option<f64>,
    /// By label, those that are expected first.
    pub labels: Vec<LabelCounts>,
    /// How often each label was found where each was expected; what never occurred is left out.
    pub confusion: Vec<Confused>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelCounts {
    /// The label.
    pub label: String,
    /// Trials that expect it.
    pub expected: u64,
    /// Trials that found it.
    pub found: u64,
    /// Trials that did both.
    pub correct: u64,
    /// `correct / found`; absent where it was never found.
    pub precision: Option<f64>,
    /// `correct / expected`; absent where it is never expected.
    pub recall: Option<f64>,
    /// `2 correct / (found + expected)`; absent where it is never expected.
    pub f1: Option<f64>,
}

/// One cell of a confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confused {
    /// The right label; `null` where nothing says which is right.
    pub expected: Option<String>,
    /// The label found; `null` for none, or for a text that is no label.
    pub found: Option<String>,
    /// Trials.
    pub n: u64,
}

/// Counts by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseCounts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Errored.
    pub errored: u64,
    /// Skipped.
    pub skipped: u64,
}

/// One metric of one side, with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    /// Its name.
    pub name: MetricName,
    /// Its kind.
    pub kind: MetricKind,
    /// Cases it rests on.
    pub n: u64,
    /// Cases it could not be taken on (unscored, missing, not measured).
    pub missing: u64,
    /// The mean over cases of the trial averages; absent when nothing was measured.
    pub value: Option<f64>,
    /// Wilson for a pass rate, t for a mean, CR1 with clusters; absent below two cases.
    pub interval: Option<Interval>,
    /// For amounts: the sum over trials.
    pub total: Option<f64>,
    /// For amounts: the median over trials.
    pub p50: Option<f64>,
    /// For amounts: the 95th percentile over trials.
    pub p95: Option<f64>,
    /// For scores: how the cases' means spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// For scores of several trials: the mean over cases of other ways to make one of a case's trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduced: Option<Reduced>,
}

/// The metrics over the cases that carry a tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagSummary {
    /// The tag.
    pub tag: String,
    /// `pass_rate`, the suite's metrics and the amounts, as far as they were taken on some of these cases.
    pub metrics: Vec<TagMetric>,
}

/// The metrics by the values of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSummary {
    /// The field, as a dotted path.
    pub field: String,
    /// One per value, by its text; the first [`RunReport::TAGS`] that came.
    pub values: Vec<ValueSummary>,
    /// Cases without a value.
    pub without: u64,
    /// Cases with a value that is not listed.
    pub left_out: u64,
}

/// The metrics over the cases with one value of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueSummary {
    /// The value as a text; a long one is cut and ends with its digest.
    pub value: String,
    /// As those of a tag; none where nothing was taken on these cases.
    pub metrics: Vec<TagMetric>,
}

/// One metric over some of the cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagMetric {
    /// Its name.
    pub name: MetricName,
    /// Cases it rests on.
    pub n: u64,
    /// The mean over them of the trial averages.
    pub value: f64,
}

/// How the scores of cases spread: quantiles of type 7 (linear between the two nearest).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The lowest.
    pub min: f64,
    /// The 5th percentile.
    pub p05: f64,
    /// The first quartile.
    pub p25: f64,
    /// The median.
    pub p50: f64,
    /// The third quartile.
    pub p75: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The highest.
    pub max: f64,
}

/// Means over cases of what the trials of each are reduced to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reduced {
    /// The worst trial.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The most frequent score; the lowest of several.
    pub mode: f64,
    /// The best trial.
    pub max: f64,
}

/// An interval with its two-sided level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// E.g. 0.95.
    pub level: f64,
}

/// One assertion over the trials of a side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssertionSummary {
    /// Its name.
    pub name: String,
    /// Whether it decides.
    pub tier: Tier,
    /// Trials it passed on.
    pub passed: u64,
    /// Trials it failed on.
    pub failed: u64,
    /// Trials it left unscored.
    pub unscored: u64,
}

/// How often the judges of an assertion changed their minds with the order of the two answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderSummary {
    /// The assertion's name.
    pub assertion: String,
    /// The counts over the trials.
    #[serde(flatten)]
    pub counts: BothOrders,
    /// `flipped / judged`.
    pub flip_rate: f64,
    /// How likely flips lean to one place at least as strongly where the place means nothing: the exact two-sided sign test
    /// of "prefers the first". Absent where none flips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_p_value: Option<f64>,
}

/// A trial that failed or errored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseFailure {
    /// The case.
    pub case: CaseId,
    /// How the user named the version.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The model.
    pub model: ModelId,
    /// The repeat, from 1.
    pub repeat: u32,
    /// `failed` or `errored`.
    pub outcome: Outcome,
    /// The assertion that decided, where it was one.
    pub assertion: Option<String>,
    /// What was expected, shortened.
    pub expected: Option<String>,
    /// What was found, shortened.
    pub found: Option<String>,
    /// Why, in one line.
    pub reason: String,
}

impl CaseFailure {
    /// The reason of a failure that `assertion`, `expected` and `found` tell by themselves.
    pub const NOT_PASSED: &str = "a critical assertion did not pass";
}

/// What may differ between equal runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunVolatile {
    /// The run's id.
    pub run: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// Calls made in this run, retries included.
    pub attempts: u64,
    /// Trials taken over from earlier runs and from the cache.
    pub reused: u64,
    /// Known cost of failed attempts, in nano-dollars; no part of what the answers cost.
    pub wasted_nano_usd: NanoUsd,
    /// Failed attempts whose cost is not known: calls that broke off, or have no known price.
    #[serde(default, skip_serializing_if = "crate::answer::is_zero")]
    pub wasted_unpriced: u64,
    /// The arguments behind `promptgate` that ask for the same again, stored answers included; absent where unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Notes that tell a time of the day: when a provider has room again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
