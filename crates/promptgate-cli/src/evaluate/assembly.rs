//! Puts together what a run takes: versions, models, recordings, providers, the grader and the plan. Whatever a user got
//! wrong ends here, before anything is asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use promptgate_core::plan::PlannedModel;
use promptgate_core::port::Clock;
use promptgate_core::record::Purpose;
use promptgate_core::selection::Selection;
use promptgate_core::suite::SuiteModel;
use promptgate_provider::{AnswersFrom, Keys, ModelSetup, ProviderSet, Recording, Setup, SetupError};
use promptgate_runner::{Calls, LoadedModel, LoadedVersion, PlanRequest, Prepared, Reuse, Supply, lineup, prepare};
use promptgate_scoring::grader::{Grader, GraderSpec};
use promptgate_store::{StoredAnswers, SystemClock};
use serde_json::{Map, Value};

use super::{Intent, case_changes, recordings};
use crate::args::Running;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Session;

/// Everything a run takes, checked.
pub struct Assembly {
    /// The plan.
    pub prepared: Arc<Prepared>,
    /// Where answers come from, apart from calls.
    pub supply: Supply,
    /// What answers.
    pub providers: ProviderSet,
    /// The models, in the plan's order.
    pub models: Vec<SuiteModel>,
    /// Lines for every report, beside the plan's own.
    pub notes: Vec<String>,
}

impl Assembly {
    /// Reads and checks everything.
    pub fn new(session: &Session, intent: Intent, running: &Running, out: &Output) -> Result<Self, Failure> {
        let (versions, baselines) = versions(session, &intent)?;
        let models = session.models(&running.model, versions.first().map(|loaded| &*loaded.version))?;
        let live = running.live || running.record;
        if running.record {
            recordings::must_have_files(&models)?;
        }
        let recorded = recordings::open(session, &models, live)?;
        let keys = if running.only_looks { Keys::NotNeeded } else { Keys::Needed };
        let providers = providers(session, &models, &recorded, keys, out)?;
        let cases = session.cases()?;
        let grader = Arc::new(grader(session, &versions)?);
        let notes = case_changes::notes(session, &intent, cases.as_ref())?;
        let max_age = intent.policy.as_ref().and_then(|policy| policy.max_age);
        let stored = StoredAnswers::of(&session.runs(), &digests(&versions))?;
        let prepared = prepare(PlanRequest {
            suite: &session.suite,
            suite_path: session.suite_path.clone(),
            purpose: intent.purpose,
            policy: intent.policy,
            cases,
            versions,
            baselines,
            models: planned(&models, &providers),
            grader,
            filter: conjunction(&running.filter),
            partition: running.partition,
            trials: running.trials.unwrap_or(session.suite.trials),
            seed: session.suite.seed,
            settings: settings(running),
        })?;
        let supply = Supply {
            recordings: recorded,
            stored: Some(Arc::new(stored)),
            reuse: reuse(running, max_age),
            settled: None,
            calls: if running.no_run { Calls::Forbidden } else { Calls::Allowed },
        };
        Ok(Self { prepared: Arc::new(prepared), supply, providers, models, notes })
    }
}

/// The versions of the plan, each once, and where the baselines are among them. `run` takes all its candidates.
fn versions(session: &Session, intent: &Intent) -> Result<(Vec<LoadedVersion>, Vec<usize>), Failure> {
    let load =
        |references: &[_]| references.iter().map(|reference| session.version(reference)).collect::<Result<Vec<_>, _>>();
    let mut candidates = load(&intent.candidates)?.into_iter();
    let first = candidates.next().ok_or_else(|| Failure::usage("no version is named"))?;
    let held_to =
        || intent.baselines.iter().map(|reference| session.baseline(reference)).collect::<Result<Vec<_>, _>>();
    let others = if intent.purpose == Purpose::Run { candidates.collect() } else { held_to()? };
    let (versions, places) = lineup(first, others);
    let baselines = if intent.purpose == Purpose::Run { Vec::new() } else { places };
    Ok((versions, baselines))
}

fn digests(versions: &[LoadedVersion]) -> BTreeSet<promptgate_core::Digest> {
    versions.iter().map(|loaded| loaded.version.identity.digest).collect()
}

fn providers(
    session: &Session,
    models: &[SuiteModel],
    recorded: &[Option<Arc<Recording>>],
    keys: Keys,
    out: &Output,
) -> Result<ProviderSet, Failure> {
    let setups = models.iter().zip(recorded).map(|(model, recording)| ModelSetup {
        id: model.id.clone(),
        answers: recording.clone().map_or(AnswersFrom::Provider, AnswersFrom::Recording),
    });
    let prices = session.prices();
    let setup = Setup {
        settings: &session.settings().providers,
        environment: &|name| std::env::var(name).ok(),
        tree: session.tree().as_ref(),
        root: session.root(),
        scrubber: &out.scrubber,
        prices: &prices,
        clock: Arc::new(SystemClock),
        keys,
    };
    ProviderSet::build(setups.collect(), &setup).map_err(setup_failure)
}

fn setup_failure(error: SetupError) -> Failure {
    let mut failure = Failure::from(error.diagnostics().clone());
    failure.code = error.exit_code();
    failure
}

fn planned(models: &[SuiteModel], providers: &ProviderSet) -> Vec<LoadedModel> {
    let plan = |model: &SuiteModel| LoadedModel {
        planned: PlannedModel {
            id: model.id.clone(),
            config: model.config.clone(),
            tier: model.tier,
            source: providers.source(&model.id).unwrap_or_default(),
            timeout_ms: u64::try_from(model.timeout.as_millis()).unwrap_or(u64::MAX),
            cases: None,
        },
        cases: model.cases.clone(),
    };
    models.iter().map(plan).collect()
}

fn grader(session: &Session, versions: &[LoadedVersion]) -> Result<Grader, Failure> {
    let answers: Vec<_> = versions.iter().map(|loaded| loaded.version.front.answer.clone()).collect();
    Ok(Grader::new(GraderSpec {
        asserts: &session.suite.asserts,
        answers: &answers,
        tree: session.tree().clone(),
        folder: session.folder().clone(),
    })?)
}

/// All `--filter`s hold at once.
fn conjunction(filters: &[Selection]) -> Option<Selection> {
    let all: Vec<_> = filters.iter().flat_map(|filter| filter.all.clone()).collect();
    (!all.is_empty()).then_some(Selection { all })
}

fn reuse(running: &Running, max_age: Option<u64>) -> Reuse {
    match max_age {
        // A recording holds what the models say now, whole: an answer taken over would be missing from it.
        _ if running.fresh || running.record => Reuse::None,
        Some(seconds) => Reuse::Since(SystemClock.now_ms().saturating_sub(seconds * 1_000)),
        None => Reuse::All,
    }
}

/// What shaped the run, by flag. What cannot change a result (concurrency, reports) is left out.
fn settings(running: &Running) -> Map<String, Value> {
    let mut settings = Map::new();
    for (flag, set) in
        [("live", running.live), ("record", running.record), ("fresh", running.fresh), ("no-run", running.no_run)]
    {
        if set {
            settings.insert(flag.to_owned(), Value::Bool(true));
        }
    }
    settings
}
