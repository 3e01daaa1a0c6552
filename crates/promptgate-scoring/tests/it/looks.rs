//! Gates that may stop early: what each look judges, when it is settled, and that nothing behind it is looked at. Slices
//! that look worse, candidates side by side, and the baseline against itself.

use promptgate_core::gate::{Basis, Limit, Rule, Sequential};
use promptgate_core::plan::PlannedVersion;
use promptgate_core::record::{PlannedComparison, Purpose, RecordInMemory};
use promptgate_core::report::GateReport;
use promptgate_core::verdict::Verdict;
use promptgate_scoring::fold::{gate_report, is_settled};

use crate::bench::{Bench, Came};

const HOW: [Sequential; 2] = [Sequential::Looks, Sequential::Anytime];

/// Every fifth case is broken: a drop of 20 points.
fn worse(version: usize, at: usize, _: u32) -> Came {
    Came::Out(version == 1 || !at.is_multiple_of(5))
}

fn same(_: usize, at: usize, _: u32) -> Came {
    Came::Out(!at.is_multiple_of(9))
}

/// The look at which a run of this record would have stopped, and its report.
fn stopped(bench: &Bench, record: &RecordInMemory, looks: &[usize]) -> (usize, GateReport) {
    for (look, units) in looks.iter().enumerate() {
        let report = gate_report(&bench.up_to(*units, record.clone())).unwrap();
        if look + 1 == looks.len() || is_settled(&report) {
            return (look + 1, report);
        }
    }
    unreachable!("the last look always stops")
}

fn looks(bench: &Bench, how: Sequential) -> Vec<usize> {
    promptgate_core::sequence::looks(how, bench.header.units.unwrap().count as usize)
}

#[test]
fn a_large_drop_is_blocked_early_and_the_rest_is_saved() {
    for how in HOW {
        let bench = Bench::gate(400).drop(0.05).sequential(how);
        let (look, report) = stopped(&bench, &bench.record(worse), &looks(&bench, how));
        assert_eq!(report.verdict, Some(Verdict::Fail), "{how:?}");
        let seen = report.comparisons[0].look.unwrap();
        assert!(seen.settled && seen.units < 400 && seen.look == look as u64, "{how:?}: {seen:?}");
        let saved = report.saved.unwrap();
        assert_eq!((saved.planned, saved.trials), (800, 800 - 2 * seen.units));
        assert_eq!(saved.nano_usd, Some(1_000 * saved.trials));
    }
}

#[test]
fn no_change_passes_early_where_every_check_has_crossed() {
    let bench = Bench::gate(600).drop(0.05).sequential(Sequential::Looks);
    let (look, report) = stopped(&bench, &bench.record(same), &looks(&bench, Sequential::Looks));
    assert!(report.verdict == Some(Verdict::Pass) && look < 5, "{look}");
    assert!(report.comparisons[0].checks[0].interval_level.unwrap() > 0.9);
}

#[test]
fn what_stands_behind_the_look_that_settled_it_changes_nothing() {
    for how in HOW {
        let bench = Bench::gate(400).drop(0.05).sequential(how);
        let record = bench.record(worse);
        let (_, early) = stopped(&bench, &record, &looks(&bench, how));
        let whole = gate_report(&record).unwrap();
        assert_eq!(early.comparisons, whole.comparisons, "{how:?}");
        assert!(whole.saved.is_none());
    }
}

#[test]
fn the_complete_plan_is_judged_by_the_fixed_tests_at_what_the_e_values_left() {
    let bench = Bench::gate(60).drop(0.05).sequential(Sequential::Anytime);
    let report = bench.report(|_, _, _| Came::Out(true));
    let check = &report.comparisons[0].checks[0];
    assert_eq!((report.verdict, check.method.pass.as_deref()), (Some(Verdict::Inconclusive), Some("Tango")));
    assert_eq!(check.interval_level, Some(0.94));
}

#[test]
fn e_values_are_told_as_such_and_amounts_wait_for_the_end() {
    let bench = Bench::gate(400).drop(0.05).limit("tokens", Limit::AllowedRise(0.1)).sequential(Sequential::Anytime);
    let report = gate_report(&bench.up_to(40, bench.record(same))).unwrap();
    let [rate, tokens] = report.comparisons[0].checks.as_slice() else { panic!("two checks") };
    assert_eq!((rate.method.block.as_deref(), tokens.verdict), (Some("e-value"), Some(Verdict::Inconclusive)));
    assert!(tokens.reason.contains("they decide once the plan is complete"), "{}", tokens.reason);
    assert!(!is_settled(&report));
}

#[test]
fn a_rule_that_is_kept_so_far_and_a_floor_as_measured_settle_nothing_early() {
    for (limit, rule) in [(Some(Limit::Min(0.5, Basis::Value)), None), (None, Some(Rule::MustPass { confirm: 0 }))] {
        let mut bench = Bench::gate(600).drop(0.05);
        bench = limit.into_iter().fold(bench, |bench, limit| bench.limit("pass_rate", limit));
        bench = rule.into_iter().fold(bench, |bench, rule| bench.rule(rule));
        let bench = bench.sequential(Sequential::Looks);
        let (look, report) =
            stopped(&bench, &bench.record(|_, _, _| Came::Out(true)), &looks(&bench, Sequential::Looks));
        assert_eq!((look, report.verdict), (5, Some(Verdict::Pass)), "{limit:?} {rule:?}");
    }
    let bench = Bench::gate(600).drop(0.05).rule(Rule::MustPass { confirm: 0 }).sequential(Sequential::Looks);
    let failing = bench.record(|version, at, _| Came::Out((version, at) != (0, 300)));
    let (look, report) = stopped(&bench, &failing, &looks(&bench, Sequential::Looks));
    assert_eq!(report.verdict, Some(Verdict::Fail));
    assert!(look <= 5);
}

