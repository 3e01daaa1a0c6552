//! `any-of`: at least one member passed.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};

use super::kind::score;
use super::set::{Decided, Rule, Set, evidence, unscored};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "any-of",
    summary: "at least one member passed; the score is the best of them",
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
        let passed = members.iter().any(|member| member.scored.passed);
        match (passed, unscored(members)) {
            (false, Some(unscored)) => unscored,
            (true, _) => Scored { passed, ..Scored::graded(best(members), 1.0, Evidence::default()) },
            (false, None) => Scored { passed, ..Scored::graded(best(members), 1.0, evidence(members)) },
        }
    }

    fn is_settled(&self, members: &[Decided<'_>]) -> bool {
        best(members) >= 1.0 && members.iter().any(|member| member.scored.passed)
    }
}

fn best(members: &[Decided<'_>]) -> f64 {
    members.iter().filter_map(|member| member.scored.score.value()).fold(0.0, f64::max)
}
