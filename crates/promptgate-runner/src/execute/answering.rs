//! The first stage: which trial comes next, and where its answer comes from. Many tasks share one desk; what they hold at
//! a time is bounded by their number.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::FutureExt;
use promptgate_core::answer::{Answer, Failure, FailureKind, Response};
use promptgate_core::case::Case;
use promptgate_core::digest::Digest;
use promptgate_core::event::{Event, Listener};
use promptgate_core::name::RunId;
use promptgate_core::plan::{TrialAddress, TrialKey};
use promptgate_core::port::{Clock, PortError, StoredAnswer};
use promptgate_core::price::NanoUsd;
use promptgate_core::record::{BegunTrial, EarlierDraw, SettledCase, SettledTrial, TrialVolatile};
use promptgate_core::request::Request;
use promptgate_core::score::Outcome;
use promptgate_provider::Answerer;
use promptgate_scoring::grader::{GradeInput, Graded, Grader, Grading};
use tokio::sync::mpsc;

use crate::order::Order;
use crate::prepare::{OpenTrial, Prepared};
use crate::share::Share;
use crate::stop::Stop;
use crate::survey::{Calls, Supply};

/// What the answering tasks share.
pub(crate) struct Desk {
    pub(crate) prepared: Arc<Prepared>,
    share: Share,
    pub(crate) supply: Supply,
    pub(crate) answerer: Arc<dyn Answerer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listener: Listener,
    pub(crate) stop: Stop,
    pub(crate) order: Order,
    next: AtomicU64,
    in_flight: AtomicUsize,
    /// By model, why it is no longer called: its quota or credential is gone.
    gone: Vec<OnceLock<Failure>>,
    /// Set once enough cases have failed.
    pub(crate) skipping: AtomicBool,
    /// Why the run cannot go on.
    broken: Mutex<Option<Broken>>,
}

/// Why a run cannot go on.
pub(crate) enum Broken {
    /// A case or a stored answer does not read.
    Read(PortError),
    /// Something of ours panicked outside of a call.
    Bug(&'static str),
}

/// A trial with its answer, on its way to be scored.
pub(crate) struct Answered {
    pub(crate) address: TrialAddress,
    pub(crate) case: Arc<Case>,
    settled_case: SettledCase,
    key: Option<TrialKey>,
    request: Option<Digest>,
    draw: u32,
    /// Nothing where the trial is skipped.
    result: Option<Result<Arc<Response>, Failure>>,
    pub(crate) called: bool,
    judge_cost: Option<NanoUsd>,
    judge_unpriced: u32,
    asked: Asked,
    /// Whether something was paid for that the log does not know of.
    is_news: bool,
    /// Whether asks of its assertions were served already.
    pub(crate) is_asked_about: bool,
    /// What the trial was answered in earlier draws.
    earlier: Vec<StoredAnswer>,
    volatile: TrialVolatile,
}

/// What asks of a trial's assertions cost, as far as that is no part of the judging that its grade rests on.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    /// What replies cost that were got before the run was broken off.
    before: Option<NanoUsd>,
    /// What replies cost that the cache had kept: paid for before.
    kept: Option<NanoUsd>,
}

impl Asked {
    /// What was paid for and served no grade, since it was not kept.
    fn in_vain(self) -> Option<NanoUsd> {
        self.before.map(|before| before.less(self.kept.unwrap_or_default())).filter(|vain| *vain > NanoUsd::default())
    }
}

/// What serving the asks of a trial's assertions took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asking {
    /// Calls made.
    pub(crate) attempts: u32,
    /// What the replies cost, where it is known.
    pub(crate) cost: Option<NanoUsd>,
    /// Of that, what replies cost that the cache had kept.
    pub(crate) kept: Option<NanoUsd>,
    /// Replies of which it is not.
    pub(crate) unpriced: u32,
    /// What failed attempts cost, where it is known.
    pub(crate) wasted: Option<NanoUsd>,
}

impl Asking {
    pub(crate) fn add(&mut self, answer: &Answer) {
        self.attempts += answer.attempts;
        if let Ok(response) = &answer.result {
            self.cost = sum(self.cost, response.cost);
            self.kept = sum(self.kept, response.cost.filter(|_| answer.attempts == 0));
            // What counts no tokens (moderation, say) has no price.
            self.unpriced += u32::from(response.cost.is_none() && response.usage.is_some());
        }
        self.wasted = sum(self.wasted, answer.wasted);
    }
}

