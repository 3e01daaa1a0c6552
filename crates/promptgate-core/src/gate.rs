//! The policy of a gate: what is required, by which checks, at which confidence.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::name::MetricName;
use crate::reference::Reference;
use crate::score::Tier;
use crate::selection::Selection;
use crate::verdict::Requirement;

/// The resolved `[gate]` of a suite; `gate.md`, section 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The versions held to; one comparison per model and baseline. Empty: floors and rules alone.
    pub baselines: Vec<Reference>,
    /// What meets the requirement.
    pub require: Requirement,
    /// What the verdict speaks about.
    pub scope: Scope,
    /// One-sided, each way; in (0.5, 1).
    pub confidence: f64,
    /// Exact tests on binary metrics.
    pub strict: bool,
    /// Share of the planned pairs that may be missing; in [0, 1).
    pub max_missing: f64,
    /// How old a stored baseline may be, in seconds.
    pub max_age: Option<u64>,
    /// Looking more than once.
    pub sequential: Option<Sequential>,
    /// What `--fresh` costs.
    pub fresh: Fresh,
    /// Sign flips of a Monte Carlo test.
    pub flips: u32,
    /// A judge that agrees less with people leaves its checks at best inconclusive.
    pub min_agreement: Option<f64>,
    /// Fewer labels than this: at best inconclusive.
    pub judge_labels_min: u32,
    /// The checks, in the order written.
    pub checks: Vec<Check>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            baselines: Vec::new(),
            require: Requirement::ShownNotWorse,
            scope: Scope::Population,
            confidence: 0.95,
            strict: false,
            max_missing: 0.05,
            max_age: None,
            sequential: None,
            fresh: Fresh::Spend,
            flips: 9_999,
            min_agreement: None,
            judge_labels_min: 0,
            checks: Vec::new(),
        }
    }
}

impl Policy {
    /// The policy digest: the resolved settings and the selections they make, not the baselines' present content.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// One-sided error rate, each way.
    pub fn alpha(&self) -> f64 {
        1.0 - self.confidence
    }

    /// The error rate of a draw: draw 1 is judged at alpha, draw r >= 2 at alpha / 2^r, so that all draws together stay
    /// within 1.5 alpha; alpha for every draw where drawing anew is free.
    pub fn alpha_of_draw(&self, draw: u32) -> f64 {
        match (draw, self.fresh) {
            (0 | 1, _) | (_, Fresh::Free) => self.alpha(),
            (draw, Fresh::Spend) => self.alpha() / 2_f64.powi(draw.min(1_000) as i32),
        }
    }
}

/// The settings of a gate as far as a file says them; what is absent is the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each is the field of the same name of `Policy`")]
pub struct GateSettings {
    pub require: Option<Requirement>,
    pub scope: Option<Scope>,
    pub confidence: Option<f64>,
    pub strict: Option<bool>,
    pub max_missing: Option<f64>,
    pub max_age: Option<u64>,
    pub sequential: Option<Sequential>,
    pub fresh: Option<Fresh>,
    pub flips: Option<u32>,
    pub min_agreement: Option<f64>,
    pub judge_labels_min: Option<u32>,
}

impl GateSettings {
    /// These settings, and below them others.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            require: self.require.or(lower.require),
            scope: self.scope.or(lower.scope),
            confidence: self.confidence.or(lower.confidence),
            strict: self.strict.or(lower.strict),
            max_missing: self.max_missing.or(lower.max_missing),
            max_age: self.max_age.or(lower.max_age),
            sequential: self.sequential.or(lower.sequential),
            fresh: self.fresh.or(lower.fresh),
            flips: self.flips.or(lower.flips),
            min_agreement: self.min_agreement.or(lower.min_agreement),
            judge_labels_min: self.judge_labels_min.or(lower.judge_labels_min),
        }
    }

    /// A policy with these settings and the defaults for the others; no baseline, no check yet.
    pub fn policy(self) -> Policy {
        let default = Policy::default();
        Policy {
            require: self.require.unwrap_or(default.require),
            scope: self.scope.unwrap_or(default.scope),
            confidence: self.confidence.unwrap_or(default.confidence),
            strict: self.strict.unwrap_or(default.strict),
            max_missing: self.max_missing.unwrap_or(default.max_missing),
            max_age: self.max_age.or(default.max_age),
            sequential: self.sequential.or(default.sequential),
            fresh: self.fresh.unwrap_or(default.fresh),
            flips: self.flips.unwrap_or(default.flips),
            min_agreement: self.min_agreement.or(default.min_agreement),
            judge_labels_min: self.judge_labels_min.unwrap_or(default.judge_labels_min),
            baselines: default.baselines,
            checks: default.checks,
        }
    }
}

