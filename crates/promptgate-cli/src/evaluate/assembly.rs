//! Puts together what a run takes: versions, models, recordings, providers, the grader and the plan. Whatever a user got
//! wrong ends here, before anything is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use promptgate_core::ask::{Asked, Consultant};
use promptgate_core::exit::ExitCode;
use promptgate_core::gate::{Policy, Scope};
use promptgate_core::name::ModelId;
use promptgate_core::plan::PlannedModel;
use promptgate_core::port::{AnswerCache, Clock};
use promptgate_core::price::{Price, Prices};
use promptgate_core::record::RunHeader;
use promptgate_core::reference::Reference;
use promptgate_core::request::{RequestBody, Task};
use promptgate_core::selection::Selection;
use promptgate_core::suite::{SuiteJudge, SuiteModel};
use promptgate_core::{Diagnostic, Diagnostics};
use promptgate_provider::{AnswersFrom, Keys, ModelSetup, ProviderSet, Recording, Setup, SetupError, overridden};
use promptgate_report::escape::terminal_line;
use promptgate_runner::{
    Calls, Kept, Lineup, LoadedModel, LoadedVersion, PlanRequest, Prepared, Reuse, Supply, prepare,
};
use promptgate_scoring::grader::{Grader, GraderSpec};
use promptgate_store::cache::Cache;
use promptgate_store::{StoredAnswers, SystemClock};
use serde_json::{Map, Value};

use super::{Intent, case_changes, recordings};
use crate::args::Running;
use crate::diagnose;
use crate::error::Failure;
use crate::output::Output;
use crate::session::{Baseline, Session};

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
    /// What answers are kept in by content, where that is there already: nothing is made before all is agreed to.
    pub cache: Option<Arc<Cache>>,
    /// The models under test that no recording stands in for.
    pub called_models: Vec<ModelId>,
    /// The models that assertions ask and that no recording stands in for.
    pub called_judges: Vec<ModelId>,
    /// Lines for every report, beside the plan's own.
    pub notes: Vec<String>,
    /// Lines that stand before all others.
    pub first_notes: Vec<String>,
    /// The arguments that ask for the same again.
    pub command: Vec<String>,
}

impl Assembly {
    /// Reads and checks everything.
    pub fn new(session: &Session, intent: Intent, running: &Running, out: &Output) -> Result<Self, Failure> {
        let trials = running.trials.unwrap_or(session.suite.trials);
        can_be_judged(&intent, running, trials)?;
        let (lineup, held_to) = lineup(session, &intent, trials)?;
        let versions = &lineup.versions;
        let models = session.models(&running.model, versions.first().map(|loaded| &*loaded.version))?;
        let live = running.live || running.records();
        if running.record == Some(None) {
            recordings::must_have_files(&models)?;
        }
        let recorded = recordings::open(session, &models, live)?;
        let prices = session.prices();
        let environment = |name: &str| std::env::var(name).ok();
        let setup = setup(session, (&prices, &environment), running, out);
        let tested = tested(&models, &recorded);
        let called_models: Vec<ModelId> = called(&tested).cloned().collect();
        let providers = ProviderSet::build(tested, &setup).map_err(setup_failure)?;
        let cases = session.cases()?;
        let grader = Arc::new(grader(session, versions)?);
        grader.warnings().iter().for_each(|warning| out.say(&diagnose::draw_warning(warning)));
        let mut notes = case_changes::notes(session, &held_to, cases.as_ref())?;
        let first_notes = Vec::from_iter(loosened(&intent.loosened));
        let max_age = intent.policy.as_ref().and_then(|policy| policy.max_age);
        let answers = StoredAnswers::of(&session.runs(), &digests(versions))?;
        let prepared = prepare(PlanRequest {
            suite: &session.suite,
            suite_path: session.suite_path.clone(),
            purpose: intent.purpose,
            policy: intent.policy,
            cases,
            models: planned(&models, &providers),
            lineup,
            grader,
            filter: conjunction(&running.filter),
            partition: running.partition,
            trials,
            seed: session.suite.seed,
            settings: settings(session, running),
        })?;
        prompts_can_be_said(&prepared, &providers)?;
        let judges = recordings::of_judges(session, &prepared.asked, live)?;
        let (asked, consultants) = asked(&prepared.asked, &judges);
        let called_judges: Vec<ModelId> = called(&asked).cloned().collect();
        notes.extend(judges_itself(&asked, &models));
        let providers = providers.with(asked, consultants, &setup).map_err(setup_failure)?;
        judges_can_be_asked(session, &providers)?;
        say_overridden(called_models.iter().chain(&called_judges), &setup, out);
        // One that cannot be opened is told once it is needed: who only looks does without. Where nothing may be called it
        // is needed now.
        let cache = match Cache::is_there(&session.runs()) {
            true if running.no_run => super::open_cache(session, running, out)?,
            true => super::open_cache(session, running, out).unwrap_or_default(),
            false => None,
        };
        let reuse = reuse(running, max_age);
        let supply = Supply {
            recordings: recorded,
            stored: stored(answers),
            kept: kept(cache.as_ref(), reuse),
            reuse,
            settled: None,
            questions: Arc::default(),
            begun: None,
            calls: if running.no_run { Calls::Forbidden } else { Calls::Allowed },
            prices: None,
        };
        let prepared = Arc::new(prepared);
        let command = intent.command;
        Ok(Self {
            prepared,
            supply,
            providers,
            models,
            cache,
            called_models,
            called_judges,
            notes,
            first_notes,
            command,
        })
    }

