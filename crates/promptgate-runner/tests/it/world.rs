//! A world in memory: cases, a log that can fail, stored answers, and an answerer that does what a test says.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use promptgate_core::answer::{Answer, Failure, FailureKind, Response, Usage};
use promptgate_core::assertion::{AssertionSpec, Params};
use promptgate_core::case::{Case, CaseInput};
use promptgate_core::event::{Event, Listener};
use promptgate_core::format::prompt::from_sources;
use promptgate_core::name::{CaseId, ModelId, PromptId, RunId};
use promptgate_core::plan::{Partition, PlannedModel, TrialKey};
use promptgate_core::port::{
    AnswerCache, CaseSource, Clock, PortError, RunLog, StoredAnswer, Tree, TreeError, TreePath,
};
use promptgate_core::price::NanoUsd;
use promptgate_core::prompt::{SourceFile, Version};
use promptgate_core::record::{
    BegunTrial, HeaderVolatile, Purpose, RecordInMemory, RunHeader, SettledTrial, TrialVolatile,
};
use promptgate_core::request::{Origin, Request};
use promptgate_core::score::Tier;
use promptgate_core::selection::{Condition, Selection};
use promptgate_core::suite::Suite;
use promptgate_provider::{Answerer, BoxFuture, CalledFor};
use promptgate_runner::{
    Counts, FailedCases, Job, Limits, Lineup, LoadedModel, LoadedVersion, PlanRequest, PrepareError, Prepared,
    RunError, RunOutcome, Share, Stop, StoredRun, Supply, execute, prepare, survey,
};
use promptgate_scoring::assertion::AssertionKind;
use promptgate_scoring::grader::{Grader, GraderSpec};
use serde_json::{Map, Value, json};

/// Cases held in memory; `joined` are variables that a prompt adds, by its name.
#[derive(Default)]
pub struct Cases {
    pub cases: Vec<Case>,
    pub joined: HashMap<String, Map<String, Value>>,
    pub reads: AtomicUsize,
    /// The case that cannot be read any more, once so many cases were read.
    pub vanishes_after: Option<usize>,
}

impl CaseSource for Cases {
    fn len(&self) -> usize {
        self.cases.len()
    }

    fn case(&self, position: usize) -> Result<Case, PortError> {
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        match self.vanishes_after {
            Some(after) if reads >= after => Err(PortError::other("read cases.jsonl", "it is gone")),
            _ => Ok(self.cases[position].clone()),
        }
    }

    fn input(&self, case: &Case, prompt: &PromptId, _: &ModelId) -> Result<CaseInput, PortError> {
        let mut input = self.pairing_input(case)?;
        input.vars.extend(self.joined.get(&prompt.to_string()).cloned().unwrap_or_default());
        Ok(input)
    }

    fn pairing_input(&self, case: &Case) -> Result<CaseInput, PortError> {
        Ok(CaseInput { vars: case.vars.clone(), messages: case.messages.clone(), files: Vec::new() })
    }

    fn is_joined(&self) -> bool {
        !self.joined.is_empty()
    }
}

pub fn case(id: &str) -> Case {
    Case {
        id: CaseId::new(id).unwrap(),
        vars: vars(json!({"text": format!("text of {id}")})),
        messages: Vec::new(),
        expected: Value::Null,
        tags: Vec::new(),
        cluster: None,
        threshold: None,
        asserts: Vec::new(),
        origin: None,
        metadata: Map::new(),
        line: 1,
    }
}

