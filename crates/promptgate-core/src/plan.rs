//! The plan of a run: versions x models x cases x trials, addressed by a plain index so that a million trials need no
//! list. Pure: the same inputs give the same plan on any machine, and every partition of it carries its digest.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::{Digest, DigestWriter};
use crate::name::{ModelId, SuiteName};
use crate::prompt::{SourceFile, VersionIdentity};
use crate::score::Tier;
use crate::selection::Selection;

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
    /// By model, the cases it answers (`[[model]] cases`); all where there is no entry. Indices stay dense: what a model
    /// leaves out has an index and is never asked, settled or counted.
    pub chosen: Vec<Option<CaseSet>>,
    /// Repeats per case.
    pub trials: u32,
    /// Calls that may be made on top of them, where a case is about to break a rule (`confirm`). They have indices, and
    /// are asked only for the cases that need them.
    pub confirm: u32,
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
    /// Above 0 where the same version stands in the plan a second time, to show the noise of the model alone: repeat r of
    /// this side is repeat `again + r` of the version, so that the two sides share no call.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again: u32,
}

/// Whether a number that is left out where it is 0 may be left out.
pub(crate) fn is_zero(number: &u32) -> bool {
    *number == 0
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
    /// The cases it answers, where that is not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<ModelCases>,
}

/// A model's share of the cases, as headers and reports carry it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCases {
    /// As the suite says it.
    pub selection: Selection,
    /// How many of the plan's cases it selects: the planned pairs of this model's comparisons.
    pub count: u64,
}

/// A set of the plan's cases, by position: one bit a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseSet(Vec<u64>);

impl CaseSet {
    /// Adds the case at a position.
    pub fn insert(&mut self, position: usize) {
        let word = position / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (position % 64);
    }

    /// Whether it holds the case at a position.
    pub fn contains(&self, position: usize) -> bool {
        self.0.get(position / 64).is_some_and(|word| word >> (position % 64) & 1 == 1)
    }

    /// How many cases it holds.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromIterator<usize> for CaseSet {
    fn from_iter<I: IntoIterator<Item = usize>>(positions: I) -> Self {
        let mut set = Self::default();
        positions.into_iter().for_each(|position| set.insert(position));
        set
    }
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
    /// Indices of the whole plan: every trial has one, and so has what a model leaves out ([`Plan::holds`]).
    pub fn len(&self) -> u64 {
        self.versions.len() as u64 * self.models.len() as u64 * self.cases.len() as u64 * self.stride()
    }

    /// Indices of one case on one side: its trials, and the calls that may be made on top of them.
    fn stride(&self) -> u64 {
        u64::from(self.trials) + u64::from(self.confirm)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the trial is to be answered: its model does not leave its case out.
    pub fn holds(&self, address: TrialAddress) -> bool {
        self.chosen_by(address.model).is_none_or(|chosen| chosen.contains(address.case))
    }

    /// The cases a model answers, where that is not all of them.
    pub fn chosen_by(&self, model: usize) -> Option<&CaseSet> {
        self.chosen.get(model).and_then(Option::as_ref)
    }

    /// Trials to be answered.
    pub fn planned(&self) -> u64 {
        let all = self.cases.len() as u64;
        let cases: u64 = (0..self.models.len()).map(|model| self.chosen_by(model).map_or(all, CaseSet::len)).sum();
        self.versions.len() as u64 * cases * u64::from(self.trials)
    }

    /// The address of a trial. Plan order is version, model, case, repeat.
    pub fn address(&self, trial: u64) -> TrialAddress {
        let repeats = self.stride();
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
        (side * self.cases.len() as u64 + address.case as u64) * self.stride() + u64::from(address.repeat - 1)
    }

    /// The plan digest: grading, versions, models, cases with their inputs in normal order, trials, seed; not time.
    pub fn digest(&self) -> Digest {
        let mut order: Vec<(usize, &PlannedCase)> = self.cases.iter().enumerate().collect();
        order.sort_unstable_by_key(|(_, case)| case.id);
        let mut writer = DigestWriter::default();
        writer.line("promptgate.plan/1");
        writer.line(&self.suite);
        writer.line(&self.grading);
        for version in &self.versions {
            writer.line(&(&version.identity.digest, version.stored.as_ref().map(|stored| &stored.run)));
            if version.again > 0 {
                writer.line(&("again", version.again));
            }
        }
        for model in &self.models {
            writer.line(&(&model.id, &model.config, &model.source));
        }
        for (_, case) in &order {
            writer.line(&format!("{:032x}{:032x}", case.id, case.input));
        }
        for (model, chosen) in self.chosen.iter().enumerate() {
            let Some(chosen) = chosen else { continue };
            let positions = order.iter().filter(|(position, _)| chosen.contains(*position));
            let ids: Vec<String> = positions.map(|(_, case)| format!("{:032x}", case.id)).collect();
            writer.line(&(model, ids));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(chosen: Vec<Option<CaseSet>>) -> Plan {
        let model = |id: &str| PlannedModel {
            id: ModelId::new(id).unwrap(),
            config: Map::new(),
            tier: Tier::Critical,
            source: String::new(),
            timeout_ms: 1,
            cases: None,
        };
        let id = |n: usize| crate::name::CaseId::new(format!("case-{n}")).unwrap();
        Plan {
            suite: SuiteName::new("s").unwrap(),
            grading: Digest::of_bytes(b""),
            versions: Vec::new(),
            models: vec![model("a/b"), model("a/c")],
            cases: (0..100).map(|n| PlannedCase::new(&id(n), &Digest::of_bytes(b"in"))).collect(),
            chosen,
            trials: 2,
            confirm: 0,
            seed: 7,
        }
    }

    #[test]
    fn a_model_that_answers_some_cases_holds_only_their_trials() {
        let plan = plan(vec![None, Some([3, 70].into_iter().collect())]);
        let held = (0..100).filter(|case| plan.holds(TrialAddress { version: 0, model: 1, case: *case, repeat: 1 }));
        assert_eq!(held.collect::<Vec<_>>(), [3, 70]);
        assert!(plan.holds(TrialAddress { version: 0, model: 0, case: 4, repeat: 1 }));
    }

    #[test]
    fn the_cases_a_model_answers_change_the_plan_digest() {
        let [all, some, others] =
            [vec![], vec![None, Some([3].into_iter().collect())], vec![None, Some([4].into_iter().collect())]]
                .map(|chosen| plan(chosen).digest());
        assert!(all != some && some != others);
    }
}
