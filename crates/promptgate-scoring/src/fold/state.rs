//! The state of a comparison apart from its checks: whether it can be made at all (gate.md, 2.3), whether enough was
//! answered (2.2), whether its baseline is too old. Each with its reason code and a sentence that says what to do.

use promptgate_core::gate::{Check, Limit, Policy, Rule, Subject as Asks};
use promptgate_core::name::MetricName;
use promptgate_core::plan::{PlannedModel, PlannedVersion, StoredBaseline};
use promptgate_core::record::RunHeader;
use promptgate_core::report::Mend;
use promptgate_core::report::words::{counted, thousands};
use promptgate_core::score::Tier;
use promptgate_core::selection::Selection;
use promptgate_core::verdict::Verdict;

use super::heard::Heard;
use super::pairs::{Answers, Over, Pairs};
use super::subject::Subject;
use super::table::Side;

/// What is known of a comparison before its checks are judged.
pub(crate) struct State<'a> {
    pub(crate) header: &'a RunHeader,
    /// Absent for `compare`.
    pub(crate) policy: Option<&'a Policy>,
    pub(crate) model: &'a PlannedModel,
    pub(crate) baseline: Option<&'a PlannedVersion>,
    /// Why the baseline that the policy names cannot be had.
    pub(crate) why_missing: Option<&'a str>,
    /// The stored run that is the candidate.
    pub(crate) stored_candidate: Option<&'a StoredBaseline>,
    pub(crate) pairs: &'a Pairs<'a>,
    pub(crate) answers: &'a Answers,
}

/// A state that weighs on the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) verdict: Verdict,
    pub(crate) code: &'static str,
    pub(crate) words: String,
    /// What mends it, where the code leaves that open.
    pub(crate) mend: Option<Mend>,
}

impl Found {
    fn mended_by(self, mend: Mend) -> Self {
        Self { mend: Some(mend), ..self }
    }
}

