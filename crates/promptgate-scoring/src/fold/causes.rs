//! Why trials got no answer, or no score.

use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::report::words::counted;

/// Causes that are told.
const TOLD: usize = 3;

/// Causes that are told apart; a judge may say something else each time.
const MOST: usize = 16;

/// Failures by their kind, each with the shortest message: what was not called says the same as what was, and more. Other
/// reasons by their words, in the same way.
#[derive(Debug, Default)]
pub(crate) struct Causes(Vec<Cause>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    kind: Option<FailureKind>,
    trials: u64,
    message: String,
}

impl Causes {
    pub(crate) fn add(&mut self, failure: &Failure) {
        self.count(Some(failure.kind), 1, &failure.message);
    }

    pub(crate) fn add_reason(&mut self, reason: &str) {
        self.count(None, 1, reason);
    }

    fn count(&mut self, kind: Option<FailureKind>, trials: u64, message: &str) {
        let is_same = |cause: &Cause| cause.kind == kind && (kind.is_some() || is_one(&cause.message, message));
        let is_full = self.0.len() >= MOST;
        let at = self.0.iter().position(is_same).or(is_full.then_some(MOST - 1));
        let Some(cause) = at.map(|at| &mut self.0[at]) else {
            return self.0.push(Cause { kind, trials, message: message.to_owned() });
        };
        cause.trials += trials;
        if (message.len(), message) < (cause.message.len(), &cause.message) {
            message.clone_into(&mut cause.message);
        }
    }

    /// The causes of some sides in one line, the commonest first; nothing where there is none.
    pub(crate) fn told<'a>(sides: impl IntoIterator<Item = &'a Self>) -> Option<String> {
        let mut all = Self::default();
        for cause in sides.into_iter().flat_map(|side| &side.0) {
            all.count(cause.kind, cause.trials, &cause.message);
        }
        all.0.sort_by(|one, other| (other.trials, &one.message).cmp(&(one.trials, &other.message)));
        let more = all.0.len().saturating_sub(TOLD);
        let told = all.0.iter().take(TOLD).map(|cause| {
            let trials = counted(cause.trials, "trial", "trials");
            format!("{} ({trials})", cause.message)
        });
        let more = (more > 0).then(|| format!("and {}", counted(more as u64, "other cause", "other causes")));
        let told: Vec<String> = told.chain(more).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// Whether two reasons are one, of which one says in front why nobody was called: `judge: it is gone` and `judge: not called,
/// since an earlier call was refused: it is gone`.
fn is_one(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let said = |text| -> Option<(&str, &str)> { str::split_once(text, ": ") };
    let continues = |(who, what): (&str, &str)| {
        said(long).is_some_and(|(whose, all)| whose == who && all.ends_with(&format!(": {what}")))
    };
    short == long || said(short).is_some_and(continues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_cause_is_told_first_in_its_shortest_words() {
        let (mut one, mut other) = (Causes::default(), Causes::default());
        one.add(&Failure::new(FailureKind::Server, "busy"));
        one.add(&Failure::new(FailureKind::Quota, "not called, since an earlier call was refused: it is gone"));
        other.add(&Failure::new(FailureKind::Quota, "it is gone"));
        assert_eq!(Causes::told([&one, &other]).unwrap(), "it is gone (2 trials); busy (1 trial)");
        assert_eq!(Causes::told([&Causes::default()]), None);
        let mut judge = Causes::default();
        for reason in ["j: not called, since an earlier call was refused: it is gone", "j: it is gone", "i: it is gone"]
        {
            judge.add_reason(reason);
        }
        assert_eq!(Causes::told([&judge]).unwrap(), "j: it is gone (2 trials); i: it is gone (1 trial)");
        (0..100).for_each(|number| one.add_reason(&format!("junk {number}")));
        assert_eq!(one.0.len(), MOST);
    }
}
