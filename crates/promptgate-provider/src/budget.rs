//! What a run may spend at most: dollars, tokens, calls.
//!
//! Before a call the worst it may take is set aside; when it ends, what it took is noted in its place. A call that does
//! not fit any more waits for those under way, which mostly take less than their worst; when none is under way and it
//! still does not fit, the budget is spent.
//!
//! Where versions are compared, the first call for a case is made only when there is room for those of the other versions
//! too, so that a spent budget leaves whole pairs.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{Failure, FailureKind, FinishReason, Response};
use promptgate_core::digest::Digest;
use promptgate_core::name::{CaseId, ModelId};
use promptgate_core::plan::case_key;
use promptgate_core::price::{NanoUsd, Price};
use promptgate_core::request::{Origin, Request};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::tokens::{largest_answer, largest_tokens};
use crate::{BoxFuture, FailedCall, Provider};

/// How long what is kept for the other versions of a case is kept once no call is under way. Theirs are taken up right
/// behind the first, so they are on their way; or nobody makes them, since their answers were there, or for as long as their
/// model is held.
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
}

impl Sides {
    fn of(&self, (case, model): &Pair) -> u32 {
        let said = (!self.fewer.is_empty()).then(|| self.fewer.get(&(case_key(case), model.clone()))).flatten();
        said.copied().unwrap_or(self.usual).max(1)
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
    /// Cases for which some versions were called and others are to be.
    begun: HashMap<Pair, Begun>,
    /// Calls that were part of a pair ([`made`]): tried again, they need room for themselves alone.
    made: HashSet<u128>,
}

/// What the calls of a pair have in common.
type Pair = (CaseId, ModelId);

/// One call of a pair: a call that is tried again is the same one.
type Call = (Digest, u32);

/// A case for which not all versions were called yet.
#[derive(Debug)]
struct Begun {
    /// Versions that were called.
    calls: u32,
    /// What is kept for the others.
    kept: Spending,
    /// The worst of one of them.
    worst: Spending,
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
    async fn set_aside(&self, worst: Spending, side: Option<(Pair, Call)>) -> Result<SetAside, Failure> {
        let sides = side.as_ref().map_or(1, |(pair, _)| self.0.sides.of(pair));
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            let is_idle = {
                let mut state = self.lock();
                let needed = state.needed(worst, side.as_ref(), sides);
                let Some(limit) = self.passed(needed) else {
                    state.begin(worst, side, sides);
                    return Ok(SetAside { budget: self.clone(), worst, took: None });
                };
                if state.under_way == 0 && state.begun.is_empty() {
                    let next = needed.minus(state.spent);
                    let message = format!("the budget of {limit} is spent: {}", limit.why_spent(state.spent, next));
                    return Err(Failure::new(FailureKind::Budget, message));
                }
                state.under_way == 0
            };
            if !is_idle {
                ended.await;
            } else if timeout(KEPT, ended).await.is_err() {
                self.free_what_is_kept();
            }
        }
    }

    /// Frees what is kept for calls that nobody makes.
    fn free_what_is_kept(&self) {
        let mut state = self.lock();
        if state.under_way == 0 {
            state.begun.clear();
        }
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

/// A limit that would be passed.
#[derive(Debug, Clone, Copy)]
enum Limit {
    Cost(NanoUsd),
    Tokens(u64),
    Calls(u64),
}

impl Limit {
    /// What went, and what would come next: a call, or those of all versions for a case.
    fn why_spent(self, spent: Spending, next: Spending) -> String {
        let comes = match next.calls {
            1 => "the next call".to_owned(),
            calls => format!("the {calls} calls of the next case, which are made together or not at all,"),
        };
        match self {
            Self::Cost(_) => format!("{} went, and {comes} may take {}", spent.cost, next.cost),
            Self::Tokens(_) => format!("{} tokens went, and {comes} may take {}", spent.tokens, next.tokens),
            Self::Calls(most) if most > spent.calls => format!("{} went, and {comes} do not fit", spent.calls),
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
    fn needed(&self, worst: Spending, side: Option<&(Pair, Call)>, sides: u32) -> Spending {
        let kept = self.begun.values().fold(Spending::default(), |sum, begun| sum.plus(begun.kept));
        let taken = self.spent.plus(self.set_aside).plus(kept);
        match side {
            Some((pair, call)) if self.made.contains(&made(pair, call)) => taken.plus(worst),
            Some((pair, _)) => match self.begun.get(pair) {
                Some(begun) => taken.minus(begun.worst).plus(worst),
                None => taken.plus(worst.times(sides)),
            },
            None => taken.plus(worst),
        }
    }

    /// A call begins.
    fn begin(&mut self, worst: Spending, side: Option<(Pair, Call)>, sides: u32) {
        self.set_aside = self.set_aside.plus(worst);
        self.under_way += 1;
        let Some((pair, call)) = side.filter(|_| sides > 1) else { return };
        if !self.made.insert(made(&pair, &call)) {
            return;
        }
        match self.begun.get_mut(&pair) {
            None => {
                self.begun.insert(pair, Begun { calls: 1, kept: worst.times(sides - 1), worst });
            }
            Some(begun) if begun.calls + 1 == sides => {
                self.begun.remove(&pair);
            }
            Some(begun) => {
                begun.calls += 1;
                begun.kept = begun.kept.minus(begun.worst);
            }
        }
    }
}

/// What a call of a pair is remembered by: 16 bytes, since there are some for each case.
fn made((case, _): &Pair, (request, repeat): &Call) -> u128 {
    case_key(case).rotate_left(1) ^ request.prefix128() ^ u128::from(*repeat)
}

/// The worst of a call under way. When it is dropped, what the call took is noted; unknown, the worst is.
struct SetAside {
    budget: Budget,
    worst: Spending,
    took: Option<Spending>,
}

impl Drop for SetAside {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.set_aside = state.set_aside.minus(self.worst);
        state.under_way -= 1;
        state.spent = state.spent.plus(self.took.unwrap_or(self.worst));
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
            let mut set_aside = budget.set_aside(self.worst(request), side(request)).await?;
            let result = self.inner.call(request).await;
            set_aside.took = took(&result);
            result
        })
    }
}

/// The pair that a trial's call belongs to, and which of its calls it is.
fn side(request: &Request) -> Option<(Pair, Call)> {
    let Origin::Trial { case, .. } = &request.origin else { return None };
    Some(((case.clone(), request.body.model.clone()), (request.digest, request.repeat)))
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
