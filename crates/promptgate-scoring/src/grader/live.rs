//! Assertions as a grader holds them, and the answers they look at, each taken from the output once.

use std::any::Any;
use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use promptgate_core::answer::Response;
use promptgate_core::ask::{Ask, Asked, Reply};
use promptgate_core::assertion::{AssertionSpec, ExtractSpec};
use promptgate_core::case::Case;
use promptgate_core::name::MetricName;
use promptgate_core::record::AssertionResult;
use promptgate_core::request::Task;
use promptgate_core::score::{Evidence, Scored, Tier};
use promptgate_core::selection::Selection;
use promptgate_core::{Diagnostic, Diagnostics};
use serde_json::Value;

use super::{Fed, State, named};
use crate::assertion::prepared::Prepared;
use crate::assertion::{BuildContext, CostClass, Step, Trial};
use crate::extract::{Chain, Extraction};

/// Chains of extractors, each distinct one once.
#[derive(Default)]
pub(super) struct Chains {
    /// How many chains stand before these, in the list these go on.
    before: Vec<ExtractSpec>,
    specs: Vec<ExtractSpec>,
    chains: Vec<Chain>,
}

impl Chains {
    /// An empty list that goes on where this one ends.
    pub(super) fn beyond(&self) -> Self {
        Self { before: self.specs.clone(), specs: Vec::new(), chains: Vec::new() }
    }

    /// The number of a chain, built if it is a new one.
    pub(super) fn intern(&mut self, spec: &ExtractSpec) -> Result<usize, Diagnostic> {
        if let Some(known) = self.before.iter().chain(&self.specs).position(|known| known == spec) {
            return Ok(known);
        }
        self.chains.push(Chain::build(spec)?);
        self.specs.push(spec.clone());
        Ok(self.before.len() + self.specs.len() - 1)
    }
}

/// A case's own assertions, with the chains that only they name.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) entries: Vec<Entry>,
    pub(super) chains: Chains,
}

/// What chains take from one output, each when it is first looked at.
pub(super) struct Answers<'a> {
    response: &'a Response,
    tools: &'a [Value],
    /// The version's own chain.
    answer: usize,
    chains: Vec<(&'a Chain, OnceCell<Extraction<'a>>)>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(
        response: &'a Response,
        (answer, tools): (usize, &'a [Value]),
        suite: &'a Chains,
        own: &'a Chains,
    ) -> Self {
        let chains = suite.chains.iter().chain(&own.chains).map(|chain| (chain, OnceCell::new())).collect();
        Self { response, tools, answer, chains }
    }

    /// What an assertion looks at: its own chain's, or the version's. An index that is not there would be a bug; the
    /// panic is caught around the assertion.
    fn of(&self, chain: Option<usize>) -> &Extraction<'a> {
        let (chain, taken) = &self.chains[chain.unwrap_or(self.answer)];
        taken.get_or_init(|| chain.take_from(self.response))
    }
}

/// An assertion of a suite or a case.
pub(super) struct Entry {
    pub(super) prepared: Prepared,
    pub(super) tier: Tier,
    pub(super) metric: Option<MetricName>,
    pub(super) when: Option<Selection>,
    chain: Option<usize>,
}

/// Where an assertion is.
pub(super) enum Slot {
    Done(Scored),
    Waiting(Waiting),
}

/// An assertion that has asked.
pub(super) struct Waiting {
    pub(super) state: State,
    pub(super) asks: Vec<Ask>,
    /// Whether nothing came of an earlier question since whoever was asked is out.
    out: bool,
}

impl Slot {
    /// The same, after questions of which nothing came.
    fn after_outage(self) -> Self {
        match self {
            Self::Done(scored) => Self::Done(scored.after_outage()),
            Self::Waiting(waiting) => Self::Waiting(Waiting { out: true, ..waiting }),
        }
    }
}

