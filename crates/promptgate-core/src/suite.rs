//! A suite: cases, assertions, models and a gate for one prompt, as `suite.toml` says it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::assertion::AssertionSpec;
use crate::diagnostic::{Diagnostic, Location};
use crate::formula::Formula;
use crate::gate::{GateSettings, Policy};
use crate::name::{MetricName, ModelId, PromptName, SuiteName};
use crate::reference::Reference;
use crate::score::Tier;
use crate::selection::Selection;

/// A suite as written, every value checked, defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suite {
    /// Also the folder's name.
    pub name: SuiteName,
    /// One line that every report shows under the verdict, e.g. that the suite was written as an example.
    pub note: Option<String>,
    /// The command that places files which the repository does not hold (`cargo xtask data`); the error for a missing
    /// file of the suite (cases, inputs, recording, prompt) repeats it as its help line.
    pub setup: Option<String>,
    /// The prompt under test.
    pub prompt: PromptName,
    /// What `run` and `gate` judge unless told otherwise; the prompt itself by default.
    pub candidate: Reference,
    /// Repeats per case, from 1.
    pub trials: u32,
    /// Orders the plan, seeds the statistics.
    pub seed: u64,
    /// Default variables for all cases.
    pub vars: Map<String, Value>,
    /// The models; empty means the one named in the prompt.
    pub models: Vec<SuiteModel>,
    /// The models that assertions ask; the first one is asked where an assertion names none.
    pub judges: Vec<SuiteJudge>,
    /// Where the cases are.
    pub cases: CasesSpec,
    /// The assertions for all cases.
    pub asserts: Vec<AssertionSpec>,
    /// Metrics reckoned from others, each from what stands before it.
    pub metrics: Vec<DerivedMetric>,
    /// The fields by whose values the report of a run groups its metrics: dotted paths over the case, each once.
    pub by: Vec<String>,
    /// The gate, where there is one.
    pub gate: Option<Policy>,
    /// What is legal and probably not meant, such as an allowed drop of 0; shown once when the suite is loaded.
    #[serde(skip)]
    pub warnings: Vec<Diagnostic>,
    /// Where keys stand in the file, for messages found later.
    #[serde(skip)]
    pub places: BTreeMap<String, Location>,
}

/// A metric that is reckoned, trial by trial, from others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DerivedMetric {
    /// Its name.
    pub name: MetricName,
    /// What it is. A value outside of 0..=1, or none, leaves it unscored on that trial.
    pub formula: Formula,
}

/// What `[suite]` of `promptgate.toml` says for the suites that do not say it themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SuiteDefaults {
    /// Repeats per case.
    pub trials: Option<u32>,
    /// The seed.
    pub seed: Option<u64>,
    /// Variables under those of the suite.
    pub vars: Map<String, Value>,
    /// The models of a suite that names none.
    pub models: Vec<SuiteModel>,
    /// The judges of a suite that names none.
    pub judges: Vec<SuiteJudge>,
    /// Settings of gates, without checks.
    pub gate: GateSettings,
}

impl SuiteDefaults {
    /// These defaults, and below them others.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        let mut vars = lower.vars;
        vars.extend(self.vars);
        Self {
            trials: self.trials.or(lower.trials),
            seed: self.seed.or(lower.seed),
            vars,
            models: if self.models.is_empty() { lower.models } else { self.models },
            judges: if self.judges.is_empty() { lower.judges } else { self.judges },
            gate: self.gate.over(lower.gate),
        }
    }
}

/// One model of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuiteModel {
    /// Provider and model.
    pub id: ModelId,
    /// Parameters over the prompt's own.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// How long the model may take after the first byte.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// Whether its comparison decides.
    #[serde(default)]
    pub tier: Tier,
    /// Recorded answers that stand in for the model.
    #[serde(default)]
    pub recording: Option<RecordingSpec>,
    /// The cases this model answers; all where absent. A dear or advisory model can look at a few:
    /// `cases = { tag = "smoke" }`.
    #[serde(default)]
    pub cases: Option<Selection>,
}

impl SuiteModel {
    /// A model about which nothing more is said.
    pub fn of(id: ModelId) -> Self {
        let (config, recording, cases) = Default::default();
        Self { id, config, timeout: default_timeout(), tier: Tier::Critical, recording, cases }
    }
}

/// A model that assertions ask: to grade, for vectors, for a verdict on a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuiteJudge {
    /// Provider and model.
    pub id: ModelId,
    /// Parameters over those of the judge's prompt.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// How long it may take after the first byte.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// Recorded replies that stand in for it.
    #[serde(default)]
    pub recording: Option<RecordingSpec>,
}

/// One minute.
pub fn default_timeout() -> Duration {
    Duration::from_secs(60)
}

/// Where a model's recorded answers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingSpec {
    /// Path from the suite's folder.
    pub file: String,
    /// Whether each line must carry the digest of the request it answered.
    pub bound: bool,
}

/// Where the cases are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CasesSpec {
    /// `.jsonl`, `.csv`, `.toml`, or `-` for standard input; a path from the suite's folder.
    pub file: String,
    /// Outputs of an earlier step, to be joined.
    pub inputs: Option<String>,
    /// The dotted path whose value names a case's cluster, over the case's own `cluster`.
    pub cluster: Option<String>,
}
