//! The report of a gate or a comparison: schema `promptgate.gate/1`. It grows, it never changes.

use serde::{Deserialize, Serialize};

use super::run::OrderSummary;
use crate::digest::Digest;
use crate::exit::ExitCode;
use crate::gate::{Scope, Sequential};
use crate::name::{CaseId, MetricName, ModelId, SuiteName};
use crate::price::NanoUsd;
use crate::record::MetricKind;
use crate::score::Tier;
use crate::verdict::{Requirement, Verdict};

/// The whole report; key order is the contract's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// `promptgate.gate/1`.
    pub schema: String,
    /// The suite.
    pub suite: SuiteName,
    /// The verdict; `null` for `compare`.
    pub verdict: Option<Verdict>,
    /// What is required; `null` for `compare`.
    pub requirement: Option<Requirement>,
    /// Whether it is met; `null` for `compare`.
    pub met: Option<bool>,
    /// The process's exit code as far as the verdict decides it.
    pub exit_code: ExitCode,
    /// What the verdict speaks about.
    pub scope: Scope,
    /// The seed.
    pub seed: u64,
    /// The plan digest.
    pub plan_digest: Digest,
    /// The policy digest; `null` for `compare`.
    pub policy_digest: Option<Digest>,
    /// The evidence digest.
    pub evidence_digest: Digest,
    /// The suite's own note and what was found before the first call (changed cases and the like).
    pub notes: Vec<String>,
    /// The suite's folder as the user named it.
    pub suite_path: String,
    /// One-sided confidence, each way.
    pub confidence: f64,
    /// Repeats per case.
    pub trials: u32,
    /// One per model and baseline.
    pub comparisons: Vec<Comparison>,
    /// What stopping early left undone; absent where nothing was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Saved>,
    /// What it cost.
    pub cost: Cost,
    /// What may differ between equal runs.
    pub volatile: GateVolatile,
}

/// Candidate against baseline on one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The model.
    pub model: ModelId,
    /// Whether it decides.
    pub tier: Tier,
    /// Its verdict; `null` for `compare`.
    pub verdict: Option<Verdict>,
    /// The reason code of a verdict that is no check's: `baseline_missing`, `cases_changed`, `shard_missing`,
    /// `wrong_version`, `judge_changed`, `max_missing`, `quota`, `nothing_answered`, `judge_out`, `skipped`,
    /// `baseline_old`, `stopped`.
    pub reason: Option<String>,
    /// The same in a sentence for people; `null` where `reason` is.
    pub detail: Option<String>,
    /// What has to be another way for a comparison that is invalid, where the reason leaves that open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<Mend>,
    /// The largest draw among its trials; 2 and more were asked for by `--fresh`.
    pub draw: u32,
    /// Whether it meets the requirement and every output it rests on is bound to the prompt text by its digest.
    pub promotable: bool,
    /// Lines about this comparison, for people.
    pub notes: Vec<String>,
    /// The version held to; `null` for floors and rules alone.
    pub baseline: Option<SideReport>,
    /// The version judged.
    pub candidate: SideReport,
    /// How the cases pair.
    pub pairs: PairCounts,
    /// The checks, in the order of the policy; for `compare` one per metric.
    pub checks: Vec<CheckReport>,
    /// Slices that no check names and that look worse, by Benjamini and Hochberg at 0.10. They never block.
    pub look_here: Vec<SliceNote>,
    /// The look at which it was judged, where the gate may stop early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
    /// The baseline against itself (`--aa`): how large differences are that mean nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<Noise>,
    /// Cases whose majority changed, broken ones first, then by id.
    pub flips: Vec<Flip>,
}

/// What makes a comparison possible that is invalid for a reason which several things can mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mend {
    /// Calls are forbidden (`--no-run`), and what is not on record has to be asked for.
    AllowCalls,
    /// The candidate is a stored run that no longer fits: the version itself has to be answered.
    AnswerCandidate,
}

