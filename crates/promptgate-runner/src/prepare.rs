//! Making a plan: one streaming pass over the cases that finds every mistake before anything is asked, and what the run's
//! header says. It decides; all it does is read cases through their port.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use promptgate_core::ask::Asked;
use promptgate_core::case::{Case, CaseInput};
use promptgate_core::digest::Digest;
use promptgate_core::gate::{Policy, Subject};
use promptgate_core::name::{MetricName, ModelId, RunId};
use promptgate_core::plan::{Partition, Plan, PlannedModel, TrialAddress, TrialKey};
use promptgate_core::port::{CaseSource, PortError};
use promptgate_core::prompt::{RenderError, Version};
use promptgate_core::record::{
    HeaderVolatile, LOG_SCHEMA, MetricSpec, PlannedComparison, Purpose, RunHeader, SettledCase, SettledRecord, Units,
};
use promptgate_core::request::{Origin, Request, RequestBody};
use promptgate_core::selection::Selection;
use promptgate_core::sequence;
use promptgate_core::suite::{Suite, SuiteJudge, default_timeout};
use promptgate_scoring::grader::Grader;
use serde_json::{Map, Value};

use crate::images::inline_images;
use crate::share::Share;

mod error;
mod making;
mod pass;
mod retake;

pub(crate) use error::counted;
pub use error::{CallsForbidden, Gap, NothingSelected, PrepareError, RecordingGaps};
pub(crate) use retake::Retake;

/// A version to be run.
#[derive(Clone)]
pub struct LoadedVersion {
    /// How the user named it, e.g. `triage@git:main`.
    pub reference: String,
    /// The version.
    pub version: Arc<Version>,
    /// Set where its trials are taken from a stored run (`run:<id>`) and never asked again.
    pub stored: Option<StoredRun>,
    /// Above 0 where the version is there a second time and this is the other side: how many repeats the first has.
    pub again: u32,
}

/// A stored run that serves as a baseline.
#[derive(Clone)]
pub struct StoredRun {
    /// Its record.
    pub record: Arc<dyn SettledRecord + Send + Sync>,
    /// Which of its versions is meant, as an index into its header's.
    pub version: usize,
}

/// A model to be run.
#[derive(Debug, Clone)]
pub struct LoadedModel {
    /// As the plan carries it; `cases` is filled in here.
    pub planned: PlannedModel,
    /// `[[model]] cases`: the cases it answers, all where absent.
    pub cases: Option<Selection>,
}

/// What a plan is made of.
pub struct PlanRequest<'a> {
    /// The suite.
    pub suite: &'a Suite,
    /// The suite's folder as the user named it.
    pub suite_path: String,
    /// What the run is for.
    pub purpose: Purpose,
    /// The policy in force; only for a gate.
    pub policy: Option<Policy>,
    /// The suite's cases.
    pub cases: Arc<dyn CaseSource>,
    /// The versions and what is compared with what ([`Lineup`]).
    pub lineup: Lineup,
    /// The models.
    pub models: Vec<LoadedModel>,
    /// Grades by the suite's assertions; built over `versions`, in their order.
    pub grader: Arc<Grader>,
    /// `--filter`.
    pub filter: Option<Selection>,
    /// `--partition`.
    pub partition: Option<Partition>,
    /// Repeats per case, from 1.
    pub trials: u32,
    /// Orders the run, seeds the statistics.
    pub seed: u64,
    /// Command-line settings that shaped the run, by flag.
    pub settings: Map<String, Value>,
}

/// The versions of a plan, each digest once, and the parts they play.
#[derive(Clone, Default)]
pub struct Lineup {
    /// The versions: candidates first.
    pub versions: Vec<LoadedVersion>,
    /// Those judged, as indices into `versions`.
    pub candidates: Vec<usize>,
    /// Those held to.
    pub baselines: Vec<usize>,
    /// A baseline that cannot be had, and why: its comparison is invalid, floors and rules are judged all the same.
    pub missing: Vec<String>,
    /// Baselines that are there a second time: the index of the baseline and of its other side.
    pub controls: Vec<(usize, usize)>,
}