/// The sum of what is known; unknown where nothing is.
fn sum(one: Option<NanoUsd>, other: Option<NanoUsd>) -> Option<NanoUsd> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.plus(other)),
        (one, other) => one.or(other),
    }
}

/// The next thing a task does.
enum Turn {
    /// The answer is there.
    Answered(Box<Answered>),
    /// A call is to be made.
    Call(Box<(Answered, Request)>),
}

impl Desk {
    pub(crate) fn new(job: &crate::execute::Job) -> Self {
        Self {
            prepared: job.prepared.clone(),
            share: job.share.clone(),
            supply: job.supply.clone(),
            answerer: job.answerer.clone(),
            clock: job.clock.clone(),
            listener: job.listener.clone(),
            stop: job.stop.clone(),
            order: Order::of(&job.prepared.plan),
            next: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            gone: job.prepared.plan.models.iter().map(|_| OnceLock::new()).collect(),
            skipping: AtomicBool::new(false),
            broken: Mutex::new(None),
        }
    }

    /// One of the tasks: takes trials until there are none left or the run stops.
    pub(crate) async fn work(self: Arc<Self>, answered: mpsc::Sender<Answered>) {
        while let Some(turn) = self.turn() {
            if answered.send(self.take(turn).await).await.is_err() {
                return;
            }
        }
    }

    /// Notes why the run cannot go on, and stops it. The first reason stays.
    pub(crate) fn break_off(&self, broken: Broken) {
        let reason = match &broken {
            Broken::Read(error) => error.to_string(),
            Broken::Bug(what) => format!("a bug of promptgate: {what}"),
        };
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(broken);
        self.stop.stop(reason);
    }

