//! Rules on cases: `must-pass` and `no-new-break`. They name cases and carry no error rate (gate.md, 2.4).
//!
//! A rule has no level that further draws could divide, so it is judged on the calls of all draws together. With `confirm`
//! a case that is about to break a rule is called again, and counts only when more than half of all its calls fail.

use promptgate_core::gate::Rule;
use promptgate_core::report::{Better, CheckKind, CheckMethod, CheckReport, words};
use promptgate_core::score::Tier;
use promptgate_core::verdict::Verdict;

use super::pairs::Pairs;
use super::table::Passes;

/// A rule judged: the report, and the positions of the cases it names.
pub(crate) struct Judged {
    pub(crate) report: CheckReport,
    pub(crate) named: Vec<usize>,
}

/// What a rule is asked about.
pub(crate) struct Asked {
    pub(crate) rule: Rule,
    /// The selection of its cases, by index and in words.
    pub(crate) cases: Option<(usize, String)>,
    pub(crate) tier: Tier,
}

/// Where a case stands that fails in its trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It does not break the rule in its trials.
    Kept,
    /// Too many of its calls fail.
    Broken,
    /// It broke the rule in its trials; most of all its calls pass.
    Recovered,
    /// It is to be called again, and was not, or too few of these calls came to something.
    Unconfirmed,
}

/// The cases of a rule by where they stand.
#[derive(Default)]
struct Sorted {
    selected: usize,
    broken: Vec<usize>,
    recovered: u64,
    unconfirmed: u64,
    /// Of these, those that were called again in vain.
    in_vain: u64,
    /// Cases without a usable trial on a side the rule needs.
    blind: u64,
}

impl Asked {
    fn selection(&self) -> Option<usize> {
        self.cases.as_ref().map(|(index, _)| *index)
    }

    pub(crate) fn judged(&self, pairs: &Pairs<'_>) -> Judged {
        match self.rule {
            Rule::MustPass { .. } => self.must_pass(pairs),
            Rule::NoNewBreak { max_broken, .. } => self.no_new_break(pairs, max_broken),
        }
    }

    /// The cases that are about to break the rule and wait to be called again.
    pub(crate) fn unconfirmed(&self, pairs: &Pairs<'_>) -> Vec<usize> {
        let waits = |position: &usize| self.standing(pairs, *position) == Standing::Unconfirmed;
        self.selected(pairs).filter(waits).collect()
    }

    fn selected<'p>(&self, pairs: &'p Pairs<'_>) -> Box<dyn Iterator<Item = usize> + 'p> {
        match self.rule {
            Rule::MustPass { .. } => Box::new(pairs.of_candidate(self.selection())),
            Rule::NoNewBreak { .. } => Box::new(pairs.selected(self.selection())),
        }
    }

    fn sorted(&self, pairs: &Pairs<'_>) -> Sorted {
        let mut sorted = Sorted::default();
        for position in self.selected(pairs) {
            sorted.selected += 1;
            let blind = before(pairs, position).usable == 0 && matches!(self.rule, Rule::NoNewBreak { .. });
            sorted.blind += u64::from(blind || after(pairs, position).usable == 0);
            match self.standing(pairs, position) {
                Standing::Kept => {}
                Standing::Broken => sorted.broken.push(position),
                Standing::Recovered => sorted.recovered += 1,
                Standing::Unconfirmed => {
                    sorted.unconfirmed += 1;
                    sorted.in_vain += u64::from(pairs.table.confirmed(pairs.candidate, position).in_vain > 0);
                }
            }
        }
        sorted
    }

    fn standing(&self, pairs: &Pairs<'_>, position: usize) -> Standing {
        let after = after(pairs, position);
        let breaks = match self.rule {
            Rule::MustPass { .. } => after.failed() > 0,
            Rule::NoNewBreak { .. } => {
                (before(pairs, position).majority(), after.majority()) == (Some(true), Some(false))
            }
        };
        match (breaks, self.rule.confirm()) {
            (false, _) => Standing::Kept,
            (true, 0) => Standing::Broken,
            (true, confirm) => {
                let again = pairs.table.confirmed(pairs.candidate, position).fared;
                let (failed, all) = (after.failed() + again.failed(), after.usable + confirm);
                let unknown = confirm.saturating_sub(again.usable);
                match () {
                    () if 2 * failed > all => Standing::Broken,
                    () if 2 * (failed + unknown) <= all => Standing::Recovered,
                    () => Standing::Unconfirmed,
                }
            }
        }
    }

    /// A selected case fails in any trial of the candidate: the rule is broken, whatever the baseline did.
    fn must_pass(&self, pairs: &Pairs<'_>) -> Judged {
        let sorted = self.sorted(pairs);
        let failed = sorted.broken.len() as u64;
        let fails_before = |position: &&usize| before(pairs, **position).failed() > 0;
        let also = sorted.broken.iter().filter(fails_before).count() as u64;
        let verdict = sorted.verdict(0);
        let mut reason = sorted.unknown();
        if failed > 0 {
            let of = words::counted(sorted.selected as u64, "case", "cases");
            let fails = if failed == 1 { "fails" } else { "fail" };
            reason.push(format!("{failed} of {of} {fails}."));
        }
        reason.extend(self.confirmed(&sorted));
        if also > 0 {
            let fails = if also == 1 { "also fails" } else { "also fail" };
            reason.push(format!("{} {fails} on the baseline.", words::counted(also, "case", "cases")));
        }
        Judged { report: self.report(sorted.selected, 0, None, verdict, reason), named: sorted.broken }
    }