impl Lineup {
    /// Puts candidates and baselines in the order of a plan. A stored run stays apart from the version it holds, since its
    /// trials are not asked again.
    pub fn of(candidates: Vec<LoadedVersion>, baselines: Vec<LoadedVersion>) -> Self {
        let mut lineup = Self::default();
        lineup.candidates = candidates.into_iter().map(|version| lineup.place(version)).collect();
        lineup.baselines = baselines.into_iter().map(|version| lineup.place(version)).collect();
        lineup
    }

    fn place(&mut self, version: LoadedVersion) -> usize {
        let same = |each: &LoadedVersion| {
            each.stored.is_none()
                && version.stored.is_none()
                && each.version.identity.digest == version.version.identity.digest
        };
        let place = self.versions.iter().position(same).unwrap_or(self.versions.len());
        if place == self.versions.len() {
            self.versions.push(version);
        }
        place
    }

    /// Lets every baseline stand in the plan a second time, by `trials` further repeats.
    #[must_use]
    pub fn with_controls(mut self, trials: u32) -> Self {
        for baseline in self.baselines.clone() {
            if self.controls.iter().all(|(known, _)| *known != baseline) {
                let again = LoadedVersion { again: trials, ..self.versions[baseline].clone() };
                self.controls.push((baseline, self.versions.len()));
                self.versions.push(again);
            }
        }
        self
    }
}

/// A plan that can be carried out: every case was looked at, and nothing a user wrote stands in the way.
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The selections of the gate; settled trials name them by index.
    pub selections: Vec<Selection>,
    /// The fields by whose values the report groups its metrics.
    by: Vec<String>,
    /// The metrics that assertions feed.
    pub metrics: Vec<MetricSpec>,
    /// The metric that each critical judge feeds.
    pub deciding_judges: Vec<Option<MetricName>>,
    /// Whom assertions may ask.
    pub asked: BTreeSet<Asked>,
    /// What the suite says of the models that assertions ask.
    pub judges: Vec<SuiteJudge>,
    /// What was found and is no mistake: lines for every report.
    pub notes: Vec<String>,
    /// The comparisons to be made.
    pub comparisons: Vec<PlannedComparison>,
    /// The share to be carried out.
    pub partition: Option<Partition>,
    /// Where the gate may stop early: by case, how many units come before its own.
    pub(crate) ranks: Option<Vec<u32>>,
    /// What there is to look at then.
    units: Option<Units>,
    pub(crate) suite_path: String,
    pub(crate) grader: Arc<Grader>,
    pub(crate) versions: Vec<Arc<Version>>,
    pub(crate) retakes: Vec<Option<Retake>>,
    /// The effective parameters, by version and model.
    parameters: Vec<Vec<Map<String, Value>>>,
    cases: Arc<dyn CaseSource>,
    /// Where the plan's cases are in the source; nothing where a filter left none out.
    positions: Option<Vec<u32>>,
    purpose: Purpose,
    note: Option<String>,
    filter: Option<Selection>,
    policy: Option<Policy>,
    settings: Map<String, Value>,
}

/// Makes the plan.
///
/// # Errors
///
/// Everything that is wrong with cases, prompts and assertions together, with file and line; or that nothing is selected.
pub fn prepare(request: PlanRequest<'_>) -> Result<Prepared, PrepareError> {
    making::plan(request)
}

/// A trial whose case has been read.
pub(crate) struct OpenTrial {
    pub(crate) address: TrialAddress,
    pub(crate) case: Arc<Case>,
    pub(crate) settled_case: SettledCase,
    /// By field that a report groups its metrics by, the groups that the case belongs to.
    pub(crate) groups: BTreeMap<String, BTreeSet<String>>,
    pub(crate) key: TrialKey,
    input: CaseInput,
}

impl OpenTrial {
    /// The same trial in another repeat.
    pub(crate) fn repeated(mut self, repeat: u32) -> Self {
        self.key.repeat = self.key.repeat - self.address.repeat + repeat;
        self.address.repeat = repeat;
        self
    }
}