    /// Why the run could not go on, if it could not.
    pub(crate) fn broken(&self) -> Option<Broken> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The next trial, read and looked up.
    fn turn(&self) -> Option<Turn> {
        if self.stop.is_pulled() {
            return None;
        }
        let address = self.next_due()?;
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.ready(address))) {
            Ok(Ok(turn)) => return Some(turn),
            Ok(Err(error)) => self.break_off(Broken::Read(error)),
            Err(_) => self.break_off(Broken::Bug("a trial could not be made ready")),
        }
        None
    }

    fn next_due(&self) -> Option<TrialAddress> {
        loop {
            let address = self.trial(self.next.fetch_add(1, Ordering::Relaxed))?;
            if self.prepared.is_due(&self.share, address) && !self.supply.is_settled(self.prepared.plan.index(address))
            {
                return Some(address);
            }
        }
    }

    /// The trial of a step; nothing when all steps are done.
    fn trial(&self, step: u64) -> Option<TrialAddress> {
        match &self.share {
            Share::Confirmations(wanted) => wanted.get(usize::try_from(step).ok()?).copied(),
            Share::Planned | Share::Batch(_) => (step < self.order.len()).then(|| self.order.trial(step)),
        }
    }

    fn ready(&self, address: TrialAddress) -> Result<Turn, PortError> {
        let case = Arc::new(self.prepared.case(address.case)?);
        let trial = self.prepared.open(address, &case)?;
        let begun = self.supply.begun(self.prepared.plan.index(address))?;
        let turn = self.turn_of(trial, begun.as_ref())?;
        Ok(match begun {
            Some(begun) => turn.paid(&begun),
            None => turn,
        })
    }

    /// The next thing to be done for a trial, which may have been answered before the run was broken off.
    fn turn_of(&self, trial: OpenTrial, begun: Option<&BegunTrial>) -> Result<Turn, PortError> {
        let address = trial.address;
        if self.skipping.load(Ordering::Relaxed) {
            return Ok(Turn::answered(Answered::skipped(trial)));
        }
        if let Some((begun, response)) = begun.and_then(|begun| Some((begun, begun.response.clone()?))) {
            let earlier = self.supply.earlier(&trial.key, begun.draw)?;
            return Ok(Turn::answered(Answered::begun(trial, begun, response)).after(earlier));
        }
        if self.prepared.retakes[address.version].is_some() {
            return Ok(Turn::answered(self.retaken(trial)?));
        }
        let stored = self.supply.stored(address.model, &trial.key)?;
        let (draw, stored) = match stored {
            Some((stored, true)) => (stored.draw, Some(stored)),
            before => (self.draw(before.map(|(stored, _)| stored)), None),
        };
        let earlier = self.supply.earlier(&trial.key, draw)?;
        let turn = match stored {
            Some(stored) => Turn::answered(Answered::stored(trial, stored)),
            None => self.asked(trial, draw),
        };
        Ok(turn.after(earlier))
    }

    /// Which draw a call is: one more than the stored one where it is drawn anew on purpose, the same where the stored
    /// one is only too old.
    fn draw(&self, stored: Option<StoredAnswer>) -> u32 {
        let anew = u32::from(self.supply.reuse == crate::survey::Reuse::None);
        stored.map_or(1, |stored| stored.draw + anew)
    }

    fn asked(&self, trial: OpenTrial, draw: u32) -> Turn {
        let model = trial.address.model;
        // What the cache holds is served below, and nothing else.
        let may_be_there = self.supply.recording(model).is_some() || self.supply.kept.is_some();
        if self.supply.calls == Calls::Forbidden && !may_be_there {
            let failure = Failure::new(FailureKind::MissingRecording, "not stored, and `--no-run` forbids calls");
            return Turn::answered(Answered::of(trial, draw).failed(failure));
        }
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.prepared.request(&trial))) {
            Ok(Ok(request)) => {
                let answered = Answered { request: Some(request.digest), ..Answered::of(trial, draw) };
                Turn::Call(Box::new((answered, request)))
            }
            Ok(Err(error)) => Turn::answered(
                Answered::of(trial, draw).failed(Failure::new(FailureKind::BadRequest, error.to_string())),
            ),
            Err(panic) => Turn::answered(Answered::of(trial, draw).failed(bug(&*panic))),
        }
    }

    /// The trial of the stored run that is the baseline.
    fn retaken(&self, trial: OpenTrial) -> Result<Answered, PortError> {
        let address = trial.address;
        let Some(retake) = &self.prepared.retakes[address.version] else { return Ok(Answered::of(trial, 1)) };
        let run = self.prepared.stored_run(address.version);
        let planned = &self.prepared.plan.cases[address.case];
        let found =
            retake.find(address.model, planned, address.repeat)?.filter(|each| each.outcome != Outcome::Skipped);
        Ok(match found {
            Some(stored) => Answered::retaken(trial, stored, run),
            None => {
                let run = run.map_or_else(|| "the stored run".to_owned(), |run| format!("run {run}"));
                let failure = Failure::new(FailureKind::MissingRecording, format!("not in {run}"));
                Answered { key: None, ..Answered::of(trial, 1) }.failed(failure)
            }
        })
    }

    /// The answer of a turn.
    async fn take(&self, turn: Turn) -> Answered {
        match turn {
            Turn::Answered(answered) => *answered,
            Turn::Call(call) => {
                let (answered, request) = *call;
                self.call(answered, request).await
            }
        }
    }

    async fn call(&self, answered: Answered, request: Request) -> Answered {
        let model = answered.address.model;
        if let Some(failure) = self.gone[model].get() {
            let message = format!("not called, since an earlier call was refused: {}", failure.message);
            return answered.failed(Failure { message, ..failure.clone() });
        }
        let replayed = self.supply.recording(model).is_some();
        let flight = (!replayed).then(|| InFlight::take_off(self));
        let answer = AssertUnwindSafe(self.answerer.answer(request)).catch_unwind().await;
        drop(flight);
        let answer = answer.unwrap_or_else(|panic| Answer::failed(bug(&*panic)));
        self.stops_at(&answer);
        self.note_gone(model, &answer);
        answered.answered(answer, replayed, self.clock.now_ms())
    }

    /// Whether an answer says that the run may spend no more; then it is stopped.
    pub(crate) fn stops_at(&self, answer: &Answer) -> bool {
        match &answer.result {
            Err(failure) if failure.kind == FailureKind::Budget => {
                self.stop.stop(failure.message.clone());
                true
            }
            _ => false,
        }
    }

    /// Once a quota or a credential is gone, calling that model again is in vain.
    fn note_gone(&self, model: usize, answer: &Answer) {
        // What was not called says only that another call was refused, which is noted by that one.
        if let Err(failure) = &answer.result
            && answer.attempts > 0
            && matches!(failure.kind, FailureKind::Quota | FailureKind::Credential)
        {
            let _ = self.gone[model].set(failure.clone());
        }
    }
}