pub fn vars(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// `count` cases, every third one tagged `third`.
pub fn cases(count: usize) -> Vec<Case> {
    let numbered = |number: usize| Case {
        line: number as u32 + 1,
        tags: if number.is_multiple_of(3) { vec!["third".to_owned()] } else { Vec::new() },
        ..case(&format!("case-{number}"))
    };
    (0..count).map(numbered).collect()
}

/// A version of the prompt `triage` in a variant, over a template.
pub fn version(variant: &str, template: &str) -> LoadedVersion {
    let id = if variant.is_empty() { "triage".to_owned() } else { format!("triage.{variant}") };
    let file = SourceFile { path: format!("prompts/{id}.prompt"), text: template.to_owned() };
    let version: Version = from_sources(&PromptId::new(&id).unwrap(), &[file]).unwrap();
    LoadedVersion { reference: id, version: Arc::new(version), stored: None, again: 0 }
}

pub fn model(name: &str) -> LoadedModel {
    let planned = PlannedModel {
        id: ModelId::new(name).unwrap(),
        config: Map::new(),
        tier: Tier::Critical,
        source: "https://models.test/v1".to_owned(),
        timeout_ms: 60_000,
        cases: None,
    };
    LoadedModel { planned, cases: None }
}

pub fn assertion(kind: &str, params: Value) -> AssertionSpec {
    AssertionSpec {
        kind: kind.to_owned(),
        name: format!("{kind}#1"),
        not: false,
        weight: 1.0,
        threshold: None,
        extract: None,
        metric: None,
        tier: Tier::Critical,
        when: None,
        params: Params::of(vars(params)),
        members: Vec::new(),
    }
}

pub fn tagged(tag: &str) -> Selection {
    Selection { all: vec![Condition::Tag(vec![tag.to_owned()])] }
}

/// What a test plans; every field has a plain default.
pub struct Setting {
    pub cases: Arc<Cases>,
    pub candidate: LoadedVersion,
    pub baselines: Vec<LoadedVersion>,
    pub models: Vec<LoadedModel>,
    pub asserts: Vec<AssertionSpec>,
    pub kinds: Vec<&'static AssertionKind>,
    pub policy: Option<promptgate_core::gate::Policy>,
    pub purpose: Purpose,
    pub filter: Option<Selection>,
    pub partition: Option<Partition>,
    pub trials: u32,
    pub seed: u64,
}

impl Setting {
    /// One version and one model over some cases; an output passes when it says `ok`.
    pub fn of(cases: Vec<Case>) -> Self {
        Self {
            cases: Arc::new(Cases { cases, ..Cases::default() }),
            candidate: version("", "{{text}}"),
            baselines: Vec::new(),
            models: vec![model("scripted/one")],
            asserts: vec![assertion("contains", json!({"value": "ok"}))],
            kinds: Vec::new(),
            policy: None,
            purpose: Purpose::Run,
            filter: None,
            partition: None,
            trials: 1,
            seed: 7,
        }
    }

    /// The same with a second version as the baseline.
    pub fn compared(cases: Vec<Case>) -> Self {
        let baselines = vec![version("terse", "Briefly: {{text}}")];
        Self { baselines, purpose: Purpose::Compare, ..Self::of(cases) }
    }

    pub fn prepare(&self) -> Result<Prepared, PrepareError> {
        let lineup = Lineup::of(vec![self.candidate.clone()], self.baselines.clone());
        let answers = vec![None; lineup.versions.len()];
        let (tree, folder) = (Arc::new(NoTree), TreePath::new("").unwrap());
        let spec = GraderSpec {
            asserts: &self.asserts,
            derived: &[],
            judges: &[],
            answers: &answers,
            tools: &[],
            tree,
            folder,
        };
        let grader = Arc::new(Grader::with_kinds(spec, &self.kinds).unwrap());
        prepare(PlanRequest {
            suite: &suite(),
            suite_path: "suites/triage".to_owned(),
            purpose: self.purpose,
            policy: self.policy.clone(),
            cases: self.cases.clone(),
            lineup,
            models: self.models.clone(),
            grader,
            filter: self.filter.clone(),
            partition: self.partition,
            trials: self.trials,
            seed: self.seed,
            settings: Map::new(),
        })
    }

    pub fn prepared(&self) -> Arc<Prepared> {
        Arc::new(self.prepare().unwrap_or_else(|error| panic!("{error}")))
    }
}

fn suite() -> Suite {
    let text = "name = \"triage\"\nprompt = \"triage\"\n[cases]\nfile = \"cases.jsonl\"\n";
    promptgate_core::format::suite::parse(text, "suite.toml", &Default::default()).unwrap()
}

struct NoTree;

impl Tree for NoTree {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, TreeError> {
        Err(TreeError::Missing { tree: self.name(), path: path.to_string() })
    }

    fn list(&self, _: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        Ok(Vec::new())
    }

    fn name(&self) -> String {
        "nothing".to_owned()
    }
}

/// A log held in memory, which can fail at the n-th append or commit.
#[derive(Clone, Default)]
pub struct Log {
    pub disk: Arc<Mutex<Disk>>,
    pub fails_at_append: Option<u64>,
    pub fails_at_finish: bool,
    pub other_error: bool,
}

#[derive(Default)]
pub struct Disk {
    pub committed: Vec<SettledTrial>,
    pub open: Vec<SettledTrial>,
    pub begun: BTreeMap<u64, BegunTrial>,
    pub appends: u64,
    pub commits: u64,
    pub finished: bool,
}

impl Log {
    fn error(&self) -> PortError {
        let kind = if self.other_error { std::io::ErrorKind::InvalidData } else { std::io::ErrorKind::StorageFull };
        PortError::io("write the log", std::io::Error::new(kind, "no space left on device"))
    }

    /// What is on disk, in plan order.
    pub fn settled(&self) -> Vec<SettledTrial> {
        let mut settled = self.disk.lock().unwrap().committed.clone();
        settled.sort_by_key(|trial| trial.trial);
        settled
    }

    /// What is on disk, without what may differ between equal runs.
    pub fn stable(&self) -> Vec<SettledTrial> {
        let stable = |trial| SettledTrial { volatile: TrialVolatile::default(), ..trial };
        self.settled().into_iter().map(stable).collect()
    }
}

impl RunLog for Log {
    fn append(&mut self, trial: &SettledTrial) -> Result<usize, PortError> {
        let mut disk = self.disk.lock().unwrap();
        disk.appends += 1;
        if self.fails_at_append.is_some_and(|at| disk.appends >= at) {
            return Err(self.error());
        }
        disk.open.push(trial.clone());
        Ok(disk.open.len() * 1_000)
    }

    fn append_begun(&mut self, trial: &BegunTrial) -> Result<usize, PortError> {
        let mut disk = self.disk.lock().unwrap();
        disk.begun.insert(trial.trial, trial.clone());
        Ok((disk.open.len() + 1) * 1_000)
    }

    fn commit(&mut self) -> Result<(), PortError> {
        let mut disk = self.disk.lock().unwrap();
        disk.commits += 1;
        let mut open = std::mem::take(&mut disk.open);
        disk.committed.append(&mut open);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PortError> {
        if self.fails_at_finish {
            return Err(self.error());
        }
        self.commit()?;
        self.disk.lock().unwrap().finished = true;
        Ok(())
    }
}

/// Answers held in memory.
#[derive(Default)]
pub struct Answers(pub HashMap<TrialKey, StoredAnswer>);

impl Answers {
    /// What a run settled, as a later run finds it.
    pub fn of(trials: &[SettledTrial]) -> Self {
        let stored = |trial: &SettledTrial| {
            let answer = StoredAnswer {
                response: trial.response.clone()?,
                request: trial.request?,
                draw: trial.draw,
                run: RunId::new("earlier").unwrap(),
                answered_ms: trial.volatile.answered_ms,
                outcome: trial.outcome,
                metrics: trial.metrics.clone(),
            };
            Some((trial.key?, answer))
        };
        Self(trials.iter().filter_map(stored).collect())
    }
}

impl AnswerCache for Answers {
    fn find(&self, key: &TrialKey) -> Result<Option<StoredAnswer>, PortError> {
        Ok(self.0.get(key).cloned())
    }

    fn before(&self, _key: &TrialKey, _draw: u32) -> Result<Vec<StoredAnswer>, PortError> {
        Ok(Vec::new())
    }
}

pub struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> u64 {
        43_200_000
    }

    fn now_text(&self) -> String {
        "1970-01-01T12:00:00Z".to_owned()
    }
}

type Script = dyn Fn(&Request, u64) -> Act + Send + Sync;

/// What the model does with one request.
pub enum Act {
    Say(String),
    SayAfter(Duration, String),
    /// Wait until so many calls were made.
    SayOnceCalled(u64, String),
    Fail(FailureKind),
    /// Say it, at a cost in billionths of a dollar.
    Cost(u64, String),
    /// What may be spent is spent, after so many attempts that cost so much.
    Spent {
        attempts: u32,
        wasted: u64,
    },
    Panic,
    Never,
}

/// A model that does what a test says, given the request and the number of the call, from 0.
pub struct Model {
    script: Box<Script>,
    pub calls: AtomicU64,
    pub now: AtomicUsize,
    pub most: AtomicUsize,
    /// The model that answers nothing until so many calls were made.
    pub held: Option<(&'static str, u64)>,
    /// The requests in the order they were made.
    pub asked: Mutex<Vec<(String, u32)>>,
}

impl Model {
    pub fn new(script: impl Fn(&Request, u64) -> Act + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            calls: AtomicU64::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            held: None,
            asked: Mutex::default(),
        })
    }

    /// Says `ok` to all but every seventh request, by its digest.
    pub fn steady() -> Arc<Self> {
        Self::new(|request, _| Act::Say(steady(request)))
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    async fn act(&self, request: Request) -> Answer {
        let _here = Here::enter(self);
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let prompt = match &request.origin {
            Origin::Trial { prompt, case } => format!("{prompt}/{case}"),
            Origin::Ask { assertion, case, .. } => format!("{assertion}/{case}"),
        };
        self.asked.lock().unwrap().push((prompt, request.repeat));
        match (self.script)(&request, call) {
            Act::Say(text) => Answer::of(Response::text(text)),
            Act::SayAfter(time, text) => {
                tokio::time::sleep(time).await;
                Answer::of(Response::text(text))
            }
            Act::SayOnceCalled(calls, text) => {
                let mut patience = 20_000;
                while self.calls() < calls && patience > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    patience -= 1;
                }
                Answer::of(Response::text(text))
            }
            Act::Fail(kind) => Answer::failed(Failure::new(kind, "as scripted")),
            Act::Cost(cost, text) => Answer::of(Response {
                cost: Some(NanoUsd(cost)),
                usage: Some(Usage::default()),
                ..Response::text(text)
            }),
            Act::Spent { attempts, wasted } => {
                let failure = Failure::new(FailureKind::Budget, "as scripted");
                Answer { attempts, wasted: Some(NanoUsd(wasted)), wasted_unpriced: attempts, ..Answer::failed(failure) }
            }
            Act::Panic => panic!("as scripted"),
            Act::Never => std::future::pending().await,
        }
    }
}