impl Comparison {
    /// Whether it is undecided because there was nothing to look at: no weaker requirement is met by that.
    pub fn looked_at_nothing(&self) -> bool {
        let open = |check: &&CheckReport| check.tier == Tier::Critical && check.verdict == Some(Verdict::Inconclusive);
        let nothing = |reason: &str| reason.starts_with("no_data") || reason.starts_with("unscored");
        self.checks.iter().filter(open).any(|check| nothing(&check.reason))
    }

    /// Whether it meets a requirement by itself; `None` without a verdict.
    pub fn meets(&self, requirement: Requirement) -> Option<bool> {
        self.verdict.map(|verdict| requirement.is_met_by(verdict, self.looked_at_nothing()))
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideReport {
    /// How the user named it.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The version digest.
    pub digest: Digest,
    /// Trials planned on this model.
    pub trials: u64,
    /// Of these, errored.
    pub errored: u64,
    /// Whether nothing came back from the model on any side: its time-outs are missing then, and count among the errored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// Calls without an answer, those that confirm a broken case included: the same command asks for them again.
    #[serde(default, skip_serializing_if = "crate::answer::is_zero")]
    pub unanswered: u64,
    /// Calls with an answer that could not be scored.
    #[serde(default, skip_serializing_if = "crate::answer::is_zero")]
    pub unscored: u64,
    /// One per assertion that judges preferences in both orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub both_orders: Vec<OrderSummary>,
}

/// How the cases pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounts {
    /// Pairs with an outcome on both sides.
    pub complete: u64,
    /// Planned pairs the baseline did not answer.
    pub missing_baseline: u64,
    /// Planned pairs the candidate did not answer.
    pub missing_candidate: u64,
    /// Cases of a stored baseline that were edited or removed since.
    pub changed_cases: u64,
}

/// One check. Exactly one of `metric` and `rule` is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The metric.
    pub metric: Option<MetricName>,
    /// The rule.
    pub rule: Option<String>,
    /// The slice or the rule's cases, as `tag=vip`; `null` for all.
    pub slice: Option<String>,
    /// Whether it decides.
    pub tier: Tier,
    /// `binary`, `score`, `ratio` or `rule`.
    pub kind: CheckKind,
    /// The metric's own direction.
    pub better: Better,
    /// Complete pairs it rests on (floors: the candidate's cases; rules: the selected cases).
    pub n: u64,
    /// Clusters among them; `null` where no case has one.
    pub clusters: Option<u64>,
    /// The baseline's value in natural units.
    pub baseline: Option<f64>,
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// Candidate minus baseline; for a ratio, ratio - 1; `null` for floors, ceilings and rules.
    pub difference: Option<f64>,
    /// The two-sided interval of the difference.
    pub interval: Option<[f64; 2]>,
    /// Its level: 0.90 at confidence 0.95, draw 1.
    pub interval_level: Option<f64>,
    /// The largest drop (rise, for ratios) not ruled out, as a positive number in the metric's unit.
    pub ruled_out: Option<f64>,
    /// -m for `allowed_drop`, +m for `allowed_rise`, the value of `min` or `max`, `max_broken` (`must-pass`: 0).
    pub limit: Option<f64>,
    /// Which key set the limit: `allowed_drop`, `allowed_rise`, `min`, `max`, `max_broken`.
    pub limit_key: Option<String>,
    /// The one-sided p of "the candidate is worse".
    pub p_value: Option<f64>,
    /// The same after Holm over the critical checks of the comparison.
    pub p_value_adjusted: Option<f64>,
    /// Cases the baseline failed and the candidate passed, by majority of trials.
    pub fixed: Option<u64>,
    /// Cases the baseline passed and the candidate failed.
    pub broken: Option<u64>,
    /// The methods that decided.
    pub method: CheckMethod,
    /// `null` for `compare` and for an advisory check without a limit.
    pub verdict: Option<Verdict>,
    /// Why, in words, with the reason code first where there is one.
    pub reason: String,
    /// Cases in all that would settle an inconclusive check 4 times in 5 if there is no real drop.
    pub cases_needed: Option<u64>,
    /// The cases a rule found broken or failing, by id; empty for metric checks.
    pub cases: Vec<CaseId>,
}

