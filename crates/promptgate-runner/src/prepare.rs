//! Making a plan: one streaming pass over the cases that finds every mistake before anything is asked, and what the run's
//! header says. It decides; all it does is read cases through their port.

use std::sync::Arc;

use promptgate_core::case::{Case, CaseInput};
use promptgate_core::digest::Digest;
use promptgate_core::gate::Policy;
use promptgate_core::name::RunId;
use promptgate_core::plan::{Partition, Plan, PlannedModel, TrialAddress, TrialKey};
use promptgate_core::port::{CaseSource, PortError};
use promptgate_core::prompt::{RenderError, Version};
use promptgate_core::record::{
    HeaderVolatile, LOG_SCHEMA, MetricSpec, PlannedComparison, Purpose, RunHeader, SettledCase, SettledRecord,
};
use promptgate_core::request::{Origin, Request};
use promptgate_core::selection::Selection;
use promptgate_core::suite::Suite;
use promptgate_scoring::grader::Grader;
use serde_json::{Map, Value};

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
    /// The candidate first, each version once ([`lineup`]).
    pub versions: Vec<LoadedVersion>,
    /// The baselines, as indices into `versions`.
    pub baselines: Vec<usize>,
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

/// Puts candidate and baselines in the order of a plan, each digest once: the versions, and where the baselines are among
/// them. A stored run stays apart from the version it holds, since its trials are not asked again.
pub fn lineup(candidate: LoadedVersion, baselines: Vec<LoadedVersion>) -> (Vec<LoadedVersion>, Vec<usize>) {
    let mut versions = vec![candidate];
    let mut places = Vec::new();
    for baseline in baselines {
        let same = |each: &LoadedVersion| {
            each.stored.is_none()
                && baseline.stored.is_none()
                && each.version.identity.digest == baseline.version.identity.digest
        };
        let place = versions.iter().position(same).unwrap_or(versions.len());
        if place == versions.len() {
            versions.push(baseline);
        }
        places.push(place);
    }
    (versions, places)
}

/// A plan that can be carried out: every case was looked at, and nothing a user wrote stands in the way.
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The selections of the gate; settled trials name them by index.
    pub selections: Vec<Selection>,
    /// The metrics that assertions feed.
    pub metrics: Vec<MetricSpec>,
    /// What was found and is no mistake: lines for every report.
    pub notes: Vec<String>,
    /// The comparisons to be made.
    pub comparisons: Vec<PlannedComparison>,
    /// The share to be carried out.
    pub partition: Option<Partition>,
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
    pub(crate) key: TrialKey,
    input: CaseInput,
}

impl OpenTrial {
    /// The same trial in another repeat.
    pub(crate) fn repeated(mut self, repeat: u32) -> Self {
        self.address.repeat = repeat;
        self.key.repeat = repeat;
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
            seed: self.plan.seed,
            partition: self.partition,
            filter: self.filter.clone(),
            metrics: self.metrics.clone(),
            selections: self.selections.clone(),
            comparisons: self.comparisons.clone(),
            policy: self.policy.clone(),
            policy_digest: self.policy.as_ref().map(Policy::digest),
            notes: self.notes.clone(),
            settings: self.settings.clone(),
            volatile,
        }
    }

    /// Whether a trial belongs to this run's share of the plan.
    pub fn is_due(&self, address: TrialAddress) -> bool {
        let here = self.partition.is_none_or(|part| part.holds(&self.plan.cases[address.case], address.case));
        here && self.plan.holds(address)
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

    /// A trial of a case that was read, ready to be looked up or asked.
    pub(crate) fn open(&self, address: TrialAddress, case: &Arc<Case>) -> Result<OpenTrial, PortError> {
        let (version, model) = (&self.versions[address.version], &self.plan.models[address.model]);
        let pairing = self.cases.pairing_input(case)?;
        let input = self.cases.input(case, &version.identity.prompt, &model.id)?;
        let pairing_digest = pairing.digest();
        let digest = if input == pairing { pairing_digest } else { input.digest() };
        let parameters = &self.parameters[address.version][address.model];
        Ok(OpenTrial {
            address,
            case: case.clone(),
            settled_case: self.settled_case(case, pairing_digest),
            key: TrialKey::new(&version.identity.digest, model, parameters, &digest, address.repeat),
            input,
        })
    }

    /// The request of a trial, or why its prompt cannot be rendered.
    pub(crate) fn request(&self, trial: &OpenTrial) -> Result<Request, RenderError> {
        let (version, model) = (&self.versions[trial.address.version], &self.plan.models[trial.address.model]);
        let body = version.request_body(&model.id, &model.config, &trial.input)?;
        Ok(Request {
            digest: body.digest(),
            body,
            repeat: trial.address.repeat,
            timeout_ms: model.timeout_ms,
            origin: Origin::Trial { prompt: version.identity.prompt.clone(), case: trial.case.id.clone() },
        })
    }

    /// The command that records the answers of a version anew.
    pub(crate) fn record_command(&self, version: usize) -> String {
        format!(
            "promptgate run {} --candidate {} --live --record",
            self.suite_path, self.plan.versions[version].reference
        )
    }

    /// The run a stored version was taken from.
    pub(crate) fn stored_run(&self, version: usize) -> Option<RunId> {
        self.plan.versions[version].stored.as_ref().and_then(|stored| RunId::new(&stored.run).ok())
    }
}
