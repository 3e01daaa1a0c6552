//! `weighted`: the weighted mean of the members reaches the threshold.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;

use super::kind::score;
use super::set::{Decided, Rule, Set, evidence, mean, unscored};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "weighted",
    summary: "the weighted mean of the members reaches `threshold`, which must be given",
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
        let graded = |mean| Scored::graded(mean, self.threshold, evidence(members));
        let Some(unscored) = unscored(members) else {
            return graded(mean(members).unwrap_or_default());
        };
        // The unscored members decide nothing where the mean reaches the threshold without them, or cannot with them.
        let (lowest, highest) = (graded(mean_with(members, 0.0)), graded(mean_with(members, 1.0)));
        match (lowest.passed, highest.passed) {
            (true, _) => lowest,
            (_, false) => highest,
            _ => unscored,
        }
    }
}

/// The weighted mean if every unscored member had this score.
fn mean_with(members: &[Decided<'_>], assumed: f64) -> f64 {
    let weight: f64 = members.iter().map(|member| member.weight).sum();
    let sum: f64 = members.iter().map(|member| member.weight * member.scored.score.value().unwrap_or(assumed)).sum();
    (sum / weight).clamp(0.0, 1.0)
}
