//! What the sets share: members, and how their asks become the set's. Members are started cheapest first, and dearer ones
//! are left alone only where neither the score nor the decision could change, so the order never shows in the result.

use promptgate_core::ask::{Ask, Asked, Reply};
use promptgate_core::assertion::{AssertionSpec, ExtractSpec};
use promptgate_core::case::Case;
use promptgate_core::score::{BothOrders, Evidence, Score, Scored, Tier};
use promptgate_core::{Diagnostic, Diagnostics};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::prepared::Prepared;
use super::text::excerpt;
use super::{Assertion, BuildContext, CostClass, State, Step, Trial};
use crate::extract::Chain;

/// How a set decides from its members.
pub(super) trait Rule: Send + Sync {
    /// The result, where no more members can change it.
    fn combine(&self, members: &[Decided<'_>]) -> Scored;

    /// How much of the result stands, whatever the members that are unscored or left came to.
    fn settled(&self, members: &[Decided<'_>]) -> Settled {
        let _ = members;
        Settled::Nothing
    }

    /// Whether the scores of members count, where the set's own does or does not.
    fn members_score_counts(&self, own: bool) -> bool {
        own
    }
}

/// What is certain of a set's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Nothing,
    /// Pass or fail; the score is open.
    Decision(bool),
    /// Both.
    Result,
}

/// A member that is through.
pub(super) struct Decided<'a> {
    pub(super) name: &'a str,
    pub(super) weight: f64,
    pub(super) scored: &'a Scored,
}

/// A set.
pub(super) struct Set<R> {
    members: Vec<Member>,
    rule: R,
    /// Whether its decision is turned around.
    inverted: bool,
    /// Whether a metric or a set around it is made of its score.
    score_counts: bool,
}

struct Member {
    prepared: Prepared,
    chain: Option<Chain>,
}

/// Where a member is, in a form that a state can hold.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Slot {
    Waiting { state: Value, asks: usize },
    Done(Scored),
    Untouched,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParams {}

impl<R: Rule> Set<R> {
    /// Builds the members.
    pub(super) fn build(spec: &AssertionSpec, context: &BuildContext<'_>, rule: R) -> Result<Self, Diagnostics> {
        let NoParams {} = spec.params.read(&format!("`{}`", spec.kind))?;
        if spec.members.is_empty() {
            let mistake =
                spec.params.mistake("assert", format!("`{}` has no members, so it decides nothing", spec.kind));
            return Err(mistake.help("write `assert = [{ kind = \"...\", ... }, ...]`").into());
        }
        let score_counts = context.score_counts || spec.metric.is_some();
        let of_members = rule.members_score_counts(score_counts);
        let context = BuildContext { depth: context.depth + 1, score_counts: of_members, ..*context };
        let mut mistakes = Diagnostics::default();
        let mut members = Vec::new();
        for member in &spec.members {
            match Member::build(member, &context) {
                Ok(member) => members.push(member),
                Err(found) => mistakes.extend(found),
            }
        }
        mistakes.into_result(Self { members, rule, inverted: context.inverted, score_counts })
    }

    fn advance(&self, trial: &Trial<'_>, mut slots: Vec<Slot>, mut asks: Vec<Ask>) -> Step {
        while asks.is_empty() {
            let decided = self.decided(&slots);
            let is_open = |_: &CostClass| self.rule.settled(&decided) != Settled::Result;
            let Some(class) = self.next_class(&slots).filter(is_open) else {
                return Step::Done(self.suspect_among(trial, &slots).unwrap_or_else(|| self.combined(trial, &decided)));
            };
            for (slot, member) in slots.iter_mut().zip(&self.members) {
                if matches!(slot, Slot::Untouched) && member.prepared.cost == class {
                    *slot = Slot::of(member.start(trial), &mut asks);
                }
            }
        }
        waiting(&slots, asks)
    }

    /// An answer that talks to its judge passes nothing, and fails nothing that is turned around. A judge that is left alone
    /// would have seen it too, so the result does not depend on who was asked.
    fn suspect_among(&self, trial: &Trial<'_>, slots: &[Slot]) -> Option<Scored> {
        slots.iter().zip(&self.members).find_map(|(slot, member)| match slot {
            Slot::Done(scored) => suspect(&member.prepared.name, scored),
            Slot::Untouched => match member.start(trial) {
                Step::Done(scored) => suspect(&member.prepared.name, &scored),
                Step::Ask(..) => None,
            },
            Slot::Waiting { .. } => None,
        })
    }