    /// More cases than allowed passed in the majority of the baseline's trials and fail in the candidate's.
    fn no_new_break(&self, pairs: &Pairs<'_>, max_broken: u32) -> Judged {
        let sorted = self.sorted(pairs);
        let broken = sorted.broken.len() as u64;
        let mended = |position: &usize| {
            (before(pairs, *position).majority(), after(pairs, *position).majority()) == (Some(false), Some(true))
        };
        let fixed = self.selected(pairs).filter(mended).count() as u64;
        let verdict = sorted.verdict(max_broken);
        let mut reason = sorted.unknown();
        let of = words::counted(sorted.selected as u64, "case", "cases");
        reason.push(format!("{broken} of {of} broken, {max_broken} allowed."));
        reason.extend(self.confirmed(&sorted));
        let counts = Some((fixed, broken));
        Judged { report: self.report(sorted.selected, max_broken, counts, verdict, reason), named: sorted.broken }
    }

    /// What calling failing cases again came to.
    fn confirmed(&self, sorted: &Sorted) -> Option<String> {
        let calls = words::counted(u64::from(self.rule.confirm()), "more time", "more times");
        let cases = |number| words::counted(number, "failing case was", "failing cases were");
        let again = match self.rule.confirm() {
            0 => return None,
            _ if sorted.unconfirmed > sorted.in_vain => {
                return Some(format!(
                    "{} to be called {calls} and got no answer: allow calls (no `--no-run`, or `--live`), or write \
                     `confirm = 0`.",
                    cases(sorted.unconfirmed - sorted.in_vain)
                ));
            }
            _ if sorted.in_vain > 0 => {
                return Some(format!(
                    "{} called {calls}, and too few of these calls came to something: the same command makes them again.",
                    cases(sorted.in_vain)
                ));
            }
            _ => sorted.recovered + sorted.broken.len() as u64,
        };
        (again > 0).then(|| {
            format!("{} called {calls}: {}.", cases(again), outcome(sorted.broken.len() as u64, sorted.recovered))
        })
    }

    fn report(
        &self,
        selected: usize,
        allowed: u32,
        counts: Option<(u64, u64)>,
        verdict: Verdict,
        mut reason: Vec<String>,
    ) -> CheckReport {
        reason.push("A rule, no error rate.".to_owned());
        CheckReport {
            rule: Some(self.rule.name().to_owned()),
            slice: self.cases.as_ref().map(|(_, words)| words.clone()),
            n: selected as u64,
            limit: Some(f64::from(allowed)),
            limit_key: Some("max_broken".to_owned()),
            fixed: counts.map(|(fixed, _)| fixed),
            broken: counts.map(|(_, broken)| broken),
            method: CheckMethod { block: Some("rule".to_owned()), pass: Some("rule".to_owned()) },
            verdict: Some(verdict),
            reason: reason.join(" "),
            ..CheckReport::blank(self.tier, CheckKind::Rule, Better::Higher)
        }
    }
}

impl Sorted {
    fn verdict(&self, allowed: u32) -> Verdict {
        let (broken, allowed) = (self.broken.len() as u64, u64::from(allowed));
        match () {
            () if broken > allowed => Verdict::Fail,
            () if self.selected == 0 || self.blind > 0 => Verdict::Inconclusive,
            // What is not confirmed matters only where it could break the rule.
            () if self.unconfirmed > 0 && broken + self.unconfirmed > allowed => Verdict::Inconclusive,
            () => Verdict::Pass,
        }
    }

    fn unknown(&self) -> Vec<String> {
        match (self.selected, self.blind) {
            (0, _) => vec!["no_data: the rule selects no case.".to_owned()],
            (_, 0) => Vec::new(),
            (selected, blind) if blind == selected as u64 => {
                vec![format!(
                    "no_data: none of {} has a usable trial.",
                    words::counted(blind, "selected case", "selected cases")
                )]
            }
            (_, blind) => {
                vec![format!("{} no usable trial.", words::counted(blind, "selected case has", "selected cases have"))]
            }
        }
    }
}

/// What calling failing cases again showed.
fn outcome(broken: u64, recovered: u64) -> String {
    let still = words::counted(broken, "still fails", "still fail");
    let most = words::counted(recovered, "passes in most calls", "pass in most calls");
    match (broken, recovered) {
        (_, 0) => still,
        (0, _) => most,
        _ => format!("{still}, {most}"),
    }
}

/// How a case fared on the baseline, over all draws; nothing without one.
fn before(pairs: &Pairs<'_>, position: usize) -> Passes {
    pairs.baseline.map_or_else(Passes::default, |side| {
        pairs.table.passes(side, position).plus(pairs.table.earlier_passes(side, position))
    })
}

/// How a case fared on the candidate, over all draws.
fn after(pairs: &Pairs<'_>, position: usize) -> Passes {
    pairs.table.passes(pairs.candidate, position).plus(pairs.table.earlier_passes(pairs.candidate, position))
}
