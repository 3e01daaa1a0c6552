//! An assertion as a suite, a case or a set has it: its kind, built, and around it what every assertion has. `not` inverts
//! what is decided and leaves unscored alone. "Nothing to extract" is decided by no kind, so it is a failure either way: also
//! where it stands in a set that is inverted, where it counts as what makes the set fail.

use promptgate_core::ask::{Asked, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::record::Against;
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostic, Diagnostics};
use serde_json::Value;

use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, State, Step, Trial, Yields};
use crate::extract::Extraction;

/// How deep sets may stand in sets.
const MAX_DEPTH: usize = 16;

/// An assertion, ready to look at trials.
pub(crate) struct Prepared {
    pub(crate) name: String,
    pub(crate) weight: f64,
    /// What it may ask; that of its dearest member for a set.
    pub(crate) cost: CostClass,
    pub(crate) yields: Yields,
    not: bool,
    /// Whether the sets around it turn its decision around.
    inverted: bool,
    assertion: Box<dyn Assertion>,
}

impl Prepared {
    /// Builds an assertion. Where its answer comes from is for its owner to see to.
    pub(crate) fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Self, Diagnostics> {
        let kind = context.kinds.of(spec)?;
        let yields = (kind.yields)(spec);
        check_common(spec, yields)?;
        if context.depth > MAX_DEPTH {
            return Err(spec.params.mistake("", format!("sets stand in sets, more than {MAX_DEPTH} deep")).into());
        }
        let inner = BuildContext { inverted: context.inverted != spec.not, ..*context };
        let assertion = (kind.build)(spec, &inner)?;
        check_extract(spec, kind, &*assertion)?;
        let cost = cost(spec, kind, context);
        let (name, weight, not, inverted) = (spec.name.clone(), spec.weight, spec.not, context.inverted);
        Ok(Self { name, weight, cost, yields, not, inverted, assertion })
    }

    pub(crate) fn start(&self, trial: &Trial<'_>) -> Step {
        match trial.answer {
            Extraction::Missing { reason, unscored } if self.assertion.needs_answer() => {
                Step::Done(self.nothing_to_extract(trial, reason, *unscored))
            }
            _ => self.finish(self.assertion.start(trial)),
        }
    }

    pub(crate) fn resume(&self, trial: &Trial<'_>, state: State, replies: Vec<Reply>) -> Step {
        self.finish(self.assertion.resume(trial, state, replies))
    }

    pub(crate) fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        self.assertion.check(case)
    }

    /// What people say, `not` applied as to the grade.
    pub(crate) fn label(&self, trial: &Trial<'_>) -> Option<f64> {
        let label = self.assertion.label(trial)?;
        Some(if self.not { 1.0 - label } else { label })
    }

    pub(crate) fn label_score(&self, label: &Value) -> Option<f64> {
        let score = self.assertion.label_score(label)?;
        Some(if self.not { 1.0 - score } else { score })
    }

    pub(crate) fn labels(&self) -> &[(String, f64)] {
        self.assertion.labels()
    }

    pub(crate) fn has_labels(&self) -> bool {
        self.assertion.has_labels()
    }

    /// Whether a score passes, as far as the score alone decides it.
    pub(crate) fn passes(&self, score: f64) -> Option<bool> {
        let threshold = self.assertion.threshold()?;
        let own = if self.not { 1.0 - score } else { score };
        Some((own >= threshold - 1e-12) != self.not)
    }

    /// Whether it chooses one of several labels. An inverted one expects any label but one, which nothing is held against.
    pub(crate) fn chooses(&self) -> Option<Against> {
        self.assertion.chooses().filter(|_| !self.not)
    }

    pub(crate) fn reads_output(&self) -> bool {
        self.assertion.reads_output()
    }

    pub(crate) fn asks(&self) -> Vec<Asked> {
        self.assertion.asks()
    }

    /// A failure of the assertion that the suite has: its own `not` does not turn it around, and those of the sets around it
    /// are made up for.
    fn nothing_to_extract(&self, trial: &Trial<'_>, reason: &str, unscored: bool) -> Scored {
        let note = format!("nothing to extract: {reason}");
        if unscored {
            return Scored::unscored(note);
        }
        let found = Some(excerpt(&trial.response.output));
        Scored::decided(self.inverted, Evidence { expected: None, found, note: Some(note) })
    }

    fn finish(&self, step: Step) -> Step {
        match step {
            Step::Done(scored) if self.not => Step::Done(scored.inverted()),
            step => step,
        }
    }
}

fn check_common(spec: &AssertionSpec, yields: Yields) -> Result<(), Diagnostic> {
    if !(spec.weight.is_finite() && spec.weight > 0.0) {
        let mistake = spec.params.mistake("weight", format!("`weight` is {}; a weight is above 0", spec.weight));
        return Err(mistake.help("for an assertion that decides nothing, write `tier = \"advisory\"`"));
    }
    match spec.threshold {
        Some(_) if yields == Yields::PassFail => {
            let message = format!("`{}` passes or fails and yields no score, so it takes no `threshold`", spec.kind);
            Err(spec.params.mistake("threshold", message))
        }
        Some(threshold) if !(threshold > 0.0 && threshold <= 1.0) => {
            let message = format!("`threshold` is {threshold}; a threshold is above 0 and at most 1");
            Err(spec.params.mistake("threshold", message))
        }
        _ => Ok(()),
    }
}

fn check_extract(spec: &AssertionSpec, kind: &AssertionKind, assertion: &dyn Assertion) -> Result<(), Diagnostic> {
    let looks = assertion.needs_answer() || !spec.members.is_empty();
    match &spec.extract {
        Some(_) if !looks => {
            let message =
                format!("`{}` looks at the response and not at the answer, so `extract` changes nothing", kind.name);
            Err(spec.params.mistake("extract", message).help("leave `extract` out"))
        }
        _ => Ok(()),
    }
}

/// A kind's own class, or that of the dearest member.
fn cost(spec: &AssertionSpec, kind: &AssertionKind, context: &BuildContext<'_>) -> CostClass {
    let of_member = |member| context.kinds.of(member).map_or(CostClass::Pure, |kind| cost(member, kind, context));
    spec.members.iter().map(of_member).fold(kind.cost, CostClass::max)
}
