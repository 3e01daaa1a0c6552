//! What a run may spend at most: dollars, tokens, calls.
//!
//! Before a call the worst it may take is set aside; when it ends, what it took is noted in its place. A call that does
//! not fit any more waits for those under way, which mostly take less than their worst; when none is under way and it
//! still does not fit, the budget is spent.
//!
//! Where versions are compared, the first call for a case's repeat is made only when there is room for those of the other
//! versions too, so that a spent budget leaves whole pairs. Room is kept for a version until it is answered or given up, also
//! while it waits to be tried again; and once calls fail, a pair is begun only where each version that is not answered yet
//! can be tried once more.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{Answer, Failure, FailureKind, FinishReason, Response};
use promptgate_core::digest::Digest;
use promptgate_core::name::{CaseId, ModelId};
use promptgate_core::plan::case_key;
use promptgate_core::price::{NanoUsd, Price};
use promptgate_core::request::{Origin, Request};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::middleware::sent;
use crate::tokens::{largest_answer, largest_tokens};
use crate::{Answerer, BoxFuture, FailedCall, Provider};

/// How long what is kept for the other versions of a case is kept once no call is under way. Theirs are taken up right
/// behind the first, so they are on their way; or nobody makes them, since their answers were there, or for as long as their
/// model is held. What waits to be tried again is kept for until it is over.
const KEPT: Duration = Duration::from_secs(1);

/// Limits; what is absent is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Money, judging included.
    pub cost: Option<NanoUsd>,
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// Calls, failed ones included.
    pub calls: Option<u64>,
}

impl BudgetLimits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How many versions are called for a case and compared. Those whose answers are there take nothing, so nothing is kept
/// for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sides {
    /// Where nothing else is said.
    pub usual: u32,
    /// By case ([`case_key`]) and model, where there are fewer.
    pub fewer: HashMap<(u128, ModelId), u32>,
    /// Where a version stands in the plan twice, the repeats of its first side, which those of the other follow; else 0.
    pub again: u32,
}

impl Sides {
    fn of(&self, pair: &Pair) -> u32 {
        let said = || self.fewer.get(&(case_key(&pair.case), pair.model.clone()));
        let said = if self.fewer.is_empty() { None } else { said() };
        said.copied().unwrap_or(self.usual).max(1)
    }

    /// The pair that a trial's call belongs to, and which of its calls it is.
    fn side(&self, request: &Request) -> Option<Side> {
        let Origin::Trial { case, .. } = &request.origin else { return None };
        let is_second = self.again > 0 && request.repeat > self.again;
        let repeat = if is_second { request.repeat - self.again } else { request.repeat };
        let pair = Pair { case: case.clone(), model: request.body.model.clone(), repeat };
        let sides = self.of(&pair);
        (sides > 1).then_some(Side { pair, sides, call: (request.digest, request.repeat) })
    }
}

/// A budget; clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: BudgetLimits,
    sides: Sides,
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    spent: Spending,
    set_aside: Spending,
    under_way: u64,
    /// Pairs of which some versions were called and not all are over.
    begun: HashMap<Pair, Begun>,
    /// Calls that were part of a pair ([`Side::mark`]): asked once more behind it, they need room for themselves alone.
    made: HashSet<u128>,
    /// The most that a call took which failed.
    failed: Spending,
}

/// What the calls of a pair have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pair {
    case: CaseId,
    model: ModelId,
    repeat: u32,
}

/// One call of a pair: a call that is tried again is the same one.
type Call = (Digest, u32);

/// A call, and the pair that it belongs to.
#[derive(Debug, Clone)]
struct Side {
    pair: Pair,
    /// How many calls the pair has.
    sides: u32,
    call: Call,
}

impl Side {
    /// What a call of a pair is remembered by: 16 bytes, since there are some for each case.
    fn mark(&self) -> u128 {
        let (request, repeat) = &self.call;
        case_key(&self.pair.case).rotate_left(1) ^ request.prefix128() ^ u128::from(*repeat)
    }
}

/// A pair whose calls are not all over.
#[derive(Debug)]
struct Begun {
    /// Calls that are still to come.
    to_come: u32,
    /// Calls that are neither answered nor given up, and whether each is under way at present.
    open: Vec<(Call, bool)>,
    /// Whether one of them is answered, so that the others make a pair of it.
    is_answered: bool,
    /// The worst of one of them.
    worst: Spending,
}

impl Begun {
    /// Calls that room is kept for; that of those under way is set aside.
    fn waiting(&self) -> u32 {
        self.to_come + self.open.iter().filter(|(_, is_under_way)| !is_under_way).count() as u32
    }

    fn kept(&self) -> Spending {
        self.worst.times(self.waiting())
    }