    fn combined(&self, trial: &Trial<'_>, members: &[Decided<'_>]) -> Scored {
        let scored = Scored { both_orders: both_orders(members), ..self.result(trial, members) };
        match self.inverted && scored.passed {
            true => Scored { evidence: against(members), ..scored },
            false => scored,
        }
    }

    /// A score is never made up for an unscored member. Where only pass and fail count, what is certain of them is the result.
    fn result(&self, trial: &Trial<'_>, members: &[Decided<'_>]) -> Scored {
        let score_counts = self.score_counts || trial.case.threshold.is_some();
        match (unscored(members), self.rule.settled(members)) {
            (None, _) | (_, Settled::Result) => self.rule.combine(members),
            (Some(_), Settled::Decision(passed)) if !score_counts => Scored::decided(passed, evidence(members)),
            (Some(unscored), _) => unscored,
        }
    }

    /// The cheapest class among the members not yet started.
    fn next_class(&self, slots: &[Slot]) -> Option<CostClass> {
        let untouched = slots.iter().zip(&self.members).filter(|(slot, _)| matches!(slot, Slot::Untouched));
        untouched.map(|(_, member)| member.prepared.cost).min()
    }

    fn decided<'a>(&'a self, slots: &'a [Slot]) -> Vec<Decided<'a>> {
        let decided = |(slot, member): (&'a Slot, &'a Member)| match slot {
            Slot::Done(scored) => Some(Decided { name: &member.prepared.name, weight: member.prepared.weight, scored }),
            _ => None,
        };
        slots.iter().zip(&self.members).filter_map(decided).collect()
    }
}

/// The step of a set whose members wait. A state that could not be held would be a bug, and leaves it unscored.
fn waiting(slots: &[Slot], asks: Vec<Ask>) -> Step {
    match serde_json::to_value(slots) {
        Ok(state) => Step::Ask(State(state), asks),
        Err(error) => Step::Done(Scored::unscored(format!("a set could not keep its state: {error}"))),
    }
}

impl Slot {
    fn of(step: Step, asks: &mut Vec<Ask>) -> Self {
        match step {
            Step::Done(scored) => Self::Done(scored),
            Step::Ask(_, more) if more.is_empty() => Self::Done(Scored::unscored("it waits, and asks nothing")),
            Step::Ask(State(state), more) => {
                let count = more.len();
                asks.extend(more);
                Self::Waiting { state, asks: count }
            }
        }
    }
}

impl Member {
    fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Self, Diagnostics> {
        decides_only_its_set(spec)?;
        let prepared = Prepared::build(spec, context)?;
        let whole = prepared.reads_output().then_some(ExtractSpec::Output);
        let chain = spec.extract.clone().or(whole).map(|extract| Chain::build(&extract)).transpose()?;
        Ok(Self { prepared, chain })
    }

    /// Starts it on its own answer, or else on the set's.
    fn start(&self, trial: &Trial<'_>) -> Step {
        match &self.chain {
            None => self.prepared.start(trial),
            Some(chain) => self.prepared.start(&Trial { answer: &chain.take_from(trial.response), ..*trial }),
        }
    }

    fn resume(&self, trial: &Trial<'_>, state: State, replies: Vec<Reply>) -> Step {
        match &self.chain {
            None => self.prepared.resume(trial, state, replies),
            Some(chain) => {
                let answer = chain.take_from(trial.response);
                self.prepared.resume(&Trial { answer: &answer, ..*trial }, state, replies)
            }
        }
    }
}

