//! The first stage: which trial comes next, and where its answer comes from. Many tasks share one desk; what they hold at
//! a time is bounded by their number.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::event::{Event, Listener};
use promptgate_core::plan::TrialAddress;
use promptgate_core::port::{Clock, PortError, StoredAnswer};
use promptgate_core::price::{NanoUsd, Price};
use promptgate_core::record::BegunTrial;
use promptgate_core::request::Request;
use promptgate_core::score::Outcome;
use promptgate_provider::{Answerer, CalledFor};
use tokio::sync::mpsc;

use super::answered::{Answered, bug};
use super::put_off::PutOff;
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
    /// The record's prices, by model of the plan.
    prices: Option<Vec<Option<Price>>>,
    put_off: PutOff,
    /// Set once enough cases have failed.
    skipping: AtomicBool,
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

/// The next thing a task does.
enum Turn {
    /// The answer is there.
    Answered(Box<Answered>),
    /// A call is to be made.
    Call(Box<(Answered, Request)>),
}

impl Desk {
    pub(crate) fn new(job: &crate::execute::Job) -> Self {
        let models = &job.prepared.plan.models;
        let of_models = |prices: &Arc<BTreeMap<String, Price>>| {
            models.iter().map(|model| prices.get(&model.id.to_string()).copied()).collect()
        };
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
            prices: job.supply.prices.as_ref().map(of_models),
            put_off: PutOff::new(models.len()),
            skipping: AtomicBool::new(false),
            broken: Mutex::new(None),
        }
    }

    /// Enough cases have failed: what is left of the plan is skipped. Calls that confirm are about the very cases that
    /// failed; without them a rule could not be judged.
    pub(crate) fn skip_the_rest(&self) {
        if !matches!(self.share, Share::Confirmations(_)) {
            self.skipping.store(true, Ordering::Relaxed);
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

    /// The next trial whose model is ready; once there is no other, one that has to wait for its model.
    fn next_due(&self) -> Option<TrialAddress> {
        let ready = self.put_off.take(|model| !self.is_held(model));
        if ready.is_some() {
            return ready;
        }
        while let Some(trial) = self.next_open() {
            if !self.is_held(trial.model) {
                return Some(trial);
            }
            self.put_off.push(trial);
        }
        self.put_off.take(|_| true)
    }

    fn is_held(&self, model: usize) -> bool {
        self.answerer.is_held(&self.prepared.plan.models[model].id, CalledFor::Trial)
    }

    /// The next trial that is part of this run and not settled.
    fn next_open(&self) -> Option<TrialAddress> {
        let is_open = |address: &TrialAddress| {
            self.prepared.is_due(&self.share, *address) && !self.supply.is_settled(self.prepared.plan.index(*address))
        };
        std::iter::from_fn(|| self.trial(self.next.fetch_add(1, Ordering::Relaxed))).find(is_open)
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
        let mut turn = self.turn_of(trial, begun.as_ref())?;
        self.reckon(turn.trial());
        Ok(match begun {
            Some(begun) => turn.paid(&begun),
            None => turn,
        })
    }

    /// The next thing to be done for a trial, which may have been answered before the run was broken off.
    fn turn_of(&self, trial: OpenTrial, begun: Option<&BegunTrial>) -> Result<Turn, PortError> {
        let address = trial.address;
        if self.skipping.load(Ordering::Relaxed) {
            return Ok(Turn::answered(Answered::without_key(trial)));
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
            Ok(Ok(request)) => Turn::Call(Box::new((Answered::asked_with(trial, draw, request.digest), request))),
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
                Answered::without_key(trial).failed(failure)
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
        let replayed = self.supply.recording(answered.address.model).is_some();
        let flight = (!replayed).then(|| InFlight::take_off(self));
        let answer = AssertUnwindSafe(self.answerer.answer(request)).catch_unwind().await;
        drop(flight);
        let answer = answer.unwrap_or_else(|panic| Answer::failed(bug(&*panic)));
        self.stops_at(&answer);
        let mut answered = answered.answered(answer, replayed, self.clock.now_ms());
        self.reckon(&mut answered);
        answered
    }

    /// Puts the cost at the record's prices on what a trial was answered, wherever it comes from.
    fn reckon(&self, answered: &mut Answered) {
        if let Some(prices) = &self.prices {
            answered.reckon(prices[answered.address.model].as_ref());
        }
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
        trial.volatile.wasted_unpriced = begun.volatile.wasted_unpriced;
        // What is skipped has no use for the answer it had.
        let in_vain = begun.paid().filter(|_| trial.is_unanswered());
        trial.volatile.wasted = NanoUsd::known_sum(begun.volatile.wasted, in_vain);
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