struct Here<'a>(&'a Model);

impl<'a> Here<'a> {
    fn enter(model: &'a Model) -> Self {
        let now = model.now.fetch_add(1, Ordering::SeqCst) + 1;
        model.most.fetch_max(now, Ordering::SeqCst);
        Self(model)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

pub fn steady(request: &Request) -> String {
    let number = request.digest.prefix128() as u64 ^ u64::from(request.repeat);
    if number.is_multiple_of(7) { format!("no {number}") } else { format!("ok {number}") }
}

impl Answerer for Model {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(self.act(request))
    }

    fn is_held(&self, model: &ModelId, _: CalledFor) -> bool {
        self.held.is_some_and(|(held, until)| *model.model == *held && self.calls() < until)
    }
}

/// All a test needs to carry a plan out.
pub struct World {
    pub prepared: Arc<Prepared>,
    pub supply: Supply,
    pub model: Arc<Model>,
    pub log: Log,
    pub events: Arc<Mutex<Vec<Event>>>,
    pub stop: Stop,
    pub limits: Limits,
}

impl World {
    pub fn of(setting: &Setting, model: Arc<Model>) -> Self {
        Self {
            prepared: setting.prepared(),
            supply: Supply::default(),
            model,
            log: Log::default(),
            events: Arc::default(),
            stop: Stop::new(),
            limits: Limits::default(),
        }
    }

