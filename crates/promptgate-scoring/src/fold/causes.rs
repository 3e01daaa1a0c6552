//! Why trials got no answer.

use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::report::words::counted;

/// Causes that are told.
const TOLD: usize = 3;

/// Failures by their kind, each with the shortest message: what was not called says the same as what was, and more.
#[derive(Debug, Default)]
pub(crate) struct Causes(Vec<Cause>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    kind: FailureKind,
    trials: u64,
    message: String,
}

impl Causes {
    pub(crate) fn add(&mut self, failure: &Failure) {
        self.count(failure.kind, 1, &failure.message);
    }

    fn count(&mut self, kind: FailureKind, trials: u64, message: &str) {
        let Some(cause) = self.0.iter_mut().find(|cause| cause.kind == kind) else {
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
    }
}
