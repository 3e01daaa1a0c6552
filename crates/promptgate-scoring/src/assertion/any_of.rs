//! `any-of`: at least one member passed.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};

use super::kind::score;
use super::set::{Decided, Rule, Set, Settled, evidence};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "any-of",
    summary: "at least one member passed; the score is the best of them. Where a member is unscored, so is the set, unless \
              another passed with 1; one that passed with less decides a set whose score nothing is made of (no `metric`, \
              no `threshold` of the case, no `weighted` around it): then it is 1",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[Parameter { name: "assert", doc: "the members, a list of assertions" }],
    passes: Example::of(
        "assert = [{ kind = \"equals\", value = \"yes\" }, { kind = \"equals\", value = \"yes.\" }]",
        "yes.",
    ),
    fails: Example::of(
        "assert = [{ kind = \"equals\", value = \"yes\" }, { kind = \"equals\", value = \"yes.\" }]",
        "no",
    ),
    build,
};

struct AnyOf;

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    if spec.threshold.is_some() {
        let mistake = spec.params.mistake("threshold", "`any-of` asks for one member, so it takes no `threshold`");
        return Err(mistake.help("write `kind = \"weighted\"` to ask for a weighted mean").into());
    }
    Ok(Box::new(Set::build(spec, context, AnyOf)?))
}

impl Rule for AnyOf {
    fn combine(&self, members: &[Decided<'_>]) -> Scored {
        let passed = passed(members);
        let evidence = if passed { Evidence::default() } else { evidence(members) };
        Scored { passed, ..Scored::graded(best(members), 1.0, evidence) }
    }

    fn settled(&self, members: &[Decided<'_>]) -> Settled {
        match passed(members) {
            true if best(members) >= 1.0 => Settled::Result,
            true => Settled::Decision(true),
            false => Settled::Nothing,
        }
    }
}

fn passed(members: &[Decided<'_>]) -> bool {
    members.iter().any(|member| member.scored.passed)
}

fn best(members: &[Decided<'_>]) -> f64 {
    members.iter().filter_map(|member| member.scored.score.value()).fold(0.0, f64::max)
}
