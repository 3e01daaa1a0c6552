//! A trial with its answer, from the desk to the log: what it cost on the way, and how it is settled.

use std::collections::BTreeMap;
use std::sync::Arc;

use promptgate_core::answer::{Answer, Failure, FailureKind, Response};
use promptgate_core::case::Case;
use promptgate_core::digest::Digest;
use promptgate_core::name::RunId;
use promptgate_core::plan::{TrialAddress, TrialKey};
use promptgate_core::port::StoredAnswer;
use promptgate_core::price::{NanoUsd, Price};
use promptgate_core::record::{BegunTrial, EarlierDraw, SettledCase, SettledTrial, TrialVolatile};
use promptgate_core::score::Outcome;
use promptgate_scoring::grader::{GradeInput, Graded, Grader, Grading};

use crate::asking::Bill;
use crate::prepare::OpenTrial;

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
    pub(crate) asked: Asked,
    /// Whether something was paid for that the log does not know of.
    is_news: bool,
    /// Whether asks of its assertions were served already.
    pub(crate) is_asked_about: bool,
    /// What the trial was answered in earlier draws.
    pub(crate) earlier: Vec<StoredAnswer>,
    pub(crate) volatile: TrialVolatile,
}

/// What asks of a trial's assertions cost, as far as that is no part of the judging that its grade rests on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    /// What replies cost that were got before the run was broken off.
    pub(crate) before: Option<NanoUsd>,
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
#[derive(Debug, Clone, Default)]
pub(crate) struct Asking {
    /// Calls made.
    pub(crate) attempts: u32,
    /// What the replies cost, where it is known.
    pub(crate) cost: Option<NanoUsd>,
    /// What replies cost that hold for all cases, by the digest of the request.
    pub(crate) shared: BTreeMap<Digest, NanoUsd>,
    /// Of these, how often each was called for.
    pub(crate) paid: BTreeMap<Digest, u32>,
    /// Of both, what replies cost that the cache had kept.
    pub(crate) kept: Option<NanoUsd>,
    /// Replies whose cost is not known.
    pub(crate) unpriced: u32,
    /// What failed attempts cost, where it is known.
    pub(crate) wasted: Option<NanoUsd>,
    /// Failed attempts whose cost is not known.
    pub(crate) wasted_unpriced: u32,
}

impl Asking {
    pub(crate) fn add(&mut self, answer: &Answer, bill: Bill, is_free: bool) {
        self.attempts += answer.attempts;
        if let Ok(response) = &answer.result {
            match bill {
                Bill::Trial => self.cost = NanoUsd::known_sum(self.cost, response.cost),
                Bill::All(question) => self.share(question, response.cost, answer.attempts > 0),
            }
            self.kept = NanoUsd::known_sum(self.kept, response.cost.filter(|_| answer.attempts == 0));
            // What tells no tokens is not known to cost nothing.
            self.unpriced += u32::from(response.cost.is_none() && !is_free);
        }
        self.wasted = NanoUsd::known_sum(self.wasted, answer.wasted);
        self.wasted_unpriced += answer.wasted_unpriced;
    }

    fn share(&mut self, question: Digest, cost: Option<NanoUsd>, is_called: bool) {
        let Some(cost) = cost else { return };
        self.shared.insert(question, cost);
        if is_called {
            *self.paid.entry(question).or_default() += 1;
        }
    }
}

/// What a panic is to a trial: missing, through no fault of the candidate's.
pub(crate) fn bug(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Failure::new(FailureKind::Bug, format!("a bug of promptgate: {}", text.unwrap_or("a panic without a message")))
}