    /// Calls that may have to be tried again.
    fn unanswered(&self) -> u32 {
        self.to_come + self.open.len() as u32
    }

    fn is_over(&self) -> bool {
        self.unanswered() == 0
    }

    fn holds(&self, call: &Call) -> bool {
        self.open.iter().any(|(open, _)| open == call)
    }
}

/// The room that a call needs.
#[derive(Debug, Clone, Copy)]
struct Needed {
    /// What would be spent or kept at most with it, and those of its pair.
    all: Spending,
    /// Of this, what it and those of its pair take.
    own: Spending,
    /// Whether room is kept for calls that are tried again.
    is_wary: bool,
    /// Whether its pair is begun, and what it takes is what completes that.
    is_begun: bool,
}

/// An amount of everything that is limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spending {
    /// Money.
    pub cost: NanoUsd,
    /// Tokens, read and written.
    pub tokens: u64,
    /// Calls.
    pub calls: u64,
}

impl Spending {
    fn plus(self, other: Self) -> Self {
        Self {
            cost: self.cost.plus(other.cost),
            tokens: self.tokens.saturating_add(other.tokens),
            calls: self.calls.saturating_add(other.calls),
        }
    }

    fn times(self, count: u32) -> Self {
        let count = u64::from(count);
        Self {
            cost: NanoUsd(self.cost.0.saturating_mul(count)),
            tokens: self.tokens.saturating_mul(count),
            calls: self.calls.saturating_mul(count),
        }
    }

    fn largest(self, other: Self) -> Self {
        Self {
            cost: self.cost.max(other.cost),
            tokens: self.tokens.max(other.tokens),
            calls: self.calls.max(other.calls),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            cost: NanoUsd(self.cost.0.saturating_sub(other.cost.0)),
            tokens: self.tokens.saturating_sub(other.tokens),
            calls: self.calls.saturating_sub(other.calls),
        }
    }
}

impl Budget {
    /// A budget of which nothing is spent.
    pub fn new(limits: BudgetLimits) -> Self {
        Self::of_sides(limits, Sides::default())
    }