#[test]
fn clusters_come_and_count_together() {
    for how in HOW {
        let bench = Bench::gate(600).drop(0.05).clustered(|at| at / 4).sequential(how);
        let (_, report) = stopped(&bench, &bench.record(worse), &looks(&bench, how));
        let comparison = &report.comparisons[0];
        assert_eq!(report.verdict, Some(Verdict::Fail));
        assert_eq!(comparison.checks[0].clusters, Some(comparison.look.unwrap().units));
        assert_eq!(comparison.checks[0].n, 4 * comparison.look.unwrap().units);
    }
}

#[test]
fn a_comparison_that_was_open_when_the_gate_stopped_says_so() {
    let bench = Bench::gate(400).drop(0.05).sequential(Sequential::Looks).with(|header| {
        header.models.push(crate::bench::model("openai/other"));
        header.comparisons.push(PlannedComparison::new(1, Some(1), 0));
    });
    let mut record = bench.record(same);
    for trial in record.trials.iter_mut().filter(|trial| (trial.version, trial.model) == (0, 1)) {
        trial.outcome = promptgate_core::score::Outcome::Failed;
    }
    let report = gate_report(&bench.up_to(80, record)).unwrap();
    assert!(is_settled(&report));
    let [open, failed] = report.comparisons.as_slice() else { panic!("two comparisons") };
    assert_eq!((failed.verdict, report.verdict), (Some(Verdict::Fail), Some(Verdict::Fail)));
    assert_eq!((open.verdict, open.reason.as_deref()), (Some(Verdict::Inconclusive), Some("stopped")));
}

#[test]
fn a_tag_that_no_check_names_and_that_fell_is_listed_and_never_blocks() {
    let mut bench = Bench::gate(400).drop(0.1);
    for (at, case) in bench.cases.iter_mut().enumerate() {
        case.tags = vec![if at < 40 { "refund" } else { "other" }.to_owned()];
    }
    let report = bench.report(|version, at, _| Came::Out(version == 1 || at >= 20));
    assert_eq!(report.verdict, Some(Verdict::Pass));
    let [note] = report.comparisons[0].look_here.as_slice() else { panic!("{:?}", report.comparisons[0].look_here) };
    assert_eq!((note.slice.as_str(), note.metric.as_str(), note.n), ("tag=refund", "pass_rate", 40));
    assert!(note.difference < -0.49 && note.p_value_adjusted < 0.001);
}

#[test]
fn a_tag_that_a_case_names_twice_is_looked_at_once() {
    let noted = |names: usize| {
        let mut bench = Bench::gate(400).drop(0.1);
        for case in bench.cases.iter_mut().take(20) {
            case.tags = vec!["refund".to_owned(); names];
        }
        let report = bench.report(|version, at, _| Came::Out(version == 1 || at >= 10));
        report.comparisons[0].look_here.clone()
    };
    assert_eq!(noted(1)[0].n, 20);
    assert_eq!(noted(2), noted(1));
}

#[test]
fn candidates_side_by_side_share_the_error_rate() {
    let compared = |candidates: usize| {
        let mut bench = Bench::gate(200).with(|header| {
            header.purpose = Purpose::Compare;
            header.policy = None;
            let baseline = header.versions[1].clone();
            for at in 1..candidates {
                let mut version: PlannedVersion = baseline.clone();
                version.identity.digest = promptgate_core::Digest::of_bytes(&[at as u8]);
                header.versions.push(version);
                header.comparisons.push(PlannedComparison::new(0, Some(1), 1 + at));
            }
        });
        bench.header.versions[0].identity.digest = promptgate_core::Digest::of_bytes(b"candidate");
        bench.report(|version, at, _| Came::Out(version == 1 || at >= 12))
    };
    let (one, three) = (compared(1), compared(3));
    let check = |report: &GateReport| report.comparisons[0].checks[0].clone();
    assert_eq!((check(&one).interval_level, check(&one).p_value_adjusted), (Some(0.9), None));
    assert!((check(&three).interval_level.unwrap() - (1.0 - 0.1 / 3.0)).abs() < 1e-9);
    assert_eq!(check(&three).p_value_adjusted, Some((3.0 * check(&three).p_value.unwrap()).min(1.0)));
    assert!(three.notes[0].starts_with("3 candidates side by side"), "{:?}", three.notes);
}

#[test]
fn the_baseline_against_itself_shows_the_noise_and_is_not_judged() {
    let bench = Bench::gate(100).drop(0.05).with(|header| {
        let again = PlannedVersion { again: 1, ..header.versions[1].clone() };
        header.versions.push(again);
        header.comparisons.push(PlannedComparison { control: true, ..PlannedComparison::new(0, Some(1), 2) });
    });
    let report = bench.report(|version, at, _| Came::Out(!(version == 2 && at < 4)));
    let [comparison] = report.comparisons.as_slice() else { panic!("one comparison is judged") };
    assert_eq!(report.verdict, Some(Verdict::Pass));
    let [noise] = comparison.noise.as_slice() else { panic!("{:?}", comparison.noise) };
    assert_eq!((noise.metric.as_str(), noise.n, noise.discordant), ("pass_rate", 100, 0.04));
    assert_eq!(noise.difference, Some(-0.04));
}