impl Answered {
    pub(crate) fn of(trial: OpenTrial, draw: u32) -> Self {
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

    /// One that is skipped, or that a stored run should have held.
    pub(crate) fn without_key(trial: OpenTrial) -> Self {
        Self { key: None, ..Self::of(trial, 1) }
    }

    /// One that is asked for with a request.
    pub(crate) fn asked_with(trial: OpenTrial, draw: u32, request: Digest) -> Self {
        Self { request: Some(request), ..Self::of(trial, draw) }
    }

    pub(crate) fn failed(self, failure: Failure) -> Self {
        Self { result: Some(Err(failure)), ..self }
    }

    /// An answer of an earlier run.
    pub(crate) fn stored(trial: OpenTrial, stored: StoredAnswer) -> Self {
        let trial = Self::of(trial, stored.draw);
        Self {
            request: Some(stored.request),
            result: Some(Ok(Arc::new(stored.response))),
            volatile: TrialVolatile { reused: Some(stored.run), answered_ms: stored.answered_ms, ..trial.volatile },
            ..trial
        }
    }

    /// An answer that was got before the run was broken off.
    pub(crate) fn begun(trial: OpenTrial, begun: &BegunTrial, response: Response) -> Self {
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
    pub(crate) fn retaken(trial: OpenTrial, stored: SettledTrial, run: Option<RunId>) -> Self {
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

    pub(crate) fn answered(self, answer: Answer, replayed: bool, now_ms: u64) -> Self {
        Self {
            called: !replayed && answer.attempts > 0,
            is_news: answer.attempts > 0,
            volatile: TrialVolatile {
                attempts: self.volatile.attempts + answer.attempts,
                wasted: NanoUsd::known_sum(self.volatile.wasted, answer.wasted),
                wasted_unpriced: self.volatile.wasted_unpriced + answer.wasted_unpriced,
                kept: answer.answered_ms.is_some(),
                answered_ms: answer.answered_ms.unwrap_or(now_ms),
                ..self.volatile
            },
            result: Some(answer.result.map(Arc::new)),
            ..self
        }
    }

    /// Puts the cost at a price on its answer and on those of its earlier draws.
    pub(crate) fn reckon(&mut self, price: Option<&Price>) {
        if let Some(Ok(response)) = &mut self.result {
            Arc::make_mut(response).reckon(price);
        }
        self.earlier.iter_mut().for_each(|stored| stored.response.reckon(price));
    }

    /// Whether there is neither an answer nor a failure: it is skipped, or not asked yet.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.result.is_none()
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
        std::mem::take(&mut self.is_news).then(|| self.so_far(index))
    }

    /// What it has come to.
    pub(crate) fn so_far(&self, index: u64) -> BegunTrial {
        let times = |question| self.volatile.paid.get(question).copied().unwrap_or_default().max(1);
        let shared = self.volatile.shared.iter().map(|(question, cost)| cost.times(times(question)));
        let shared = shared.reduce(NanoUsd::plus);
        let asked = NanoUsd::known_sum(self.judge_cost, shared);
        let asked = asked.map(|cost| cost.less(self.asked.kept.unwrap_or_default()));
        BegunTrial {
            trial: index,
            draw: self.draw,
            key: self.key,
            request: self.request,
            response: self.result.as_ref().and_then(|result| result.as_deref().ok().cloned()),
            asked: NanoUsd::known_sum(self.asked.before, asked),
            told: Default::default(),
            // Groups are those of the case, which a resume reads again.
            volatile: TrialVolatile {
                groups: Default::default(),
                shared: Default::default(),
                paid: Default::default(),
                ..self.volatile.clone()
            },
        }
    }

    /// Adds what serving the asks of its assertions took.
    pub(crate) fn add_asking(&mut self, asking: &Asking) {
        self.volatile.attempts += asking.attempts;
        self.volatile.wasted = NanoUsd::known_sum(self.volatile.wasted, asking.wasted);
        self.volatile.wasted_unpriced += asking.wasted_unpriced;
        self.judge_cost = NanoUsd::known_sum(self.judge_cost, asking.cost);
        self.volatile.shared.extend(&asking.shared);
        asking.paid.iter().for_each(|(question, calls)| *self.volatile.paid.entry(*question).or_default() += calls);
        self.judge_unpriced += asking.unpriced;
        self.asked.kept = NanoUsd::known_sum(self.asked.kept, asking.kept);
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
        self.volatile.wasted = NanoUsd::known_sum(self.volatile.wasted, self.asked.in_vain());
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