fn is_out(reply: &Reply) -> bool {
    matches!(reply, Reply::Failed(failure) if failure.kind.is_outage())
}

impl Entry {
    pub(super) fn build(
        spec: &AssertionSpec,
        context: &BuildContext<'_>,
        chains: &mut Chains,
    ) -> Result<Self, Diagnostics> {
        let prepared = Prepared::build(spec, context)?;
        let whole = prepared.reads_output().then_some(ExtractSpec::Output);
        let chain = spec.extract.clone().or(whole).map(|extract| chains.intern(&extract)).transpose()?;
        let (metric, when) = (spec.metric.clone(), spec.when.clone());
        Ok(Self { prepared, tier: spec.tier, metric, when, chain })
    }

    /// Whether a model grades by it. A set that also runs programs is of their class, whatever else it asks.
    pub(super) fn is_judge(&self) -> bool {
        let grades = |asked: &Asked| matches!(asked, Asked::Model(_, Task::Generate | Task::Probabilities));
        self.prepared.cost == CostClass::Judge || self.prepared.asks().iter().any(grades)
    }

    pub(super) fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        self.prepared.check(case).map_err(|found| named(&self.prepared.name, found))
    }

    pub(super) fn start(&self, case: &Case, response: &Response, answers: &Answers<'_>) -> Slot {
        guarded(|| self.prepared.start(&Trial { case, response, answer: answers.of(self.chain), tools: answers.tools }))
    }

    /// Goes on with the replies to what it has asked.
    pub(super) fn resume(
        &self,
        case: &Case,
        response: &Response,
        answers: &Answers<'_>,
        Waiting { state, asks, out }: Waiting,
        replies: Vec<Reply>,
    ) -> Slot {
        let asked = asks.len();
        if replies.len() < asked {
            return Slot::Done(Scored::unscored(format!("{} of {asked} asks got no reply", asked - replies.len())));
        }
        let out = out || replies.iter().any(is_out);
        let trial = || Trial { case, response, answer: answers.of(self.chain), tools: answers.tools };
        let slot = guarded(|| self.prepared.resume(&trial(), state, replies));
        if out { slot.after_outage() } else { slot }
    }

    /// The result, with the metric it feeds. One that still waits cannot be here.
    pub(super) fn fed(&self, slot: Slot) -> Fed {
        self.result(match slot {
            Slot::Done(scored) => scored,
            Slot::Waiting(..) => Scored::unscored("it waits, and asks nothing"),
        })
    }

    /// What people say of the output, where the suite knows it.
    pub(super) fn label(&self, case: &Case, response: &Response, answers: &Answers<'_>) -> Option<f64> {
        self.metric.as_ref()?;
        let trial = Trial { case, response, answer: answers.of(self.chain), tools: answers.tools };
        self.prepared.has_labels().then(|| self.prepared.label(&trial))?
    }

    /// The result where the model itself failed to answer.
    pub(super) fn failed(&self, why: &str) -> Fed {
        self.result(Scored::decided(false, Evidence { note: Some(why.to_owned()), ..Evidence::default() }))
    }

    fn result(&self, scored: Scored) -> Fed {
        let Prepared { name, weight, .. } = &self.prepared;
        let result = AssertionResult { name: name.clone(), tier: self.tier, weight: *weight, scored };
        Fed { result, metric: self.metric.clone(), label: None }
    }
}

/// Runs one step. A panic is a bug of ours, and leaves this assertion unscored.
fn guarded(step: impl FnOnce() -> Step) -> Slot {
    // What a panicking step leaves half done is dropped with it: it borrows the trial, and writes nothing but once-cells.
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Step::Done(scored)) => Slot::Done(scored),
        Ok(Step::Ask(state, asks)) => Slot::Waiting(Waiting { state, asks, out: false }),
        Err(panic) => Slot::Done(Scored::unscored(format!("a bug of promptgate: {}", message(&*panic)))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the assertion panicked")
}