/// Counts a call while it is under way, however it ends.
struct InFlight<'a>(&'a Desk);

impl<'a> InFlight<'a> {
    fn take_off(desk: &'a Desk) -> Self {
        let now = desk.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        (desk.listener)(Event::InFlight(now));
        Self(desk)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let now = self.0.in_flight.fetch_sub(1, Ordering::Relaxed) - 1;
        (self.0.listener)(Event::InFlight(now));
    }
}

impl Turn {
    fn answered(answered: Answered) -> Self {
        Self::Answered(Box::new(answered))
    }

    /// The same, with the earlier draws of the trial.
    fn after(mut self, earlier: Vec<StoredAnswer>) -> Self {
        self.trial().earlier = earlier;
        self
    }

    /// The same, with what was paid for the trial before the run was broken off.
    fn paid(mut self, begun: &BegunTrial) -> Self {
        let trial = self.trial();
        trial.volatile.attempts = begun.volatile.attempts;
        trial.volatile.wasted = begun.volatile.wasted;
        trial.asked.before = begun.asked;
        self
    }

    fn trial(&mut self) -> &mut Answered {
        match self {
            Self::Answered(answered) => answered,
            Self::Call(call) => &mut call.0,
        }
    }
}

/// What a panic is to a trial: missing, through no fault of the candidate's.
pub(crate) fn bug(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Failure::new(FailureKind::Bug, format!("a bug of promptgate: {}", text.unwrap_or("a panic without a message")))
}

impl Answered {
    fn of(trial: OpenTrial, draw: u32) -> Self {
        Self {
            address: trial.address,
            case: trial.case,
            settled_case: trial.settled_case,
            key: Some(trial.key),
            request: None,
            draw,
            result: None,
            called: false,
            judge_cost: None,
            judge_unpriced: 0,
            asked: Asked::default(),
            is_news: false,
            is_asked_about: false,
            earlier: Vec::new(),
            volatile: TrialVolatile { groups: trial.groups, ..TrialVolatile::default() },
        }
    }

    fn skipped(trial: OpenTrial) -> Self {
        Self { key: None, ..Self::of(trial, 1) }
    }

    fn failed(self, failure: Failure) -> Self {
        Self { result: Some(Err(failure)), ..self }
    }

    /// An answer of an earlier run.
    fn stored(trial: OpenTrial, stored: StoredAnswer) -> Self {
        let trial = Self::of(trial, stored.draw);
        Self {
            request: Some(stored.request),
            result: Some(Ok(Arc::new(stored.response))),
            volatile: TrialVolatile { reused: Some(stored.run), answered_ms: stored.answered_ms, ..trial.volatile },
            ..trial
        }
    }

    /// An answer that was got before the run was broken off.
    fn begun(trial: OpenTrial, begun: &BegunTrial, response: Response) -> Self {
        let trial = Self::of(trial, begun.draw);
        let BegunTrial { volatile: TrialVolatile { reused, kept, answered_ms, .. }, .. } = begun;
        Self {
            key: begun.key,
            request: begun.request,
            result: Some(Ok(Arc::new(response))),
            volatile: TrialVolatile {
                reused: reused.clone(),
                kept: *kept,
                answered_ms: *answered_ms,
                ..trial.volatile
            },
            ..trial
        }
    }

    /// A trial of the run that is the baseline: its answer, or that it had none.
    fn retaken(trial: OpenTrial, stored: SettledTrial, run: Option<RunId>) -> Self {
        let unanswered = || match (stored.failure, stored.error) {
            (Some(failure), _) | (None, Some(promptgate_core::record::TrialError::Unanswered(failure))) => failure,
            _ => Failure::new(FailureKind::MissingRecording, "the stored run holds no answer"),
        };
        let trial = Self::of(trial, stored.draw);
        Self {
            key: stored.key,
            request: stored.request,
            result: Some(stored.response.map(Arc::new).ok_or_else(unanswered)),
            volatile: TrialVolatile { reused: run, answered_ms: stored.volatile.answered_ms, ..trial.volatile },
            ..trial
        }
    }

    fn answered(self, answer: Answer, replayed: bool, now_ms: u64) -> Self {
        Self {
            called: !replayed && answer.attempts > 0,
            is_news: answer.attempts > 0,
            volatile: TrialVolatile {
                attempts: self.volatile.attempts + answer.attempts,
                wasted: sum(self.volatile.wasted, answer.wasted),
                kept: answer.answered_ms.is_some(),
                answered_ms: answer.answered_ms.unwrap_or(now_ms),
                ..self.volatile
            },
            result: Some(answer.result.map(Arc::new)),
            ..self
        }
    }