impl CheckReport {
    /// A check about which nothing is known yet.
    pub fn blank(tier: Tier, kind: CheckKind, better: Better) -> Self {
        Self {
            metric: None,
            rule: None,
            slice: None,
            tier,
            kind,
            better,
            n: 0,
            clusters: None,
            baseline: None,
            candidate: None,
            difference: None,
            interval: None,
            interval_level: None,
            ruled_out: None,
            limit: None,
            limit_key: None,
            p_value: None,
            p_value_adjusted: None,
            fixed: None,
            broken: None,
            method: CheckMethod::default(),
            verdict: None,
            reason: String::new(),
            cases_needed: None,
            cases: Vec::new(),
        }
    }
}

/// The kind of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// On 0/1 outcomes.
    Binary,
    /// On scores in 0..=1.
    Score,
    /// On positive amounts.
    Ratio,
    /// On cases, without statistics.
    Rule,
}

impl From<MetricKind> for CheckKind {
    fn from(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Binary => Self::Binary,
            MetricKind::Score => Self::Score,
            MetricKind::Ratio => Self::Ratio,
        }
    }
}

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// The methods of a check, by the names of gate.md, section 4.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckMethod {
    /// What could block: `McNemar mid-p`, `sign flip`, `cluster sign flip`, `rule`, `value`.
    pub block: Option<String>,
    /// What could pass: `Tango`, `Hall and guard`, `CR1 t`, `rule`, `value`.
    pub pass: Option<String>,
}

/// A look of a gate that may stop early.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// How it looks.
    pub method: Sequential,
    /// Which look it was, from 1.
    pub look: u64,
    /// Looks planned.
    pub looks: u64,
    /// Units (cases, or clusters) looked at.
    pub units: u64,
    /// Units planned.
    pub planned: u64,
    /// The one-sided level of this look alone.
    pub level: f64,
    /// Whether the comparison was settled at it.
    pub settled: bool,
}

/// What stopping early left undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Trials that were planned and not asked.
    pub trials: u64,
    /// Trials planned.
    pub planned: u64,
    /// About what they would have cost, by the mean of those asked; `null` where no cost is known.
    pub nano_usd: Option<u64>,
}

/// One metric of the baseline against itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// The metric.
    pub metric: MetricName,
    /// Its kind.
    pub kind: CheckKind,
    /// Complete pairs.
    pub n: u64,
    /// Second side minus first, or ratio - 1.
    pub difference: Option<f64>,
    /// Its two-sided interval.
    pub interval: Option<[f64; 2]>,
    /// Its level.
    pub interval_level: Option<f64>,
    /// The share of pairs that differ at all.
    pub discordant: f64,
    /// The standard deviation of a pair's difference, for planning; of the log ratio for ratios.
    pub sd: Option<f64>,
}

/// A slice that no check names and that looks worse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceNote {
    /// The slice.
    pub slice: String,
    /// The metric.
    pub metric: MetricName,
    /// Pairs in it.
    pub n: u64,
    /// Candidate minus baseline.
    pub difference: f64,
    /// The p, adjusted by Benjamini-Hochberg.
    pub p_value_adjusted: f64,
}

/// A case whose majority changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    /// The case.
    pub case: CaseId,
    /// Passed over usable trials on the baseline, e.g. `3/3`.
    pub baseline: String,
    /// The same on the candidate.
    pub candidate: String,
}

/// What a run cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Known cost of all answers the report rests on, in nano-dollars.
    pub nano_usd: NanoUsd,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Known cost of judging, in nano-dollars.
    pub judge_nano_usd: NanoUsd,
    /// Answers whose cost is not known.
    pub unpriced: u64,
    /// Replies of judges whose cost is not known.
    #[serde(default, skip_serializing_if = "crate::answer::is_zero")]
    pub judge_unpriced: u64,
}

/// What may differ between equal runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateVolatile {
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
