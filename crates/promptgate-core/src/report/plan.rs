//! The report of `plan`: what a gate would call, cost and be able to tell, before any call. Schema `promptgate.plan/1`. It
//! grows, it never changes.

use serde::{Deserialize, Serialize};

use super::CheckKind;
use crate::digest::Digest;
use crate::gate::Scope;
use crate::name::{MetricName, ModelId, SuiteName};
use crate::price::NanoUsd;
use crate::score::Tier;
use crate::verdict::Requirement;

/// The schema of a plan's report.
pub const PLAN_SCHEMA: &str = "promptgate.plan/1";

/// The whole report; key order is the contract's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    /// [`PLAN_SCHEMA`].
    pub schema: String,
    /// The suite.
    pub suite: SuiteName,
    /// Its folder as the user named it.
    pub suite_path: String,
    /// The plan digest, which a run of this plan carries.
    pub plan_digest: Digest,
    /// Cases of the plan.
    pub cases: u64,
    /// Clusters among them; `null` where no two cases share one.
    pub clusters: Option<u64>,
    /// Repeats per case.
    pub trials: u32,
    /// What the gate speaks about; `null` without a gate.
    pub scope: Option<Scope>,
    /// What it requires; `null` without a gate.
    pub requirement: Option<Requirement>,
    /// One-sided confidence, each way; `null` without a gate.
    pub confidence: Option<f64>,
    /// The version judged.
    pub candidate: PlanSide,
    /// The versions held to.
    pub baselines: Vec<PlanSide>,
    /// Where the answers of all models come from.
    pub calls: PlanCalls,
    /// What the calls of all models take.
    pub spend: Spend,
    /// One per model.
    pub models: Vec<PlanModel>,
    /// The calibration that was found, and whether its figures are used; `null` where there is none.
    pub calibration: Option<CalibrationUse>,
    /// What was found before the first call.
    pub notes: Vec<String>,
    /// What to do next.
    pub next: Vec<PlanStep>,
}

/// Something to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// The arguments behind `promptgate`.
    pub command: Vec<String>,
    /// What it is good for.
    pub words: String,
}

/// A version of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSide {
    /// How the user named it.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The version digest.
    pub digest: Digest,
}

/// Where answers come from. The others add up to `trials`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCalls {
    /// Trials of the plan.
    pub trials: u64,
    /// Stored by earlier runs, a stored baseline among them, or kept in the cache.
    pub stored: u64,
    /// Replayed from recordings.
    pub replayed: u64,
    /// To be called for.
    pub to_call: u64,
}

/// What the calls of a plan take. What is not known is `null`, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spend {
    /// Tokens sent.
    pub input_tokens: Option<u64>,
    /// Where that comes from: `measured` by answers of the same model, or `assumed` at 4 characters a token.
    pub input_basis: Basis,
    /// Characters a token that were reckoned with.
    pub characters_per_token: f64,
    /// Tokens written.
    pub output_tokens: Option<u64>,
    /// Where that comes from.
    pub output_basis: Basis,
    /// In nano-dollars; an upper limit where `output_basis` is `at_most`.
    pub nano_usd: Option<NanoUsd>,
    /// Why the dollars are not known: `price`, `output_tokens`.
    pub unknown: Option<Unknown>,
}

/// What a figure of a plan rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Stored or recorded answers of the same model.
    Measured,
    /// A stated ratio.
    Assumed,
    /// The most that the parameters allow.
    AtMost,
    /// Nothing: the figure is `null`.
    Unknown,
}

/// What is missing for a sum in dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// The price of a model.
    Price,
    /// How long the answers will be.
    OutputTokens,
}

/// One model of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanModel {
    /// The model.
    pub model: ModelId,
    /// Whether it decides.
    pub tier: Tier,
    /// The cases it answers.
    pub cases: u64,
    /// Clusters among them.
    pub clusters: Option<u64>,
    /// Where its answers come from.
    pub calls: PlanCalls,
    /// What its calls take.
    pub spend: Spend,
    /// What the gate's checks can tell on it, in the order of the policy.
    pub checks: Vec<PlanCheck>,
}

