//! `at-least`: so many members passed.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;
use serde::Deserialize;
use serde_json::Value;

use super::kind::pass_fail;
use super::set::{Decided, Rule, Set, Settled, evidence, failed};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "at-least",
    summary: "at least `k` members passed; unscored where that hangs on a member that is",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "assert", doc: "the members, a list of assertions" },
        Parameter { name: "k", doc: "how many of them" },
    ],
    passes: Example::of(
        "k = 1\nassert = [{ kind = \"contains\", value = \"six\" }, { kind = \"contains\", value = \"seven\" }]",
        "At six.",
    ),
    fails: Example::of(
        "k = 2\nassert = [{ kind = \"contains\", value = \"six\" }, { kind = \"contains\", value = \"seven\" }]",
        "At six.",
    ),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    k: Value,
}

struct AtLeast {
    k: usize,
    members: usize,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let members = spec.members.len();
    let Params { k } = spec.params.read("`at-least`")?;
    let k = k.as_u64().and_then(|k| usize::try_from(k).ok());
    let Some(k) = k.filter(|k| (1..=members.max(1)).contains(k)) else {
        let mistake = spec.params.mistake("k", format!("`k` is to be a whole number from 1 to {members}, the members"));
        return Err(mistake.help("write `k = 2`").into());
    };
    // The members take what is left.
    let mut rest = spec.clone();
    rest.params.values.remove("k");
    Ok(Box::new(Set::build(&rest, context, AtLeast { k, members })?))
}

impl Rule for AtLeast {
    fn combine(&self, members: &[Decided<'_>]) -> Scored {
        Scored::decided(passed(members) >= self.k, evidence(members))
    }

    fn settled(&self, members: &[Decided<'_>]) -> Settled {
        let lost = members.iter().filter(|member| failed(member)).count();
        match passed(members) >= self.k || self.members - lost < self.k {
            true => Settled::Result,
            false => Settled::Nothing,
        }
    }

    fn members_score_counts(&self, _: bool) -> bool {
        false
    }
}

fn passed(members: &[Decided<'_>]) -> usize {
    members.iter().filter(|member| member.scored.passed).count()
}