/// A member counts for its set alone.
fn decides_only_its_set(spec: &AssertionSpec) -> Result<(), Diagnostic> {
    let key = match spec {
        AssertionSpec { metric: Some(_), .. } => "metric",
        AssertionSpec { when: Some(_), .. } => "when",
        AssertionSpec { tier: Tier::Advisory, .. } => "tier",
        // Labels are of one judge's grades, and a set's score is not one.
        AssertionSpec { params, .. } if params.values.contains_key("calibration") => "calibration",
        _ => return Ok(()),
    };
    let mistake = spec.params.mistake(key, format!("a member of a set has no `{key}`: it counts for its set alone"));
    Err(mistake.help(match key {
        "calibration" => "put the judge outside of the set, as an assertion of its own".to_owned(),
        key => format!("put `{key}` on the set, or the assertion outside of it"),
    }))
}

impl<R: Rule> Assertion for Set<R> {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let untouched = self.members.iter().map(|_| Slot::Untouched).collect();
        self.advance(trial, untouched, Vec::new())
    }

    fn resume(&self, trial: &Trial<'_>, State(state): State, replies: Vec<Reply>) -> Step {
        let slots: Vec<Slot> = match serde_json::from_value(state) {
            Ok(slots) => slots,
            Err(error) => return Step::Done(Scored::unscored(format!("a set could not read its state: {error}"))),
        };
        let mut replies = replies.into_iter();
        let mut asks = Vec::new();
        let resumed = slots.into_iter().zip(&self.members).map(|(slot, member)| match slot {
            Slot::Waiting { state, asks: count } => {
                let own = replies.by_ref().take(count).collect();
                Slot::of(member.resume(trial, State(state), own), &mut asks)
            }
            slot => slot,
        });
        let slots = resumed.collect();
        self.advance(trial, slots, asks)
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        let mut mistakes = Diagnostics::default();
        for member in &self.members {
            if let Err(found) = member.prepared.check(case) {
                mistakes.extend(found);
            }
        }
        mistakes.into_result(())
    }

    fn asks(&self) -> Vec<Asked> {
        self.members.iter().flat_map(|member| member.prepared.asks()).collect()
    }

    fn needs_answer(&self) -> bool {
        false
    }
}

/// What judging in both orders showed, over the members that did.
fn both_orders(members: &[Decided<'_>]) -> Option<BothOrders> {
    members.iter().filter_map(|member| member.scored.both_orders).reduce(BothOrders::plus)
}

/// The weighted mean of the members, all of which are scored.
pub(super) fn mean(members: &[Decided<'_>]) -> f64 {
    let weight: f64 = members.iter().map(|member| member.weight).sum();
    let sum: f64 = members.iter().filter_map(|member| Some(member.weight * member.scored.score.value()?)).sum();
    (sum / weight).clamp(0.0, 1.0)
}

/// A suspect member makes its set suspect.
fn suspect(name: &str, scored: &Scored) -> Option<Scored> {
    match &scored.score {
        Score::Unscored(reason) if scored.suspect => Some(Scored::suspect(format!("`{name}`: {reason}"))),
        _ => None,
    }
}

/// The first member that is unscored makes the set unscored, with its reason.
fn unscored(members: &[Decided<'_>]) -> Option<Scored> {
    members.iter().find_map(|member| match &member.scored.score {
        Score::Unscored(reason) => Some(Scored::unscored(format!("`{}`: {reason}", member.name))),
        Score::Value(_) => None,
    })
}

/// Whether a member is scored and failed.
pub(super) fn failed(member: &Decided<'_>) -> bool {
    member.scored.score.value().is_some() && !member.scored.passed
}

/// Which members failed, and why.
pub(super) fn evidence(members: &[Decided<'_>]) -> Evidence {
    listed("failed", members.iter().filter(|member| failed(member)))
}

/// Which members made a set pass that is to fail, and why.
fn against(members: &[Decided<'_>]) -> Evidence {
    listed("against it", members.iter().filter(|member| member.scored.passed))
}

fn listed<'a>(what: &str, members: impl Iterator<Item = &'a Decided<'a>>) -> Evidence {
    let told = |member: &Decided<'_>| match &member.scored.evidence {
        Evidence { note: Some(note), .. } => format!("`{}`: {note}", member.name),
        _ => format!("`{}`", member.name),
    };
    let told: Vec<String> = members.map(told).collect();
    let note = (!told.is_empty()).then(|| excerpt(&format!("{what}: {}", told.join("; "))));
    Evidence { note, ..Evidence::default() }
}
