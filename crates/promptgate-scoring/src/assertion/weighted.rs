//! `weighted`: the weighted mean of the members reaches the threshold.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;

use super::kind::score;
use super::set::{Decided, Rule, Set, evidence, mean};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "weighted",
    summary: "the weighted mean of the members reaches `threshold`, which must be given; unscored where a member is",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[Parameter { name: "assert", doc: "the members, a list of assertions" }],
    passes: Example::of(
        "threshold = 0.7\nassert = [{ kind = \"json\", weight = 3 }, { kind = \"contains\", value = \"urgent\" }]",
        "{\"queue\": \"billing\"}",
    ),
    fails: Example::of(
        "threshold = 0.7\nassert = [{ kind = \"json\" }, { kind = \"contains\", value = \"urgent\" }]",
        "{\"queue\": \"billing\"}",
    ),
    build,
};

struct Weighted {
    threshold: f64,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Some(threshold) = spec.threshold else {
        return Err(spec
            .params
            .mistake("threshold", "`weighted` has no `threshold`, so nothing says when it passes")
            .into());
    };
    Ok(Box::new(Set::build(spec, context, Weighted { threshold })?))
}

impl Rule for Weighted {
    fn combine(&self, members: &[Decided<'_>]) -> Scored {
        Scored::graded(mean(members), self.threshold, evidence(members))
    }

    fn members_score_counts(&self, _: bool) -> bool {
        true
    }
}