    /// What the models under test and those that assertions ask cost today, as far as that is known.
    pub fn prices(&self, session: &Session) -> BTreeMap<String, Price> {
        let asked = self.prepared.asked.iter().filter_map(|asked| match asked {
            Asked::Model(model, _) => Some(model),
            Asked::Consultant(_) => None,
        });
        session.prices().of_all(self.models.iter().map(|model| &model.id).chain(asked))
    }
}

/// Reads a variable of the environment.
type Environment = dyn Fn(&str) -> Option<String>;

/// What providers are built from.
fn setup<'a>(
    session: &'a Session,
    (prices, environment): (&'a Prices, &'a Environment),
    running: &Running,
    out: &'a Output,
) -> Setup<'a> {
    Setup {
        settings: &session.settings().providers,
        environment,
        tree: session.tree().as_ref(),
        root: session.root(),
        scrubber: &out.scrubber,
        prices,
        clock: Arc::new(SystemClock),
        // Who only looks runs nothing, and is told what would be run.
        allow_exec: running.allow_exec || running.only_looks || session.allows_programs(),
        keys: if running.only_looks || running.no_run { Keys::NotNeeded } else { Keys::NeededForCalls },
    }
}

/// Says where the environment is followed and not a file.
fn say_overridden<'a>(called: impl Iterator<Item = &'a ModelId>, setup: &Setup<'_>, out: &Output) {
    let names: BTreeSet<&str> = called.map(|id| &*id.provider).collect();
    for line in overridden(names, setup.settings, setup.environment) {
        out.say(&format!("note: {}", terminal_line(&line)));
    }
}

/// Providers of those alone whom assertions ask.
pub fn of_judges(
    session: &Session,
    wanted: &BTreeSet<Asked>,
    running: &Running,
    out: &Output,
) -> Result<ProviderSet, Failure> {
    let recorded = recordings::of_judges(session, wanted, running.live)?;
    let (models, consultants) = asked(wanted, &recorded);
    let prices = session.prices();
    let environment = |name: &str| std::env::var(name).ok();
    let setup = setup(session, (&prices, &environment), running, out);
    let none = ProviderSet::build(Vec::new(), &setup).map_err(setup_failure)?;
    let called: Vec<ModelId> = called(&models).cloned().collect();
    let providers = none.with(models, consultants, &setup).map_err(setup_failure)?;
    say_overridden(called.iter(), &setup, out);
    providers.must_have_keys(&called).map_err(setup_failure)?;
    Ok(providers)
}

/// What the change would have loosened, in one line.
fn loosened(what: &[String]) -> Option<String> {
    (!what.is_empty()).then(|| {
        format!(
            "this change loosens the gate, and is judged by the stricter of main's and its own until the looser one is on \
             main by itself: {}",
            what.join("; ")
        )
    })
}

/// What flags ask of a policy that its file could not know.
fn can_be_judged(intent: &Intent, running: &Running, trials: u32) -> Result<(), Failure> {
    let Some(policy) = &intent.policy else { return Ok(()) };
    if policy.scope == Scope::TheseCases && trials < 2 {
        return Err(Failure::usage("`scope = \"these-cases\"` needs at least two trials a case")
            .help("leave out `--trials 1`, or write `--trials 3`"));
    }
    if policy.sequential.is_some() && running.partition.is_some() {
        return Err(Failure::usage("a gate that may stop early runs in one piece: its looks are at the whole plan")
            .help("leave out `--partition`, or `--stop-early` and `sequential`"));
    }
    if policy.sequential.is_some() && policy.scope == Scope::TheseCases {
        return Err(Failure::usage("under `these-cases` every case is part of the question, so none can be left out")
            .help("leave out `--stop-early` and `sequential`, or judge the population"));
    }
    Ok(())
}