    pub fn counts(&self) -> Counts {
        survey(&self.prepared, &self.supply, &Share::Planned).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn run(&self) -> Result<RunOutcome, RunError> {
        let events = self.events.clone();
        self.run_heard(Arc::new(move |event| events.lock().unwrap().push(event)))
    }

    pub fn run_heard(&self, listener: Listener) -> Result<RunOutcome, RunError> {
        let mut failed = FailedCases::default();
        self.log.settled().iter().for_each(|trial| failed.add(&self.prepared.plan, trial, self.limits.max_fail));
        execute(Job {
            prepared: self.prepared.clone(),
            share: Share::Planned,
            supply: self.supply.clone(),
            counts: self.counts(),
            answerer: self.model.clone(),
            log: Box::new(self.log.clone()),
            clock: Arc::new(Noon),
            listener,
            stop: self.stop.clone(),
            limits: self.limits,
            failed,
        })
    }

    /// The run goes through; what it settled, in plan order.
    pub fn complete(&self) -> Vec<SettledTrial> {
        match self.run() {
            Ok(RunOutcome::Complete(_)) => self.log.stable(),
            other => panic!("{other:?}"),
        }
    }

    /// What this run settled is settled already for the next one, which writes into the same log.
    pub fn resumed(&self, model: Arc<Model>) -> Self {
        let indices: Vec<u64> = self.log.settled().iter().map(|trial| trial.trial).collect();
        let begun = self.log.disk.lock().unwrap().begun.clone();
        let log = Log::default();
        log.disk.lock().unwrap().committed = self.log.settled();
        let supply = Supply {
            settled: Some(Arc::new(move |trial| indices.binary_search(&trial).is_ok())),
            questions: Arc::default(),
            begun: Some(Arc::new(move |trial| Ok(begun.get(&trial).cloned()))),
            ..self.supply.clone()
        };
        Self {
            prepared: self.prepared.clone(),
            supply,
            model,
            log,
            events: Arc::default(),
            stop: Stop::new(),
            limits: self.limits,
        }
    }

    /// What is on disk, as a stored run.
    pub fn stored(&self) -> Arc<RecordInMemory> {
        let header = self.header();
        Arc::new(RecordInMemory { header, trials: self.log.settled() })
    }

    pub fn header(&self) -> RunHeader {
        self.prepared.header(HeaderVolatile {
            run: RunId::new("earlier").unwrap(),
            started: "1970-01-01T12:00:00Z".to_owned(),
            promptgate: "0.1.0".to_owned(),
            command: Vec::new(),
        })
    }
}

/// A version whose trials come from a stored run.
pub fn from_run(version: LoadedVersion, record: Arc<RecordInMemory>) -> LoadedVersion {
    LoadedVersion { stored: Some(StoredRun { record, version: 0 }), reference: "run:earlier".to_owned(), ..version }
}