    /// Whether there is something to be graded.
    pub(crate) fn is_graded(&self) -> bool {
        self.result.is_some() && !self.is_cut_short()
    }

    /// Whether it was not answered because the run may spend no more: it is left for a resume.
    pub(crate) fn is_cut_short(&self) -> bool {
        matches!(&self.result, Some(Err(failure)) if failure.kind == FailureKind::Budget)
    }

    /// What the log is to know of it before it is settled; nothing where it knows that already.
    pub(crate) fn news(&mut self, index: u64) -> Option<BegunTrial> {
        let asked = self.judge_cost.map(|cost| cost.less(self.asked.kept.unwrap_or_default()));
        std::mem::take(&mut self.is_news).then(|| BegunTrial {
            trial: index,
            draw: self.draw,
            key: self.key,
            request: self.request,
            response: self.result.as_ref().and_then(|result| result.as_deref().ok().cloned()),
            asked: sum(self.asked.before, asked),
            // Groups are those of the case, which a resume reads again.
            volatile: TrialVolatile { groups: Default::default(), ..self.volatile.clone() },
        })
    }

    /// Adds what serving the asks of its assertions took.
    pub(crate) fn add_asking(&mut self, asking: &Asking) {
        self.volatile.attempts += asking.attempts;
        self.volatile.wasted = sum(self.volatile.wasted, asking.wasted);
        self.judge_cost = sum(self.judge_cost, asking.cost);
        self.judge_unpriced += asking.unpriced;
        self.asked.kept = sum(self.asked.kept, asking.kept);
        self.is_news |= asking.attempts > 0;
        self.is_asked_about = true;
    }

    /// What is to be graded; nothing where the trial is skipped.
    pub(crate) fn grade_input(&self) -> Option<GradeInput> {
        let response = self.result.clone().filter(|_| !self.is_cut_short())?;
        Some(GradeInput { version: self.address.version, case: self.case.clone(), response })
    }

    /// The earlier draws, graded as this one; those whose grading asks a judge keep the grades they were given then.
    fn earlier(&self, grader: &Grader) -> Vec<EarlierDraw> {
        let draw = |stored: &StoredAnswer| {
            let input = GradeInput {
                version: self.address.version,
                case: self.case.clone(),
                response: Ok(Arc::new(stored.response.clone())),
            };
            let (outcome, metrics) = match grader.grade(input) {
                Grading::Done(graded) => (graded.outcome, graded.metrics),
                Grading::Ask(..) => (stored.outcome, stored.metrics.clone()),
            };
            EarlierDraw {
                draw: stored.draw,
                run: stored.run.clone(),
                outcome,
                metrics,
                cost: stored.response.cost,
                usage: stored.response.usage,
                latency_ms: stored.response.latency_ms,
            }
        };
        self.earlier.iter().map(draw).collect()
    }

    /// The trial as it came out. Without a grading it is skipped.
    pub(crate) fn settle(mut self, index: u64, graded: Option<Graded>, grader: &Grader) -> SettledTrial {
        let earlier = self.earlier(grader);
        self.volatile.wasted = sum(self.volatile.wasted, self.asked.in_vain());
        let graded = graded.unwrap_or_else(|| Graded {
            outcome: Outcome::Skipped,
            error: None,
            score: None,
            assertions: Vec::new(),
            metrics: Default::default(),
        });
        let (response, failure) = match self.result {
            Some(Ok(response)) => (Some(Arc::unwrap_or_clone(response)), None),
            Some(Err(failure)) => (None, Some(failure).filter(|failure| failure.kind.is_the_models())),
            None => (None, None),
        };
        SettledTrial {
            trial: index,
            version: self.address.version,
            model: self.address.model,
            case: self.settled_case,
            repeat: self.address.repeat,
            draw: self.draw,
            key: self.key,
            request: self.request,
            outcome: graded.outcome,
            error: graded.error,
            response,
            failure,
            score: graded.score,
            assertions: graded.assertions,
            metrics: graded.metrics,
            judge_cost: self.judge_cost,
            judge_unpriced: self.judge_unpriced,
            earlier,
            volatile: self.volatile,
        }
    }
}