/// What a verdict speaks about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Inputs like these.
    #[default]
    Population,
    /// These cases alone; only the model's own noise is uncertain.
    TheseCases,
}

/// Planned looks or an e-process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sequential {
    /// Five planned looks.
    Looks,
    /// An e-process.
    Anytime,
}

/// What drawing anew costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fresh {
    /// Draw r is judged at alpha / 2^r.
    #[default]
    Spend,
    /// Every draw keeps alpha, and the report says so.
    Free,
}

/// One check of a gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What it holds to.
    pub subject: Subject,
    /// Whether it decides.
    pub tier: Tier,
}

impl Check {
    /// The metric it holds to, if it is no rule.
    pub fn metric(&self) -> Option<&MetricName> {
        match &self.subject {
            Subject::Metric { metric, .. } => Some(metric),
            Subject::Rule { .. } => None,
        }
    }

    /// Whether it compares with a baseline. Floors, ceilings and `must-pass` look at the candidate alone.
    pub fn needs_baseline(&self) -> bool {
        match &self.subject {
            Subject::Metric { limit, .. } => !matches!(limit, Some(Limit::Min(..) | Limit::Max(..))),
            Subject::Rule { rule, .. } => matches!(rule, Rule::NoNewBreak { .. }),
        }
    }
}

/// A metric with a limit, or a rule on cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A metric.
    Metric {
        /// `pass_rate`, `cost`, `tokens`, `input_tokens`, `output_tokens`, `latency`, or a suite's own.
        metric: MetricName,
        /// The cases it is taken over; all where absent.
        slice: Option<Selection>,
        /// The limit; an advisory check may have none.
        limit: Option<Limit>,
    },
    /// A rule.
    Rule {
        /// Which one.
        rule: Rule,
        /// The cases it holds for; all where absent.
        cases: Option<Selection>,
    },
}

/// The limit of a metric check.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// In score units, 0 <= m < range.
    AllowedDrop(f64),
    /// A share of the geometric mean ratio; ratio metrics only.
    AllowedRise(f64),
    /// A floor on the candidate alone.
    Min(f64, Basis),
    /// A ceiling on the candidate alone.
    Max(f64, Basis),
}

/// What a floor or ceiling looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The value as measured; no error rate.
    #[default]
    Value,
    /// The one-sided bound.
    Bound,
}

/// A rule on cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The selected cases pass in every trial, whatever the baseline did.
    MustPass {
        /// Extra calls before a failing case counts.
        confirm: u32,
    },
    /// What passed before passes now.
    NoNewBreak {
        /// Cases that may be broken.
        max_broken: u32,
        /// Extra calls before a failing case counts as broken.
        confirm: u32,
    },
}

impl Rule {
    /// Extra calls before a failing case counts.
    pub fn confirm(self) -> u32 {
        match self {
            Self::MustPass { confirm } | Self::NoNewBreak { confirm, .. } => confirm,
        }
    }

    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::MustPass { .. } => "must-pass",
            Self::NoNewBreak { .. } => "no-new-break",
        }
    }
}

/// The metrics that exist in every suite, and their names, which a suite may not use for its own.
pub const RESERVED_METRICS: [&str; 6] = ["pass_rate", "cost", "tokens", "input_tokens", "output_tokens", "latency"];

/// The reserved metrics that are positive amounts, compared as ratios; lower is better.
pub const RATIO_METRICS: [&str; 5] = ["cost", "tokens", "input_tokens", "output_tokens", "latency"];