/// The versions of the plan and the parts they play, and the references of those held to. `run` takes all its candidates.
fn lineup(session: &Session, intent: &Intent, trials: u32) -> Result<(Lineup, Vec<Reference>), Failure> {
    let candidates = intent.candidates.iter().map(|reference| session.version(reference));
    let candidates = candidates.collect::<Result<Vec<_>, _>>()?;
    if candidates.is_empty() {
        return Err(Failure::usage("no version is named"));
    }
    let (mut baselines, mut held_to, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for reference in &intent.baselines {
        match session.baseline(reference)? {
            Baseline::Found(version) => {
                baselines.push(*version);
                held_to.push(reference.clone());
            }
            Baseline::Missing(why) => missing.push(why),
        }
    }
    // What needs no baseline is judged all the same; where nothing does, no call is worth making.
    let alone = |policy: &Policy| policy.checks.iter().any(|check| !check.needs_baseline());
    if let Some(why) = missing.first().filter(|_| baselines.is_empty() && !intent.policy.as_ref().is_some_and(alone)) {
        return Err(Failure::new(ExitCode::Invalid, format!("INVALID, baseline_missing: the baseline {why}")));
    }
    let mut lineup = Lineup { missing, ..Lineup::of(candidates, baselines) };
    for (at, version) in lineup.candidates.iter().enumerate() {
        if lineup.candidates[..at].contains(version) {
            let name = &intent.candidates[at];
            return Err(Failure::usage(format!(
                "the candidate `{name}` is there twice: one version has two names, or one name stands twice"
            ))
            .help("name each version once"));
        }
    }
    if intent.control {
        let stored = lineup.baselines.iter().any(|baseline| lineup.versions[*baseline].stored.is_some());
        if stored || lineup.baselines.is_empty() {
            return Err(Failure::usage(
                "the baseline cannot be run against itself: it is a stored run, or there is none",
            )
            .help("name a version as baseline, such as `--baseline triage`"));
        }
        lineup = lineup.with_controls(trials);
    }
    Ok((lineup, held_to))
}

fn digests(versions: &[LoadedVersion]) -> BTreeSet<promptgate_core::Digest> {
    versions.iter().map(|loaded| loaded.version.identity.digest).collect()
}

/// The models under test, and what answers for them.
fn tested(models: &[SuiteModel], recorded: &[Option<Arc<Recording>>]) -> Vec<ModelSetup> {
    let setup = |(model, recording): (&SuiteModel, &Option<Arc<Recording>>)| ModelSetup {
        id: model.id.clone(),
        answers: answers(recording.as_ref()),
        asked: BTreeSet::new(),
    };
    models.iter().zip(recorded).map(setup).collect()
}

/// What the settings of prompts ask of a provider that has no word for it.
fn prompts_can_be_said(prepared: &Prepared, providers: &ProviderSet) -> Result<(), Failure> {
    let samples = prepared.samples().map_err(|error| Failure::usage(error.to_string()))?;
    let named = |(version, request): (usize, RequestBody)| {
        (format!("`{}` says", prepared.plan.versions[version].reference), request)
    };
    can_be_said(samples.into_iter().map(named), providers)
}

/// The same of the suite's judges.
fn judges_can_be_asked(session: &Session, providers: &ProviderSet) -> Result<(), Failure> {
    let request = |judge: &SuiteJudge| {
        let request = RequestBody { parameters: judge.config.clone(), ..RequestBody::of(judge.id.clone(), Vec::new()) };
        ("its `[[judge]]` says".to_owned(), request)
    };
    can_be_said(session.suite.judges.iter().map(request), providers)
}

/// Known before a call, so it costs none. `samples` are requests, each with who asks for it.
fn can_be_said(samples: impl Iterator<Item = (String, RequestBody)>, providers: &ProviderSet) -> Result<(), Failure> {
    let mistake = |(says, request): (String, RequestBody)| {
        let why = providers.unsayable(&request)?;
        Some(Diagnostic::new(format!("`{}` cannot be asked what {says}: {why}", request.model)))
    };
    let mistakes: Vec<Diagnostic> = samples.filter_map(mistake).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(Diagnostics(mistakes).into()) }
}