impl State<'_> {
    /// The worst thing there is to say; nothing when the comparison stands.
    pub(crate) fn find(&self) -> Option<Found> {
        self.invalid().or_else(|| self.unavailable()).or_else(|| self.undecidable())
    }

    /// What makes a comparison one that cannot be made (gate.md, 2.3), the worst first.
    fn invalid(&self) -> Option<Found> {
        self.baseline_missing()
            .or_else(|| self.wrong_version())
            .or_else(|| self.cases_changed())
            .or_else(|| self.baseline_not_held())
            .or_else(|| self.judge_changed())
            .or_else(|| self.shard_missing())
    }

    /// The stored run that is the baseline.
    fn stored(&self) -> Option<&StoredBaseline> {
        self.baseline.and_then(|version| version.stored.as_ref())
    }

    fn baseline_missing(&self) -> Option<Found> {
        if self.baseline.is_some() || !self.needs_baseline() {
            return None;
        }
        let why = self.why_missing.unwrap_or("is missing");
        let words = format!("the baseline {why}; name one that exists, or give it with `--baseline`");
        invalid("baseline_missing", words)
    }

    fn wrong_version(&self) -> Option<Found> {
        let sides = [self.pairs.baseline, Some(self.pairs.candidate)];
        sides.into_iter().flatten().find(|side| side.misplaced)?;
        let words = "a trial is recorded for another version than the one under judgement: run it again";
        invalid("wrong_version", words.to_owned())
    }

    fn cases_changed(&self) -> Option<Found> {
        let sides = [("baseline", self.stored()), ("candidate", self.stored_candidate)];
        let (side, stored) = sides
            .into_iter()
            .find_map(|(side, stored)| Some((side, stored.filter(|stored| changed_too_much(stored))?)))?;
        let (changed, cases) = (thousands(stored.changed.len() as u64), counted(stored.cases, "case", "cases"));
        let found = invalid("cases_changed", format!("{changed} of {cases} of the stored {side} were changed"))?;
        let is_candidate = side == "candidate";
        Some(if is_candidate { found.mended_by(Mend::AnswerCandidate) } else { found })
    }

    fn baseline_not_held(&self) -> Option<Found> {
        if self.answers.not_held as f64 > self.max_missing() * self.pairs.planned.len() as f64 {
            let lacking = counted(self.answers.not_held, "answer", "answers");
            let words = format!("{lacking} of the baseline may not be asked for: run without `--no-run`");
            return invalid("baseline_missing", words).map(|found| found.mended_by(Mend::AllowCalls));
        }
        let stored = self.stored().filter(|_| self.pairs.planned.is_empty())?;
        let words =
            format!("run {} holds no answer of {} to these cases: run it on this model", stored.run, self.model.id);
        invalid("baseline_missing", words)
    }

    fn judge_changed(&self) -> Option<Found> {
        let metric = self.not_judged()?;
        let words = format!(
            "answers hold no grade of the judge of `{metric}` as it is now, and it may not be asked: run without `--no-run`"
        );
        invalid("judge_changed", words).map(|found| found.mended_by(Mend::AllowCalls))
    }

    /// A gate that may stop early runs in one piece, and what it did not ask is no missing part.
    fn shard_missing(&self) -> Option<Found> {
        let missing = self.missing_trials(self.pairs.candidate, self.stored_candidate.is_some())
            + self.pairs.baseline.map_or(0, |side| self.missing_trials(side, self.stored().is_some()));
        if self.header.units.is_some() || missing == 0 {
            return None;
        }
        let part =
            self.header.partition.map(|partition| format!("this is part {partition} alone; ")).unwrap_or_default();
        let trials = counted(missing, "planned trial is", "planned trials are");
        let words = format!("{part}{trials} not in the record: merge all parts with `report --merge`");
        invalid("shard_missing", words)
    }

    /// A judged metric that a check is about and that too many pairs lack, where nobody may be asked.
    fn not_judged(&self) -> Option<&MetricName> {
        let is_forbidden = self.header.settings.get("no-run").is_some_and(|set| *set == true);
        let policy = self.policy.filter(|_| is_forbidden && self.baseline.is_some())?;
        let judged = |metric: &&MetricName| self.header.metrics.iter().any(|spec| spec.judged && spec.name == **metric);
        policy.checks.iter().filter_map(Check::metric).filter(judged).find(|metric| {
            let sample = self.pairs.sample(&Subject::Metric((*metric).clone()), Over::All);
            sample.unscored as f64 > self.max_missing() * sample.planned as f64
        })
    }

    /// The share of planned pairs that may be missing.
    fn max_missing(&self) -> f64 {
        self.policy.map_or_else(|| Policy::default().max_missing, |policy| policy.max_missing)
    }

    fn needs_baseline(&self) -> bool {
        let Some(policy) = self.policy else { return true };
        policy.checks.iter().any(|check| match &check.subject {
            Asks::Metric { limit, .. } => !matches!(limit, Some(Limit::Min(..) | Limit::Max(..))),
            Asks::Rule { rule, .. } => matches!(rule, Rule::NoNewBreak { .. }),
        })
    }

    /// Planned trials that the record lacks; what a stored run does not hold was never planned.
    fn missing_trials(&self, side: &Side, stored: bool) -> u64 {
        let cases = self.model.cases.as_ref().map_or(self.header.cases, |share| share.count);
        let planned = cases * u64::from(self.header.trials);
        if stored { 0 } else { planned.saturating_sub(side.trials) }
    }

    fn unavailable(&self) -> Option<Found> {
        let unavailable = |code, words| Some(Found { verdict: Verdict::Unavailable, code, words, mend: None });
        let (missing, planned) = (self.answers.unanswered, self.pairs.planned.len() as u64);
        let what = if self.pairs.baseline.is_some() { "pairs" } else { "cases" };
        let since = self.silence();
        let told = format!("{} of {} {what} got no answer{since}", thousands(missing), thousands(planned));
        if missing as f64 > self.max_missing() * planned as f64 {
            return unavailable("max_missing", format!("{told}; this says nothing about the prompt"));
        }
        if self.answers.no_quota {
            return unavailable(
                "quota",
                format!("{told} because the quota is gone; this says nothing about the prompt"),
            );
        }
        if let Some(side) = self.without_answer() {
            let words = format!("{} answered no call of the {side}: nothing is shown of its answers", self.model.id);
            return unavailable("nothing_answered", words);
        }
        let (ungraded, fed) = self.ungraded()?;
        let told = format!("{} of {} {what} got no grade since a judge is out", thousands(ungraded), thousands(fed));
        unavailable("judge_out", format!("{told}; this says nothing about the prompt"))
    }

    /// The sides, the baseline first.
    fn sides(&self) -> impl Iterator<Item = (&'static str, &Side)> {
        let baseline = self.pairs.baseline.map(|side| ("baseline", side));
        baseline.into_iter().chain([("candidate", self.pairs.candidate)])
    }

    /// `, since all 120 calls of loc/m ran into its timeout of 4s`, where these are missing for that.
    fn silence(&self) -> String {
        let silent = self.sides().map(|(_, side)| side).filter(|side| side.is_silent);
        let heard = silent.fold(Heard::default(), |heard, side| heard.plus(side.heard));
        heard.silence(self.model, "").map(|told| format!(", since {told}")).unwrap_or_default()
    }

    /// The side of which nothing is known, however much may be missing. A baseline that is refused throughout is worse than a
    /// candidate that is answered; of a candidate without an answer nothing good can be said.
    fn without_answer(&self) -> Option<&'static str> {
        let is_without = |(name, side): &(&str, &Side)| match *name {
            "candidate" => side.heard.has_no_answer(),
            _ => side.heard.is_unheard(),
        };
        self.sides().find(is_without).map(|(name, _)| name)
    }

    /// The pairs of the first critical check that lacks more grades than may be missing, since whoever grades is out; and
    /// how many pairs the check is about.
    fn ungraded(&self) -> Option<(u64, u64)> {
        let policy = self.policy?;
        let of_check = |check: &Check| {
            let (subject, selection) = match &check.subject {
                Asks::Metric { metric, slice, .. } => (Subject::named(metric, self.header)?, slice),
                Asks::Rule { cases, .. } => (Subject::Outcome, cases),
            };
            let place = |wanted: &Selection| self.header.selections.iter().position(|each| each == wanted);
            let found = self.pairs.ungraded(&subject, selection.as_ref().and_then(place), check.needs_baseline());
            (found.0 as f64 > policy.max_missing * found.1 as f64).then_some(found)
        };
        policy.checks.iter().filter(|check| check.tier == Tier::Critical).find_map(of_check)
    }

    fn undecidable(&self) -> Option<Found> {
        let open = |code, words| Some(Found { verdict: Verdict::Inconclusive, code, words, mend: None });
        if self.answers.skipped > 0 {
            let skipped = counted(self.answers.skipped, "pair was", "pairs were");
            return open("skipped", format!("{skipped} skipped: run without `--max-fail`"));
        }
        let limit = self.policy.and_then(|policy| policy.max_age)?;
        let stored = self.stored()?;
        let age = age(&stored.started, &self.header.volatile.started)?;
        if age <= limit {
            return None;
        }
        let (days, allowed) = (age as f64 / 86_400.0, limit as f64 / 86_400.0);
        open(
            "baseline_old",
            format!("the baseline is {days:.1} days old, and at most {allowed:.1} are allowed: run it again"),
        )
    }
}

fn invalid(code: &'static str, words: String) -> Option<Found> {
    Some(Found { verdict: Verdict::Invalid, code, words, mend: None })
}

/// Fewer than 95 % of the stored cases are as they were.
fn changed_too_much(stored: &StoredBaseline) -> bool {
    20 * stored.changed.len() as u64 > stored.cases
}

/// Seconds between two times in RFC 3339; absent where one cannot be read.
fn age(from: &str, to: &str) -> Option<u64> {
    let seconds = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    u64::try_from(seconds(to)? - seconds(from)?).ok()
}
