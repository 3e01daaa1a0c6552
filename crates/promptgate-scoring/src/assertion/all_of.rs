//! `all-of`: every member passed.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;

use super::kind::score;
use super::set::{Decided, Rule, Set, Settled, evidence, failed, mean};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "all-of",
    summary: "every member passed; the score is their weighted mean. Where a member is unscored, so is the set, except that \
              a failed member decides a set whose score nothing is made of (no `metric`, no `threshold` of the case, no \
              `weighted` around it): then it is 0",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[Parameter { name: "assert", doc: "the members, a list of assertions" }],
    passes: Example::of(
        "assert = [{ kind = \"json\" }, { kind = \"contains\", value = \"queue\" }]",
        "{\"queue\": \"billing\"}",
    ),
    fails: Example::of(
        "assert = [{ kind = \"json\" }, { kind = \"contains\", value = \"urgent\" }]",
        "{\"queue\": \"billing\"}",
    ),
    build,
};

struct AllOf;

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    if spec.threshold.is_some() {
        let mistake = spec.params.mistake("threshold", "`all-of` asks for every member, so it takes no `threshold`");
        return Err(mistake.help("write `kind = \"weighted\"` to ask for a weighted mean").into());
    }
    Ok(Box::new(Set::build(spec, context, AllOf)?))
}

impl Rule for AllOf {
    fn combine(&self, members: &[Decided<'_>]) -> Scored {
        let passed = !members.iter().any(failed);
        Scored { passed, ..Scored::graded(mean(members), 1.0, evidence(members)) }
    }

    fn settled(&self, members: &[Decided<'_>]) -> Settled {
        match members.iter().any(failed) {
            true => Settled::Decision(false),
            false => Settled::Nothing,
        }
    }
}