    /// The same, where so many versions are called for a case and compared.
    pub fn of_sides(limits: BudgetLimits, sides: Sides) -> Self {
        Self(Arc::new(Inner { limits, sides, state: Mutex::default(), ended: Notify::new() }))
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spending {
        self.lock().spent
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the worst of a call aside, once it fits.
    async fn set_aside(&self, worst: Spending, side: Option<Side>) -> Result<SetAside, Failure> {
        let mut has_waited = false;
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            match self.look(worst, side.as_ref(), has_waited) {
                Look::Fits => {
                    return Ok(SetAside { budget: self.clone(), worst, side, took: None, is_answered: false });
                }
                Look::Spent(failure) => return Err(failure),
                Look::Idle => {
                    has_waited = timeout(KEPT, ended).await.is_err();
                    if has_waited {
                        self.free_what_is_kept();
                    }
                }
                Look::Busy => {
                    ended.await;
                    has_waited = false;
                }
            }
        }
    }

    /// Looks whether a call fits, and begins it where it does. `has_waited` says that nothing has moved for as long as room
    /// is kept.
    fn look(&self, worst: Spending, side: Option<&Side>, has_waited: bool) -> Look {
        let mut state = self.lock();
        let needed = state.needed(worst, side);
        let is_still = state.under_way == 0 && has_waited;
        let Some(limit) = self.passed(needed.all).filter(|_| !(is_still && self.fits_at_the_end(&state, side))) else {
            state.begin(worst, side);
            return Look::Fits;
        };
        if state.under_way > 0 {
            return Look::Busy;
        }
        if state.begun.is_empty() || is_still && !self.can_go_on(&state) {
            let message = format!("the budget of {limit} is spent: {}", limit.why_spent(state.spent, needed));
            return Look::Spent(Failure::new(FailureKind::Budget, message));
        }
        Look::Idle
    }

    /// Frees what is kept for calls that nobody makes.
    fn free_what_is_kept(&self) {
        let mut state = self.lock();
        if state.under_way == 0 {
            state.begun.values_mut().for_each(|begun| begun.to_come = 0);
            state.begun.retain(|_, begun| !begun.is_over());
        }
    }

    /// Whether a call of a pair fits although not all do that room is kept for: calls failed, and what is left goes to pairs
    /// that it completes.
    fn fits_at_the_end(&self, state: &State, side: Option<&Side>) -> bool {
        let begun = side.and_then(|side| state.begun.get(&side.pair).filter(|begun| begun.holds(&side.call)));
        begun.is_some_and(|begun| self.can_complete(state, begun))
    }

    /// Whether one of the pairs can still be completed.
    fn can_go_on(&self, state: &State) -> bool {
        state.begun.values().any(|begun| self.can_complete(state, begun))
    }

    /// Whether what is left is enough for a pair. One that is answered on a side comes first.
    fn can_complete(&self, state: &State, begun: &Begun) -> bool {
        let before = state.begun.values().filter(|other| other.is_answered && !begun.is_answered);
        let before = before.fold(Spending::default(), |sum, other| sum.plus(other.kept()));
        self.passed(state.spent.plus(before).plus(begun.kept())).is_none()
    }

    /// A request was given up, or nobody waits for it any more: no room is kept for it.
    fn give_up(&self, side: &Side) {
        self.lock().end(side, false);
        self.0.ended.notify_waiters();
    }

    /// The limit that an amount passes.
    fn passed(&self, amount: Spending) -> Option<Limit> {
        let BudgetLimits { cost, tokens, calls } = self.0.limits;
        let cost = cost.filter(|cost| amount.cost.0 > cost.0).map(Limit::Cost);
        let tokens = || tokens.filter(|tokens| amount.tokens > *tokens).map(Limit::Tokens);
        let calls = || calls.filter(|calls| amount.calls > *calls).map(Limit::Calls);
        cost.or_else(tokens).or_else(calls)
    }
}

/// How it stands with a call that is to be made.
enum Look {
    /// It fits.
    Fits,
    /// It does not, and calls are under way that may leave it room.
    Busy,
    /// It does not, and none is; room is kept for others.
    Idle,
    /// There will be no room for it.
    Spent(Failure),
}

/// A limit that would be passed.
#[derive(Debug, Clone, Copy)]
enum Limit {
    Cost(NanoUsd),
    Tokens(u64),
    Calls(u64),
}

impl Limit {
    /// What went, and what would come next: a call, or those of all versions for a case.
    fn why_spent(self, spent: Spending, needed: Needed) -> String {
        let next = needed.own;
        let again = if needed.is_wary { ", and may have to be tried again," } else { "," };
        let comes = match next.calls {
            0 | 1 => "the next call".to_owned(),
            calls if needed.is_begun => format!("the {calls} calls that complete a case"),
            calls => format!("the {calls} calls of the next case, which are made together or not at all{again}"),
        };
        match self {
            Self::Cost(_) => format!("{} went, and {comes} may take {}", spent.cost, next.cost),
            Self::Tokens(_) => format!("{} tokens went, and {comes} may take {}", spent.tokens, next.tokens),
            Self::Calls(most) if most > spent.calls => {
                let fit = if next.calls > 1 { "do not fit" } else { "does not fit" };
                format!("{} went, and {comes} {fit}", spent.calls)
            }
            Self::Calls(_) => format!("{} were made", spent.calls),
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cost(cost) => cost.fmt(f),
            Self::Tokens(tokens) => write!(f, "{tokens} tokens"),
            Self::Calls(calls) => write!(f, "{calls} calls"),
        }
    }
}

impl State {
    /// What would be spent or kept at most with one more call, and those of its pair.
    fn needed(&self, worst: Spending, side: Option<&Side>) -> Needed {
        let kept = self.begun.values().fold(Spending::default(), |sum, begun| sum.plus(begun.kept()));
        let taken = self.spent.plus(self.set_aside).plus(kept);
        let alone = Needed { all: taken.plus(worst), own: worst, is_wary: false, is_begun: false };
        let Some(side) = side else { return alone };
        match self.begun.get(&side.pair) {
            Some(begun) if begun.holds(&side.call) => {
                Needed { all: taken.minus(begun.worst).plus(worst), own: begun.kept(), is_begun: true, ..alone }
            }
            Some(begun) if begun.to_come > 0 && !self.made.contains(&side.mark()) => {
                Needed { all: taken.minus(begun.worst).plus(worst), ..alone }
            }
            Some(_) => alone,
            None if self.made.contains(&side.mark()) => alone,
            None => {
                let own = worst.times(side.sides);
                let again = self.begun.values().map(Begun::unanswered).sum::<u32>() + side.sides;
                let again = self.failed.times(again);
                Needed { all: taken.plus(own).plus(again), own, is_wary: again != Spending::default(), ..alone }
            }
        }
    }

    /// A call begins.
    fn begin(&mut self, worst: Spending, side: Option<&Side>) {
        self.set_aside = self.set_aside.plus(worst);
        self.under_way += 1;
        let Some(side) = side else { return };
        let is_new = self.made.insert(side.mark());
        match self.begun.get_mut(&side.pair) {
            Some(begun) => begun.begin(side.call, is_new),
            None if is_new => {
                let open = vec![(side.call, true)];
                let begun = Begun { to_come: side.sides - 1, open, is_answered: false, worst };
                self.begun.insert(side.pair.clone(), begun);
            }
            None => {}
        }
    }