/// What one check can tell. Exactly one of `metric` and `rule` is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanCheck {
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
    /// -m for `allowed_drop`, +m for `allowed_rise`, the value of `min` or `max`, `max_broken` (`must-pass`: 0).
    pub limit: Option<f64>,
    /// Which key set the limit.
    pub limit_key: Option<String>,
    /// The cases it is about.
    pub cases: u64,
    /// Clusters among them.
    pub clusters: Option<u64>,
    /// The level a drop must reach to block: the gate's, divided among its critical statistical checks.
    pub level: Option<f64>,
    /// What it takes to pass at all without a gain; `null` where there is no such size.
    pub fewest: Option<Fewest>,
    /// What it can tell, by how much two runs of one version differ.
    pub scenarios: Vec<Scenario>,
    /// Cases to pass 4 times in 5, by the repeats a case has; from a calibration, for checks on more than these cases.
    pub repeats: Vec<RepeatsChoice>,
    /// How often a rule blocks although nothing changed.
    pub flakes: Vec<Flake>,
    /// The same for people.
    pub words: Vec<String>,
}

/// The smallest evidence with which a check passes when nothing changed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fewest {
    /// What is counted.
    pub unit: Unit,
    /// How many it takes.
    pub needed: u64,
    /// How many there are.
    pub have: u64,
}

impl Fewest {
    /// Whether there are enough.
    pub fn is_reached(self) -> bool {
        self.have >= self.needed
    }
}

/// What evidence is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Cases.
    Case,
    /// Clusters of cases.
    Cluster,
    /// Answers of one side.
    Call,
}

/// What a check can tell at a given noise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// `calibrated`, or `assumed` where nothing is known.
    pub source: Source,
    /// The share of cases that two runs of one version answer differently, one trial each; binary metrics only.
    pub discordant: Option<f64>,
    /// The standard deviation of one case's difference, repeats and clusters taken into account.
    pub sd: f64,
    /// The smallest true drop (rise, for ratios) that blocks 4 times in 5; `null` where none does.
    pub smallest_drop: Option<f64>,
    /// How often the check passes when nothing got worse; `null` where it needs a gain to pass.
    pub chance_to_pass: Option<f64>,
    /// Cases in all with which it passes 4 times in 5 when nothing got worse; `null` under `these-cases`.
    pub cases_to_pass: Option<u64>,
    /// Repeats with which it does, under `these-cases`.
    pub trials_to_pass: Option<u64>,
}

/// Where a noise comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The baseline was run against itself.
    Calibrated,
    /// Nothing was measured.
    Assumed,
}

/// So many cases at so many repeats pass 4 times in 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatsChoice {
    /// Repeats per case.
    pub trials: u32,
    /// Cases.
    pub cases: u64,
    /// Answers a side.
    pub calls: u64,
}

/// How often a rule blocks although nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flake {
    /// Whether the chance was measured.
    pub source: Source,
    /// The chance of a flaky case to pass one trial.
    pub pass_chance: f64,
    /// Cases that are flaky.
    pub cases: u64,
    /// How often the rule then blocks an unchanged candidate.
    pub false_block: f64,
    /// The same with three more calls for a case that looks broken, where the rule makes none; `null` where it does.
    pub with_confirm: Option<f64>,
}

/// A calibration beside a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationUse {
    /// Whether its figures are used.
    pub used: bool,
    /// The version that was run against itself.
    pub baseline: PlanSide,
    /// When, RFC 3339.
    pub started: String,
    /// How many days ago; `null` where that cannot be told.
    pub age_days: Option<f64>,
    /// The cases it was run on.
    pub cases: u64,
    /// Repeats per case and arm.
    pub trials: u32,
    /// In a sentence: what it rests on, or why it is not used.
    pub words: String,
}