/// A model is kind to what it wrote itself.
fn judges_itself(asked: &[ModelSetup], models: &[SuiteModel]) -> Option<String> {
    let own = asked
        .iter()
        .find(|judge| judge.asked.contains(&Task::Generate) && models.iter().any(|model| model.id == judge.id))?;
    Some(format!("{} judges its own answers, and models favour what they wrote: name another judge", own.id))
}

/// The models that no recording stands in for.
fn called(models: &[ModelSetup]) -> impl Iterator<Item = &ModelId> {
    models.iter().filter(|model| matches!(model.answers, AnswersFrom::Provider)).map(|model| &model.id)
}

fn answers(recording: Option<&Arc<Recording>>) -> AnswersFrom {
    recording.cloned().map_or(AnswersFrom::Provider, AnswersFrom::Recording)
}

/// Whom assertions ask: models, each with all that it is asked for, and programs and endpoints.
fn asked(asked: &BTreeSet<Asked>, judges: &[(ModelId, Arc<Recording>)]) -> (Vec<ModelSetup>, Vec<Consultant>) {
    let mut models: BTreeMap<&ModelId, BTreeSet<Task>> = BTreeMap::new();
    let mut consultants = Vec::new();
    for each in asked {
        match each {
            Asked::Model(model, task) => drop(models.entry(model).or_default().insert(*task)),
            Asked::Consultant(consultant) => consultants.push(consultant.clone()),
        }
    }
    let setup = |(id, asked): (&ModelId, BTreeSet<Task>)| {
        let recording = judges.iter().find(|(judge, _)| judge == id).map(|(_, recording)| recording);
        ModelSetup { id: id.clone(), answers: answers(recording), asked }
    };
    (models.into_iter().map(setup).collect(), consultants)
}

pub(super) fn setup_failure(error: SetupError) -> Failure {
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

/// What grades by the suite's assertions, over versions.
pub fn grader(session: &Session, versions: &[LoadedVersion]) -> Result<Grader, Failure> {
    let answers: Vec<_> = versions.iter().map(|loaded| loaded.version.front.answer.clone()).collect();
    let tools: Vec<_> = versions.iter().map(|loaded| loaded.version.front.tools.clone()).collect();
    Ok(Grader::new(GraderSpec {
        asserts: &session.suite.asserts,
        derived: &session.suite.metrics,
        judges: &session.suite.judges,
        answers: &answers,
        tools: &tools,
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
        _ if running.fresh || running.records() => Reuse::None,
        Some(seconds) => Reuse::Since(SystemClock.now_ms().saturating_sub(seconds * 1_000)),
        None => Reuse::All,
    }
}

/// What earlier runs hold. Where that is nothing, no trial has to be looked up.
fn stored(answers: StoredAnswers) -> Option<Arc<dyn AnswerCache>> {
    (!answers.is_empty()).then(|| Arc::new(answers) as Arc<dyn AnswerCache>)
}

/// What is kept, where calls will look for it. An empty cache is not worth a look for each trial.
fn kept(cache: Option<&Arc<Cache>>, reuse: Reuse) -> Option<Kept> {
    let cache = cache.filter(|cache| !cache.is_empty())?;
    Some(Kept { cache: cache.clone(), since_ms: reuse.since_ms()? })
}

/// The settings that say that a run takes over no answer of another one.
pub(super) const DRAW_ANEW: [&str; 2] = ["fresh", RECORD];

/// The setting of a run that is recorded.
pub(super) const RECORD: &str = "record";

/// What shaped the run, by flag. What cannot change a result (concurrency, reports) is left out.
fn settings(session: &Session, running: &Running) -> Map<String, Value> {
    let set = |is_set: bool| is_set.then_some(Value::Bool(true));
    let record = running.record.as_ref().map(|file| recordings::setting(session, file.as_deref()));
    let graded = running.graded.as_ref().map(|(_, run)| Value::from(run.clone()));
    let all = [
        (RunHeader::GRADES, graded),
        ("live", set(running.live)),
        (RECORD, record),
        ("fresh", set(running.fresh)),
        ("no-run", set(running.no_run)),
    ];
    all.into_iter().filter_map(|(flag, value)| Some((flag.to_owned(), value?))).collect()
}