    /// A call of a pair is over: answered, or given up.
    fn end(&mut self, side: &Side, is_answered: bool) {
        let Some(begun) = self.begun.get_mut(&side.pair) else { return };
        begun.open.retain(|(call, _)| *call != side.call);
        begun.is_answered |= is_answered;
        if begun.is_over() {
            self.begun.remove(&side.pair);
        }
    }

    /// An attempt failed: its call may be tried again.
    fn pause(&mut self, side: &Side, took: Spending) {
        self.failed = self.failed.largest(took);
        let open = self.begun.get_mut(&side.pair).into_iter().flat_map(|begun| &mut begun.open);
        open.filter(|(call, _)| *call == side.call).for_each(|(_, is_under_way)| *is_under_way = false);
    }
}

impl Begun {
    /// A call that was given up and is asked once more takes no room that is kept for others.
    fn begin(&mut self, call: Call, is_new: bool) {
        match self.open.iter_mut().find(|(open, _)| *open == call) {
            Some((_, is_under_way)) => *is_under_way = true,
            None => {
                self.to_come = self.to_come.saturating_sub(u32::from(is_new));
                self.open.push((call, true));
            }
        }
    }
}

/// The worst of a call under way. When it is dropped, what the call took is noted: nothing where it only waited for its
/// turn; where it is unknown, the worst.
struct SetAside {
    budget: Budget,
    worst: Spending,
    side: Option<Side>,
    took: Option<Spending>,
    is_answered: bool,
}

impl Drop for SetAside {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        let took = self.took.unwrap_or(if sent::has_left() { self.worst } else { Spending::default() });
        state.set_aside = state.set_aside.minus(self.worst);
        state.under_way -= 1;
        state.spent = state.spent.plus(took);
        match &self.side {
            Some(side) if self.is_answered => state.end(side, true),
            Some(side) => state.pause(side, took),
            None => {}
        }
        drop(state);
        self.budget.0.ended.notify_waiters();
    }
}

/// A provider whose calls fit a budget.
pub(crate) struct Budgeted<P> {
    pub(crate) inner: P,
    pub(crate) budget: Option<Budget>,
    pub(crate) price: Option<Price>,
}

impl<P: Provider> Provider for Budgeted<P> {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        let Some(budget) = &self.budget else { return self.inner.call(request) };
        Box::pin(async move {
            let mut set_aside = budget.set_aside(self.worst(request), budget.0.sides.side(request)).await?;
            let result = self.inner.call(request).await;
            set_aside.took = took(&result);
            set_aside.is_answered = result.is_ok();
            result
        })
    }
}

/// An answerer whose budget keeps room for a request until it is over. It stands outside the retries.
pub(crate) struct SeenOut<A> {
    pub(crate) inner: A,
    pub(crate) budget: Option<Budget>,
}

impl<A: Answerer> Answerer for SeenOut<A> {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        let side = self.budget.as_ref().and_then(|budget| Some((budget, budget.0.sides.side(&request)?)));
        let Some((budget, side)) = side else { return self.inner.answer(request) };
        Box::pin(async move {
            let _over = Over { budget, side };
            self.inner.answer(request).await
        })
    }
}

/// Says that a request is over, however it ends.
struct Over<'a> {
    budget: &'a Budget,
    side: Side,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.budget.give_up(&self.side);
    }
}

impl<P> Budgeted<P> {
    fn worst(&self, request: &Request) -> Spending {
        let (input_tokens, output_tokens) = (largest_tokens(&request.body), largest_answer(&request.body));
        let cost = self.price.map(|price| price.most(input_tokens, output_tokens)).unwrap_or_default();
        Spending { cost, tokens: input_tokens.saturating_add(output_tokens), calls: 1 }
    }
}

/// What a call took, where it is known: an answer without a count, and a call that broke off, may have taken their worst; a
/// refusal took nothing.
fn took(result: &Result<Response, FailedCall>) -> Option<Spending> {
    let (usage, cost) = match result {
        // What a filter held back before the model saw it took nothing.
        Ok(response) if response.usage.is_none() && response.finish_reason == FinishReason::ContentFilter => {
            (None, None)
        }
        Ok(response) => (Some(response.usage?), response.cost),
        Err(failed) if failed.untold => return None,
        Err(failed) => (failed.usage, failed.cost),
    };
    let tokens = usage.map_or(0, |usage| usage.input_tokens.saturating_add(usage.output_tokens));
    Some(Spending { cost: cost.unwrap_or_default(), tokens, calls: 1 })
}
