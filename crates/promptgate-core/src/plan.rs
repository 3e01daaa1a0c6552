//! The plan of a run: versions x models x cases x trials, addressed by a plain index so that a million trials need no
//! list. Pure: the same inputs give the same plan on any machine, and every partition of it carries its digest.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::{Digest, DigestWriter};
use crate::name::{ModelId, SuiteName};
use crate::prompt::{SourceFile, VersionIdentity};
use crate::score::Tier;

/// What is to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The suite.
    pub suite: SuiteName,
    /// The grading digest.
    pub grading: Digest,
    /// The versions, each digest once.
    pub versions: Vec<PlannedVersion>,
    /// The models.
    pub models: Vec<PlannedModel>,
    /// The cases, in the order of the file.
    pub cases: Vec<PlannedCase>,
    /// Repeats per case.
    pub trials: u32,
    /// Orders the run, seeds the statistics.
    pub seed: u64,
}

/// A version in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedVersion {
    /// How the user named it, e.g. `triage@git:main`.
    pub reference: String,
    /// Which version it is.
    pub identity: VersionIdentity,
    /// The files it is made of.
    pub files: Vec<SourceFile>,
    /// Set where the version comes from a stored run, whose trials are taken as they are and never asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<StoredBaseline>,
}

/// A stored run that serves as a baseline: what of it still fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredBaseline {
    /// The run's id.
    pub run: String,
    /// When it was started, RFC 3339.
    pub started: String,
    /// Cases the stored run holds.
    pub cases: u64,
    /// Ids of stored cases that were edited or removed since then.
    pub changed: Vec<String>,
    /// Cases of the plan that the stored run does not hold.
    pub new: u64,
}

/// A model in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedModel {
    /// Provider and model.
    pub id: ModelId,
    /// The suite's parameters, over the prompt's own.
    pub config: Map<String, Value>,
    /// Whether its comparison decides.
    pub tier: Tier,
    /// Where answers come from: a provider's base URL, or `replay:` and the digest of the recording.
    pub source: String,
    /// How long the model may take after the first byte, in milliseconds.
    pub timeout_ms: u64,
}

/// A case in a plan: 32 bytes, since a million of them are held at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedCase {
    /// The head of the digest of the id; the normal order of cases is by this.
    pub id: u128,
    /// The head of the input digest, joined inputs that name a prompt left out: what pairs with the other side.
    pub input: u128,
}

impl PlannedCase {
    /// A case by its id and its pairing digest.
    pub fn new(id: &crate::name::CaseId, input: &Digest) -> Self {
        Self { id: case_key(id), input: input.prefix128() }
    }
}

/// The key that orders cases, whatever the order of the file: the head of the digest of the id.
pub fn case_key(id: &crate::name::CaseId) -> u128 {
    Digest::of_bytes(id.as_str().as_bytes()).prefix128()
}

/// Where a trial stands in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrialAddress {
    /// Index into the plan's versions.
    pub version: usize,
    /// Index into the plan's models.
    pub model: usize,
    /// Index into the plan's cases.
    pub case: usize,
    /// The repeat, from 1.
    pub repeat: u32,
}

impl Plan {
    /// Trials in the whole plan.
    pub fn len(&self) -> u64 {
        self.versions.len() as u64 * self.models.len() as u64 * self.cases.len() as u64 * u64::from(self.trials)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of a trial. Plan order is version, model, case, repeat.
    pub fn address(&self, trial: u64) -> TrialAddress {
        let repeats = u64::from(self.trials);
        let (rest, repeat) = (trial / repeats, trial % repeats);
        let cases = self.cases.len() as u64;
        let (rest, case) = (rest / cases, rest % cases);
        let models = self.models.len() as u64;
        TrialAddress {
            version: (rest / models) as usize,
            model: (rest % models) as usize,
            case: case as usize,
            repeat: repeat as u32 + 1,
        }
    }

    /// The index of a trial; the inverse of [`Plan::address`].
    pub fn index(&self, address: TrialAddress) -> u64 {
        let side = address.version as u64 * self.models.len() as u64 + address.model as u64;
        (side * self.cases.len() as u64 + address.case as u64) * u64::from(self.trials) + u64::from(address.repeat - 1)
    }

    /// The plan digest: grading, versions, models, cases with their inputs in normal order, trials, seed; not time.
    pub fn digest(&self) -> Digest {
        let mut order: Vec<&PlannedCase> = self.cases.iter().collect();
        order.sort_unstable_by_key(|case| case.id);
        let mut writer = DigestWriter::default();
        writer.line("promptgate.plan/1");
        writer.line(&self.suite);
        writer.line(&self.grading);
        for version in &self.versions {
            writer.line(&(&version.identity.digest, version.stored.as_ref().map(|stored| &stored.run)));
        }
        for model in &self.models {
            writer.line(&(&model.id, &model.config, &model.source));
        }
        for case in order {
            writer.line(&format!("{:032x}{:032x}", case.id, case.input));
        }
        writer.line(&(self.trials, self.seed.to_string()));
        writer.finish()
    }
}

/// The key of a trial: version, model, effective parameters, case input, repeat, and where the answer comes from; never
/// the suite. A stored trial is reused wherever its key fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrialKey {
    /// Everything but the repeat.
    pub digest: Digest,
    /// The repeat, from 1.
    pub repeat: u32,
}

impl TrialKey {
    /// The key of one trial. `parameters` are the effective ones, `input` the whole digest, all joined inputs included.
    pub fn new(
        version: &Digest,
        model: &PlannedModel,
        parameters: &Map<String, Value>,
        input: &Digest,
        repeat: u32,
    ) -> Self {
        Self { digest: Digest::of_json(&(version, &model.id, parameters, &model.source, input)), repeat }
    }
}

/// A share of a plan's cases, for one machine of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// How cases are dealt out.
    pub by: PartitionBy,
    /// Which part, from 1.
    pub part: u32,
    /// Of how many.
    pub of: u32,
}

/// How cases are dealt out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionBy {
    /// By the digest of the case id: stable under edits of the file.
    Hash,
    /// By position: every n-th case.
    Slice,
}

impl Partition {
    /// Whether the case at `position` belongs to this part. All trials of a case stay together.
    pub fn holds(&self, case: &PlannedCase, position: usize) -> bool {
        let dealt = match self.by {
            PartitionBy::Hash => (case.id >> 64) as u64 % u64::from(self.of),
            PartitionBy::Slice => position as u64 % u64::from(self.of),
        };
        dealt == u64::from(self.part - 1)
    }
}

impl std::str::FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || format!("`{text}` is not a partition: expected `hash:m/n` or `slice:m/n` with 1 <= m <= n");
        let (by, rest) = text.split_once(':').ok_or_else(fail)?;
        let (part, of) = rest.split_once('/').ok_or_else(fail)?;
        let by = match by {
            "hash" => PartitionBy::Hash,
            "slice" => PartitionBy::Slice,
            _ => return Err(fail()),
        };
        let (part, of) = (part.parse().map_err(|_| fail())?, of.parse().map_err(|_| fail())?);
        if (1..=of).contains(&part) { Ok(Self { by, part, of }) } else { Err(fail()) }
    }
}

impl std::fmt::Display for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = match self.by {
            PartitionBy::Hash => "hash",
            PartitionBy::Slice => "slice",
        };
        write!(f, "{by}:{}/{}", self.part, self.of)
    }
}
