//! Why trials got no answer, or no score.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::record::{SettledTrial, TrialError};
use promptgate_core::report::words::counted;
use promptgate_core::room::{self, Room};

use super::subject::unanswered;

/// Causes that are told.
const TOLD: usize = 3;

/// Causes that are told apart; a judge may say something else each time.
const MOST: usize = 16;

/// Failures by their kind, each with the shortest message: what was not called says the same as what was, and more. Other
/// reasons by their words, in the same way. When there is room again is no part of the words.
#[derive(Debug, Default)]
pub(crate) struct Causes(Vec<Cause>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    kind: Option<FailureKind>,
    trials: u64,
    message: String,
    /// When there is room again.
    room: Option<At>,
}

/// The later of two is the one that counts. What was not called repeats the wait of an earlier call, so its own time is
/// right only where no call is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    is_called: bool,
    seconds: i64,
}

impl Causes {
    pub(crate) fn add(&mut self, failure: &Failure, told_ms: u64) {
        self.hear(Some(failure.kind), &failure.message, told_ms);
    }

    /// Takes in what was told apart until now.
    pub(crate) fn absorb(&mut self, others: Self) {
        others.0.into_iter().for_each(|cause| self.count(cause));
    }

    pub(crate) fn add_reason(&mut self, reason: &str, told_ms: u64) {
        self.hear(None, reason, told_ms);
    }

    /// Why a trial has neither an answer nor a score.
    pub(crate) fn add_trial(&mut self, trial: &SettledTrial) {
        let answered_ms = trial.volatile.answered_ms;
        unanswered(trial).into_iter().for_each(|failure| self.add(failure, answered_ms));
        if let Some(TrialError::Unscored { reason, .. }) = &trial.error {
            self.add_reason(reason, trial.volatile.refused_ms.unwrap_or(answered_ms));
        }
    }

    fn hear(&mut self, kind: Option<FailureKind>, said: &str, told_ms: u64) {
        let (message, rooms) = room::heard(said);
        let seconds = rooms.iter().filter_map(|room| seconds(room, told_ms)).max();
        let room = seconds.map(|seconds| At { is_called: called(&message) == message, seconds });
        self.count(Cause { kind, trials: 1, message, room });
    }

    fn count(&mut self, new: Cause) {
        let is_same = |cause: &Cause| {
            cause.kind == new.kind && (new.kind.is_some() || called(&cause.message) == called(&new.message))
        };
        let Some(at) = self.0.iter().position(is_same) else { return self.begin(new) };
        let cause = &mut self.0[at];
        cause.trials += new.trials;
        cause.room = cause.room.max(new.room);
        if (new.message.len(), &new.message) < (cause.message.len(), &cause.message) {
            cause.message = new.message;
        }
    }

    /// Keeps one that was not heard before; where there is no place for it, it is counted with the last one.
    fn begin(&mut self, new: Cause) {
        match self.0.get_mut(MOST - 1) {
            Some(last) => last.trials += new.trials,
            None => self.0.push(new),
        }
    }

    /// The causes of some sides, the commonest first.
    fn of<'a>(sides: impl IntoIterator<Item = &'a Self>) -> Vec<Cause> {
        let mut all = Self::default();
        sides.into_iter().flat_map(|side| &side.0).for_each(|cause| all.count(cause.clone()));
        all.0.sort_by(|one, other| (other.trials, &one.message).cmp(&(one.trials, &other.message)));
        all.0
    }

    /// The trials that have one.
    pub(crate) fn trials(&self) -> u64 {
        self.0.iter().map(|cause| cause.trials).sum()
    }

    /// The causes of some sides in one line; nothing where there is none.
    pub(crate) fn told<'a>(sides: impl IntoIterator<Item = &'a Self>) -> Option<String> {
        let all = Self::of(sides);
        let more = all.len().saturating_sub(TOLD);
        let told = all.iter().take(TOLD).map(|cause| {
            let trials = counted(cause.trials, "trial", "trials");
            format!("{} ({trials})", cause.message)
        });
        let more = (more > 0).then(|| format!("and {}", counted(more as u64, "other cause", "other causes")));
        let told: Vec<String> = told.chain(more).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// The causes that pass at a time of the day, and when; the commonest ones.
    pub(crate) fn rooms<'a>(sides: impl IntoIterator<Item = &'a Self>) -> Vec<String> {
        let room = |cause: Cause| Some(format!("{}; there is room again at {}", cause.message, minute(cause.room?)?));
        Self::of(sides).into_iter().filter_map(room).take(TOLD).collect()
    }
}