impl Prepared {
    /// The first line of the run's file.
    pub fn header(&self, volatile: HeaderVolatile) -> RunHeader {
        RunHeader {
            schema: LOG_SCHEMA.to_owned(),
            purpose: self.purpose,
            suite: self.plan.suite.clone(),
            suite_path: self.suite_path.clone(),
            note: self.note.clone(),
            plan_digest: self.plan.digest(),
            grading: self.plan.grading,
            versions: self.plan.versions.clone(),
            models: self.plan.models.clone(),
            cases: self.plan.cases.len() as u64,
            trials: self.plan.trials,
            confirm: self.plan.confirm,
            units: self.units,
            seed: self.plan.seed,
            partition: self.partition,
            filter: self.filter.clone(),
            prices: None,
            metrics: self.metrics.clone(),
            deciding_judges: self.deciding_judges.clone(),
            by: self.by.clone(),
            choosing: self.grader.choosing(),
            selections: self.selections.clone(),
            comparisons: self.comparisons.clone(),
            policy: self.policy.clone(),
            policy_digest: self.policy.as_ref().map(Policy::digest),
            notes: self.notes.clone(),
            settings: self.settings.clone(),
            volatile,
        }
    }

    /// Whether versions are compared with each other.
    pub fn compares(&self) -> bool {
        self.comparisons.iter().any(|comparison| comparison.baseline.is_some())
    }

    /// How a gate that may stop early is looked at: the shares of the plan, one a look; one share where it may not.
    pub fn shares(&self) -> Vec<Share> {
        let sequential = self.policy.as_ref().and_then(|policy| policy.sequential);
        match sequential.zip(self.units) {
            Some((how, units)) => sequence::batches(how, units.count as usize).into_iter().map(Share::Batch).collect(),
            None => vec![Share::Planned],
        }
    }

    /// Whether a planned trial is to be carried out with a share, by this partition.
    pub fn is_due(&self, share: &Share, address: TrialAddress) -> bool {
        let here = self.partition.is_none_or(|part| part.holds(&self.plan.cases[address.case], address.case));
        here && self.plan.holds(address) && share.holds(self, address)
    }

    /// The case at a position of the plan.
    pub(crate) fn case(&self, position: usize) -> Result<Case, PortError> {
        self.cases.case(self.positions.as_ref().map_or(position, |positions| positions[position] as usize))
    }

    /// What a case's settled trials say of it.
    pub(crate) fn settled_case(&self, case: &Case, input: Digest) -> SettledCase {
        let holds = |(index, selection): (usize, &Selection)| selection.selects(case).then_some(index as u16);
        SettledCase {
            id: case.id.clone(),
            input,
            cluster: case.cluster.clone(),
            tags: case.tags.clone(),
            selections: self.selections.iter().enumerate().filter_map(holds).collect(),
        }
    }

    fn groups(&self, case: &Case) -> BTreeMap<String, BTreeSet<String>> {
        let groups = self.by.iter().map(|path| (path.clone(), case.groups(path)));
        groups.filter(|(_, groups)| !groups.is_empty()).collect()
    }

    /// The most calls that may come on top for one candidate on one model, where cases are about to break a rule. `cases` is
    /// how many there are in all, and then in each selection of the gate.
    pub fn most_confirming(&self, cases: &[u64]) -> u64 {
        let of = |selection: &Option<Selection>| {
            let group = selection.as_ref().and_then(|wanted| self.selections.iter().position(|each| each == wanted));
            cases.get(group.map_or(0, |group| group + 1)).copied().unwrap_or_default()
        };
        let checks = self.policy.iter().filter(|_| self.purpose == Purpose::Gate).flat_map(|policy| &policy.checks);
        let calls = checks.filter_map(|check| match &check.subject {
            Subject::Rule { rule, cases } => Some(u64::from(rule.confirm()) * of(cases)),
            Subject::Metric { .. } => None,
        });
        // Rules may be about the same cases, and each call counts for all of them.
        calls.sum::<u64>().min(u64::from(self.plan.confirm) * cases.first().copied().unwrap_or_default())
    }

