//! Rules on cases: `must-pass` and `no-new-break`. They name cases and carry no error rate (gate.md, 2.4).

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

impl Asked {
    fn selection(&self) -> Option<usize> {
        self.cases.as_ref().map(|(index, _)| *index)
    }

    pub(crate) fn judged(&self, pairs: &Pairs<'_>) -> Judged {
        match self.rule {
            Rule::MustPass { .. } => self.must_pass(pairs),
            Rule::NoNewBreak { max_broken, confirm } => self.no_new_break(pairs, max_broken, confirm),
        }
    }

    /// A selected case fails in any trial of the candidate: the rule is broken, whatever the baseline did.
    fn must_pass(&self, pairs: &Pairs<'_>) -> Judged {
        let selected: Vec<usize> = pairs.of_candidate(self.selection()).collect();
        let fared = |position: &usize| pairs.table.passes(pairs.candidate, *position);
        let broken = |passes: Passes| passes.passed < passes.usable;
        let named: Vec<usize> = selected.iter().copied().filter(|position| broken(fared(position))).collect();
        let unknown = selected.iter().filter(|position| fared(position).usable == 0).count() as u64;
        let before =
            |position: &&usize| pairs.baseline.is_some_and(|side| broken(pairs.table.passes(side, **position)));
        let also = named.iter().filter(before).count() as u64;
        let verdict = verdict(selected.len(), !named.is_empty(), unknown);
        let mut reason = nothing_known(selected.len(), unknown);
        if !named.is_empty() {
            reason.push(format!("{} of {} fail.", named.len(), words::counted(selected.len() as u64, "case", "cases")));
        }
        if also > 0 {
            let fails = if also == 1 { "also fails" } else { "also fail" };
            reason.push(format!("{} {fails} on the baseline.", words::counted(also, "case", "cases")));
        }
        Judged { report: self.report(selected.len(), 0, None, verdict, reason), named }
    }

    /// More cases than allowed passed in the majority of the baseline's trials and fail in the candidate's.
    fn no_new_break(&self, pairs: &Pairs<'_>, max_broken: u32, confirm: u32) -> Judged {
        let selected: Vec<usize> = pairs.selected(self.selection()).collect();
        let fared = |position: usize| {
            let before = pairs.baseline.map(|side| pairs.table.passes(side, position)).unwrap_or_default();
            (before, pairs.table.passes(pairs.candidate, position))
        };
        let broke =
            |(before, after): (Passes, Passes)| (before.majority(), after.majority()) == (Some(true), Some(false));
        let named: Vec<usize> = selected.iter().copied().filter(|position| broke(fared(*position))).collect();
        let blind = |(before, after): (Passes, Passes)| before.usable == 0 || after.usable == 0;
        let unknown = selected.iter().filter(|position| blind(fared(**position))).count() as u64;
        let fixed = selected.iter().filter(|position| {
            let (before, after) = fared(**position);
            broke((after, before))
        });
        let counts = (fixed.count() as u64, named.len() as u64);
        let verdict = verdict(selected.len(), named.len() as u64 > u64::from(max_broken), unknown);
        let mut reason = nothing_known(selected.len(), unknown);
        let of = words::counted(selected.len() as u64, "case", "cases");
        reason.push(format!("{} of {of} broken, {max_broken} allowed.", named.len()));
        if confirm > 0 && !named.is_empty() {
            reason.push("Failing cases were not called again: `confirm` is not done by this version.".to_owned());
        }
        Judged { report: self.report(selected.len(), max_broken, Some(counts), verdict, reason), named }
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
            metric: None,
            rule: Some(self.rule.name().to_owned()),
            slice: self.cases.as_ref().map(|(_, words)| words.clone()),
            tier: self.tier,
            kind: CheckKind::Rule,
            better: Better::Higher,
            n: selected as u64,
            clusters: None,
            baseline: None,
            candidate: None,
            difference: None,
            interval: None,
            interval_level: None,
            ruled_out: None,
            limit: Some(f64::from(allowed)),
            limit_key: Some("max_broken".to_owned()),
            p_value: None,
            p_value_adjusted: None,
            fixed: counts.map(|(fixed, _)| fixed),
            broken: counts.map(|(_, broken)| broken),
            method: CheckMethod { block: Some("rule".to_owned()), pass: Some("rule".to_owned()) },
            verdict: Some(verdict),
            reason: reason.join(" "),
            cases_needed: None,
            cases: Vec::new(),
        }
    }
}

fn verdict(selected: usize, broken: bool, unknown: u64) -> Verdict {
    match broken {
        true => Verdict::Fail,
        false if selected == 0 || unknown > 0 => Verdict::Inconclusive,
        false => Verdict::Pass,
    }
}

fn nothing_known(selected: usize, unknown: u64) -> Vec<String> {
    match (selected, unknown) {
        (0, _) => vec!["no_data: the rule selects no case.".to_owned()],
        (_, 0) => Vec::new(),
        (_, unknown) => {
            vec![format!("{} no usable trial.", words::counted(unknown, "selected case has", "selected cases have"))]
        }
    }
}