/// A reason without what the guard of a model puts in front where it lets nobody call: `judge: not called, since an earlier
/// call was refused: it is gone` is `judge: it is gone`.
fn called(reason: &str) -> std::borrow::Cow<'_, str> {
    let uncalled = |text: &str| -> Option<usize> {
        let why = text.strip_prefix("not called, since ")?;
        let rest = why.strip_prefix("an earlier call was refused: ").or_else(|| {
            let (seconds, rest) = why.strip_prefix("nothing was answered for ")?.split_once(" s, in the end with: ")?;
            seconds.bytes().all(|byte| byte.is_ascii_digit()).then_some(rest)
        })?;
        Some(text.len() - rest.len())
    };
    let Some(at) = reason.find("not called, since ").filter(|at| *at == 0 || reason[..*at].ends_with(": ")) else {
        return reason.into();
    };
    match uncalled(&reason[at..]) {
        Some(length) => [&reason[..at], &reason[at + length..]].concat().into(),
        None => reason.into(),
    }
}

/// In seconds since 1970; nothing where it is not known when it was told, or beyond the end of time.
fn seconds(room: &Room, told_ms: u64) -> Option<i64> {
    match room {
        Room::In(wait) => {
            let told = Some(told_ms / 1_000).filter(|told| *told > 0)?;
            i64::try_from(told.checked_add(wait.as_secs())?).ok()
        }
        Room::At(at) => {
            let read = |form| DateTime::strptime(form, at).ok()?.to_zoned(TimeZone::UTC).ok();
            Some(read("%Y-%m-%d %H:%M UTC").or_else(|| read("%Y-%m-%d %H:%M:%S UTC"))?.timestamp().as_second())
        }
    }
}

/// The first minute in which there is room.
fn minute(room: At) -> Option<String> {
    let minutes = room.seconds.checked_add(59)? / 60;
    let at = Timestamp::from_second(minutes * 60).ok()?;
    Some(at.strftime("%F %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_764_331_200_000;
    const UNCALLED: &str = "not called, since an earlier call was refused: ";

    #[test]
    fn the_commonest_cause_is_told_first_in_its_shortest_words() {
        let (mut one, mut other) = (Causes::default(), Causes::default());
        one.add(&Failure::new(FailureKind::Server, "busy"), NOON);
        one.add(&Failure::new(FailureKind::Quota, format!("{UNCALLED}it is gone")), NOON);
        other.add(&Failure::new(FailureKind::Quota, "it is gone"), NOON);
        assert_eq!(Causes::told([&one, &other]).unwrap(), "it is gone (2 trials); busy (1 trial)");
        assert_eq!(Causes::told([&Causes::default()]), None);
        (0..100).for_each(|number| one.add_reason(&format!("junk {number}"), NOON));
        assert_eq!(one.0.len(), MOST);
    }

    fn reasons(reasons: &[&str]) -> Causes {
        let mut causes = Causes::default();
        reasons.iter().for_each(|reason| causes.add_reason(reason, NOON));
        causes
    }

    #[test]
    fn a_reason_that_was_not_asked_for_is_one_with_what_was() {
        let ended = "j: not called, since nothing was answered for 31 s, in the end with: it is gone";
        let judge = reasons(&[&format!("j: {UNCALLED}it is gone"), "j: it is gone", "i: it is gone", ended]);
        assert_eq!(Causes::told([&judge]).unwrap(), "j: it is gone (3 trials); i: it is gone (1 trial)");
        let others = reasons(&["j: gone", "j: HTTP 500: gone", "j: no grade: not called, since x: gone"]);
        assert_eq!(others.0.len(), 3);
    }

    #[test]
    fn the_latest_time_of_a_cause_is_told_apart_from_its_words() {
        let old = "j: full; there is room again at 2025-11-28 17:59 UTC";
        let judge = reasons(&[old, "j: full; there is room again in 6 h", "j: full; there is room again in 7 s"]);
        assert_eq!(Causes::told([&judge]).unwrap(), "j: full (3 trials)");
        assert_eq!(Causes::rooms([&judge]), ["j: full; there is room again at 2025-11-28 18:00 UTC"]);
        assert_eq!(Causes::rooms([&reasons(&[old, old])]), ["j: full; there is room again at 2025-11-28 17:59 UTC"]);
        let mut later = reasons(&["full; there is room again in 1 h 1 min"]);
        later.add_reason(&format!("{UNCALLED}full; there is room again in 1 h 1 min"), NOON + 1_800_000);
        assert_eq!(Causes::rooms([&later]), ["full; there is room again at 2025-11-28 13:01 UTC"]);
        assert!(Causes::rooms([&reasons(&["full; there is room again in 99999999999999999 h"])]).is_empty());
    }
}