    /// A trial of a case that was read, ready to be looked up or asked.
    pub(crate) fn open(&self, address: TrialAddress, case: &Arc<Case>) -> Result<OpenTrial, PortError> {
        let (version, model) = (&self.versions[address.version], &self.plan.models[address.model]);
        let input = self.cases.input(case, &version.identity.prompt, &model.id)?;
        let digest = input.digest();
        let pairing = if self.cases.is_joined() { self.cases.pairing_input(case)?.digest() } else { digest };
        let parameters = &self.parameters[address.version][address.model];
        Ok(OpenTrial {
            address,
            case: case.clone(),
            settled_case: self.settled_case(case, pairing),
            groups: self.groups(case),
            key: TrialKey::new(&version.identity.digest, model, parameters, &digest, self.repeat(address)),
            input,
        })
    }

    /// Which repeat of its version a trial is: of the other side of a version, one beyond those of the first.
    fn repeat(&self, address: TrialAddress) -> u32 {
        self.plan.versions[address.version].again + address.repeat
    }

    /// The request of a trial, or why its prompt cannot be rendered.
    pub(crate) fn request(&self, trial: &OpenTrial) -> Result<Request, RenderError> {
        let (version, model) = (&self.versions[trial.address.version], &self.plan.models[trial.address.model]);
        let mut body = version.request_body(&model.id, &model.config, &trial.input)?;
        inline_images(&mut body, &trial.input, &*self.cases).map_err(|diagnostic| RenderError { diagnostic })?;
        Ok(Request {
            digest: body.digest(),
            body,
            repeat: trial.key.repeat,
            timeout_ms: model.timeout_ms,
            origin: Origin::Trial { prompt: version.identity.prompt.clone(), case: trial.case.id.clone() },
        })
    }

    /// The request of a trial, by its index in the plan, as it is asked; nothing where its prompt cannot be rendered.
    ///
    /// # Errors
    ///
    /// A case that cannot be read.
    pub fn request_of(&self, trial: u64) -> Result<Option<Request>, PortError> {
        let address = self.plan.address(trial);
        let trial = self.open(address, &Arc::new(self.case(address.case)?))?;
        Ok(self.request(&trial).ok())
    }

    /// What a request of each version to each model asks for beside its messages, with the index of the version: what a
    /// provider cannot be told of a prompt's settings, it can be told for no case. A prompt that does not render is left to
    /// its trials, as are messages.
    ///
    /// # Errors
    ///
    /// A case that cannot be read.
    pub fn samples(&self) -> Result<Vec<(usize, RequestBody)>, PortError> {
        let mut samples = Vec::new();
        let asked = self.plan.versions.iter().enumerate().filter(|(_, version)| version.stored.is_none());
        for (version, model) in
            asked.flat_map(|(version, _)| (0..self.plan.models.len()).map(move |model| (version, model)))
        {
            let at = |case| TrialAddress { version, model, case, repeat: 1 };
            let Some(address) = (0..self.plan.cases.len()).map(at).find(|address| self.plan.holds(*address)) else {
                continue;
            };
            let trial = self.open(address, &Arc::new(self.case(address.case)?))?;
            let body = self.request(&trial).ok().map(|request| RequestBody { messages: Vec::new(), ..request.body });
            samples.extend(body.map(|body| (version, body)));
        }
        Ok(samples)
    }

    /// How long a model that an assertion asks may take, in milliseconds.
    pub(crate) fn judge_timeout_ms(&self, model: &ModelId) -> u64 {
        let said = self.judges.iter().find(|judge| judge.id == *model).map(|judge| judge.timeout);
        u64::try_from(said.unwrap_or_else(default_timeout).as_millis()).unwrap_or(u64::MAX)
    }

    /// The command that records the answers of a version anew.
    pub(crate) fn record_command(&self, version: usize) -> String {
        let version = &self.plan.versions[version];
        let same = self.plan.versions.iter().filter(|each| each.identity.digest == version.identity.digest);
        let repeats = self.plan.trials + same.map(|each| each.again).max().unwrap_or(0);
        let trials = if repeats > 1 { format!(" --trials {repeats}") } else { String::new() };
        format!("promptgate run {} --candidate {} --live --record{trials}", self.suite_path, version.reference)
    }

    /// The run a stored version was taken from.
    pub(crate) fn stored_run(&self, version: usize) -> Option<RunId> {
        self.plan.versions[version].stored.as_ref().and_then(|stored| RunId::new(&stored.run).ok())
    }
}
