//! Small suites, judged on their own cases; cases called again before they count as broken; earlier draws.

use promptgate_core::answer::FailureKind;
use promptgate_core::gate::{Basis, Limit, Rule, Scope};
use promptgate_core::name::RunId;
use promptgate_core::record::{EarlierDraw, RecordInMemory};
use promptgate_core::report::{CheckReport, GateReport, headline};
use promptgate_core::score::Outcome;
use promptgate_core::verdict::Verdict;
use promptgate_scoring::fold::{confirmations, gate_report};

use crate::bench::{Bench, Came};

fn first(report: &GateReport) -> &CheckReport {
    &report.comparisons[0].checks[0]
}

fn verdict(report: &GateReport) -> Verdict {
    report.verdict.unwrap()
}

fn these_cases(cases: usize, trials: u32) -> Bench {
    Bench::gate(cases).trials(trials).with(|header| header.policy.as_mut().unwrap().scope = Scope::TheseCases)
}

/// 25 cases, 5 trials: one case failed 1 of 5 before and 2 of 5 now, another fails 1 of 5 now.
fn example(version: usize, at: usize, repeat: u32) -> Came {
    Came::Out(!matches!((version, at, repeat), (1, 3, 5) | (0, 3, 4 | 5) | (0, 8, 2)))
}

#[test]
fn the_example_of_the_method_reads_as_it_is_printed_there() {
    let bench = these_cases(25, 5).drop(0.05).rule(Rule::NoNewBreak { max_broken: 0, confirm: 3 });
    let report = bench.report(example);
    assert_eq!(headline(&report), "PASS on these 25 cases: shown not to be worse by 5 pt or more");
    let check = first(&report);
    assert_eq!((check.broken, check.n, check.cases_needed), (Some(0), 25, None));
    let [low, high] = check.interval.unwrap();
    assert!((low - -0.044_593_4).abs() < 1e-6 && (high - 0.011).abs() < 1e-3, "{low} {high}");
    assert!((check.p_value.unwrap() - 7.0 / 24.0).abs() < 1e-9);
    insta::assert_snapshot!(check.reason, @"broke 0 cases, fixed 0, 25 unchanged. Chance of a result this bad with no real drop: 29%. Ruled out on these cases: a drop of more than 4.5 pt. Other inputs were not looked at. Allowed: 5 pt.");
    let method = (check.method.block.as_deref(), check.method.pass.as_deref());
    assert_eq!(method, (Some("permuted labels"), Some("t with skew term and guard")));
}

#[test]
fn a_stable_suite_of_25_passes_from_three_trials_and_never_from_two() {
    let stable = |trials: u32| verdict(&these_cases(25, trials).drop(0.05).report(|_, _, _| Came::Out(true)));
    assert_eq!((stable(2), stable(3), stable(5)), (Verdict::Inconclusive, Verdict::Pass, Verdict::Pass));
    let open = these_cases(25, 2).drop(0.05).report(|_, _, _| Came::Out(true));
    assert!(first(&open).reason.contains("About 3 trials a case (1 more) settle it"), "{}", first(&open).reason);
}

#[test]
fn clusters_play_no_part_on_these_cases() {
    let bench = these_cases(25, 3).drop(0.05).clustered(|at| at % 2);
    let report = bench.report(|_, _, _| Came::Out(true));
    assert_eq!((verdict(&report), first(&report).clusters), (Verdict::Pass, None));
}

#[test]
fn cases_that_fell_whole_are_blocked_and_the_words_do_not_ask_for_more_repeats_alone() {
    let fell = |cases: usize| {
        these_cases(25, 3).drop(0.05).report(move |version, at, _| Came::Out(version == 1 || at >= cases))
    };
    assert_eq!(verdict(&fell(4)), Verdict::Fail);
    let one = fell(1);
    assert_eq!(verdict(&one), Verdict::Inconclusive);
    let reason = &first(&one).reason;
    assert!(reason.contains("the drop seen is too large for that"), "{reason}");
    assert!(reason.contains("mend the 1 broken case"), "{reason}");
}

#[test]
fn scores_amounts_floors_and_ceilings_have_their_bounds_on_these_cases() {
    let bench = these_cases(25, 3)
        .limit("quality", Limit::AllowedDrop(0.1))
        .limit("tokens", Limit::AllowedRise(0.2))
        .limit("quality", Limit::Min(0.5, Basis::Bound));
    let scores = bench.report(|_, at, repeat| Came::Scored(0.7 + 0.01 * ((at + repeat as usize) % 3) as f64));
    let methods: Vec<_> = scores.comparisons[0].checks.iter().map(|check| check.method.pass.clone().unwrap()).collect();
    assert_eq!(methods[0], "t with skew term and guard");
    assert_eq!((methods[1].as_str(), methods[2].as_str()), ("t with skew term", "t with skew term and guard"));
    assert_eq!(verdict(&scores), Verdict::Pass);
    let tokens = these_cases(10, 3).limit("tokens", Limit::AllowedRise(0.1));
    let rose = tokens.report(|version, at, repeat| {
        Came::Used(1_000 + (at as u64 * 7 + u64::from(repeat)) % 5 + if version == 0 { 300 } else { 0 })
    });
    assert_eq!(verdict(&rose), Verdict::Fail);
    assert!((first(&rose).difference.unwrap() - 0.3).abs() < 0.01);
}

#[test]
fn a_case_with_one_usable_trial_on_a_side_is_incomplete() {
    let bench = these_cases(40, 3).drop(0.1);
    let report = bench.report(|version, at, repeat| match (version, at, repeat) {
        (0, 5, 1 | 2) => Came::Lost(FailureKind::Server),
        (0, 6, 1) => Came::Lost(FailureKind::Server),
        _ => Came::Out(true),
    });
    assert_eq!((first(&report).n, report.comparisons[0].pairs.missing_candidate), (39, 1));
    assert_eq!(verdict(&report), Verdict::Pass);
}

#[test]
fn an_amount_of_zero_has_no_ratio_on_these_cases_either() {
    let bench = these_cases(10, 2).limit("tokens", Limit::AllowedRise(0.1));
    let report = bench.report(|_, at, _| Came::Used(if at == 0 { 0 } else { 10 }));
    assert!(first(&report).reason.starts_with("non_positive"), "{}", first(&report).reason);
}

/// One case in 30 passes before and fails now; `confirm` calls come to `passed`.
fn confirmed(rule: Rule, passed: &[bool]) -> GateReport {
    let bench = Bench::gate(30).rule(rule).with(|header| header.confirm = rule.confirm());
    let mut record = bench.record(|version, at, _| Came::Out((version, at) != (0, 4)));
    bench.confirmed(&mut record, (0, 0), 4, passed);
    gate_report(&record).unwrap()
}

#[test]
fn a_failing_case_is_called_again_and_counts_when_most_of_all_its_calls_fail() {
    let rule = Rule::NoNewBreak { max_broken: 0, confirm: 3 };
    // Of 4 calls in all more than 2 must fail.
    let cases = [
        (vec![true, true, true], Verdict::Pass),
        (vec![false, true, true], Verdict::Pass),
        (vec![false, false, true], Verdict::Fail),
        (vec![false, false, false], Verdict::Fail),
        // Not all calls are there, and those that are decide.
        (vec![false, false], Verdict::Fail),
        (vec![true, true], Verdict::Pass),
        (vec![], Verdict::Inconclusive),
        (vec![false], Verdict::Inconclusive),
    ];
    for (passed, expected) in cases {
        assert_eq!(verdict(&confirmed(rule, &passed)), expected, "{passed:?}");
    }
    let reason = first(&confirmed(rule, &[true, true, true])).reason.clone();
    insta::assert_snapshot!(reason, @"0 of 30 cases broken, 0 allowed. 1 failing case was called 3 more times: 1 passes in most calls. A rule, no error rate.");
    let open = first(&confirmed(rule, &[])).reason.clone();
    assert!(open.contains("1 failing case was to be called 3 more times and got no answer"), "{open}");
}

#[test]
fn calls_that_confirm_in_vain_name_their_cause_and_are_to_be_made_again() {
    let rule = Rule::NoNewBreak { max_broken: 0, confirm: 3 };
    let bench = Bench::gate(30).rule(rule).with(|header| header.confirm = 3);
    let called = |came: Came| {
        let mut record = bench.record(|version, at, _| Came::Out((version, at) != (0, 4)));
        bench.called_again(&mut record, (0, 0), 4, &[came; 3]);
        gate_report(&record).unwrap()
    };
    let again = "1 failing case was called 3 more times, and too few of these calls came to something: the same command \
                 makes them again.";
    let lost = called(Came::Lost(FailureKind::Server));
    let comparison = &lost.comparisons[0];
    assert!(first(&lost).reason.contains(again), "{}", first(&lost).reason);
    assert_eq!(comparison.notes, ["calls that confirm broken cases came to nothing: lost (3 trials)"]);
    assert_eq!((verdict(&lost), comparison.candidate.unanswered), (Verdict::Inconclusive, 3));
    let unscored = called(Came::Unscored);
    assert!(first(&unscored).reason.contains(again), "{}", first(&unscored).reason);
    assert_eq!((unscored.comparisons[0].candidate.unanswered, unscored.comparisons[0].candidate.unscored), (0, 3));
    // What a recording does not hold was not called.
    let not_held = called(Came::Lost(FailureKind::MissingRecording));
    assert!(
        first(&not_held).reason.contains("allow calls (no `--no-run`, or `--live`)"),
        "{}",
        first(&not_held).reason
    );
    assert_eq!(not_held.comparisons[0].candidate.unanswered, 0);
}

#[test]
fn calls_that_confirm_count_for_the_rule_alone() {
    let rule = Rule::NoNewBreak { max_broken: 0, confirm: 3 };
    let bench = Bench::gate(30).drop(0.1).rule(rule).with(|header| header.confirm = 3);
    let plain = bench.record(|version, at, _| Came::Out((version, at) != (0, 4)));
    let mut called = plain.clone();
    bench.confirmed(&mut called, (0, 0), 4, &[true, true, true]);
    let [plain, called] = [plain, called].map(|record| gate_report(&record).unwrap());
    assert_eq!(first(&plain), first(&called));
    assert_ne!(plain.comparisons[0].checks[1].verdict, called.comparisons[0].checks[1].verdict);
}

#[test]
fn what_waits_to_be_called_again_is_listed_by_case_and_repeat() {
    let rule = Rule::NoNewBreak { max_broken: 0, confirm: 2 };
    let bench = Bench::gate(30).rule(rule).with(|header| header.confirm = 2);
    let mut record = bench.record(|version, at, _| Came::Out((version, at) != (0, 4)));
    let wanted = confirmations(&record).unwrap();
    let listed: Vec<_> = wanted.iter().map(|trial| (trial.version, trial.model, trial.case, trial.repeat)).collect();
    assert_eq!(listed, [(0, 0, 4, 2), (0, 0, 4, 3)]);
    bench.confirmed(&mut record, (0, 0), 4, &[false, false]);
    assert!(confirmations(&record).unwrap().is_empty());
    let safe = Bench::gate(30).rule(Rule::MustPass { confirm: 0 });
    assert!(confirmations(&safe.record(|_, _, _| Came::Out(false))).unwrap().is_empty());
}

#[test]
fn must_pass_is_confirmed_where_it_says_so() {
    assert_eq!(verdict(&confirmed(Rule::MustPass { confirm: 2 }, &[true, true])), Verdict::Pass);
    assert_eq!(verdict(&confirmed(Rule::MustPass { confirm: 2 }, &[false, true])), Verdict::Fail);
}

/// A second draw of 30 cases where everything passes, and what the first draw of one case came to.
fn redrawn(bench: &Bench, outcome: Outcome) -> RecordInMemory {
    let mut record = bench.record(|_, _, _| Came::Out(true));
    for trial in record.trials.iter_mut().filter(|trial| trial.version == 0) {
        trial.draw = 2;
        let outcome = if trial.case.id.as_str() == "c-0004" { outcome } else { Outcome::Passed };
        let (cost, usage, latency_ms, metrics) = Default::default();
        let run = RunId::new("r0").unwrap();
        trial.earlier.push(EarlierDraw { draw: 1, run, outcome, metrics, cost, usage, latency_ms });
    }
    record
}

#[test]
fn rules_and_floors_by_value_count_the_calls_of_all_draws() {
    let safe = Bench::gate(30).rule(Rule::MustPass { confirm: 0 });
    let judged = |bench: &Bench, outcome| verdict(&gate_report(&redrawn(bench, outcome)).unwrap());
    assert_eq!(judged(&safe, Outcome::Passed), Verdict::Pass);
    assert_eq!(judged(&safe, Outcome::Failed), Verdict::Fail);
    let floor = Bench::gate(30).limit("pass_rate", Limit::Min(0.99, Basis::Value));
    assert_eq!(judged(&floor, Outcome::Passed), Verdict::Pass);
    assert_eq!(judged(&floor, Outcome::Failed), Verdict::Fail);
    let report = gate_report(&redrawn(&floor, Outcome::Failed)).unwrap();
    assert!((first(&report).candidate.unwrap() - (29.0 + 0.5) / 30.0).abs() < 1e-12);
}

#[test]
fn a_majority_over_all_draws_decides_what_is_broken() {
    let rule = Rule::NoNewBreak { max_broken: 0, confirm: 0 };
    let bench = Bench::gate(30).rule(rule);
    // Passed now, failed in the draw before: an even split is neither.
    assert_eq!(verdict(&gate_report(&redrawn(&bench, Outcome::Failed)).unwrap()), Verdict::Pass);
}

#[test]
fn two_trials_for_a_judge_that_nobody_checked_leave_its_metric_open_where_labels_are_asked_for() {
    let judged = |labels: u32, agreement: Option<f64>| {
        let bench = Bench::gate(100).limit("quality", Limit::AllowedDrop(0.1)).with(|header| {
            header.metrics[0].judged = true;
            let policy = header.policy.as_mut().unwrap();
            (policy.judge_labels_min, policy.min_agreement) = (labels, agreement);
        });
        bench.report(|_, _, _| Came::Scored(0.8))
    };
    assert_eq!(verdict(&judged(0, None)), Verdict::Pass);
    assert_eq!(judged(0, None).comparisons[0].notes, ["judge of `quality` not checked against people (0 labels)"]);
    let few = first(&judged(30, None)).reason.clone();
    assert!(few.starts_with("too_few_labels"), "{few}");
    assert!(few.ends_with("More cases do not settle it: have people label more answers."), "{few}");
    let unknown = first(&judged(0, Some(0.6))).reason.clone();
    assert!(unknown.starts_with("too_few_labels: no label says how far the judge agrees with people"), "{unknown}");
    assert!(unknown.ends_with("More cases do not settle it: have people label answers."), "{unknown}");
    assert_eq!(verdict(&judged(30, None)), Verdict::Inconclusive);
}

/// 240 cases whose candidate answers a fifth slower, got so many seconds after the baseline's.
fn slower(later: u64) -> GateReport {
    let bench = Bench::gate(240).limit("latency", Limit::AllowedRise(0.5));
    let mut record = bench.record(|_, _, _| Came::Out(true));
    for trial in &mut record.trials {
        let base = 500 + trial.trial % 240 * 7 % 400;
        let latency = if trial.version == 0 { base * 6 / 5 } else { base };
        trial.response.as_mut().unwrap().latency_ms = Some(latency);
        trial.volatile.answered_ms = 1_000_000_000 + if trial.version == 0 { later * 1_000 } else { 0 };
    }
    gate_report(&record).unwrap()
}

#[test]
fn latencies_of_different_times_are_told_and_their_slow_tail_stands_beside_the_mean_ratio() {
    let report = slower(60);
    assert!(first(&report).reason.contains("95th percentile +"), "{}", first(&report).reason);
    assert!(report.comparisons[0].notes.is_empty(), "{:?}", report.comparisons[0].notes);
    let apart = slower(7_200);
    assert!(apart.comparisons[0].notes[0].starts_with("latencies of the two sides were measured at different times"));
}

#[test]
fn an_explanation_of_repeats_tells_the_noise_within_cases_from_that_between_them() {
    let bench = these_cases(25, 5).drop(0.05).rule(Rule::NoNewBreak { max_broken: 0, confirm: 3 });
    let found = promptgate_scoring::fold::explanation(&bench.record(example), None).unwrap();
    let [rate, rule] = found.derivations.as_slice() else { panic!("{found:?}") };
    let value = |what: &str| {
        let step = rate.steps.iter().find(|step| step.what == what);
        step.map(|step| step.value.parse::<f64>().unwrap()).unwrap_or_else(|| panic!("{what}: {rate:?}"))
    };
    // One case passes 4 of 5 before; 3 of 5 and 4 of 5 now.
    assert!((value("within cases (w), baseline") - 0.2 / 25.0).abs() < 1e-9);
    assert!((value("within cases (w), candidate") - 0.5 / 25.0).abs() < 1e-9);
    assert_eq!((value("cases that waver, baseline"), value("cases that waver, candidate")), (1.0, 2.0));
    assert!((value("df") - 11.529_4).abs() < 1e-3 && (value("t bound") - -0.044_593_4).abs() < 1e-6);
    assert!(rule.title.starts_with("no-new-break, judge.candidate against judge.baseline"), "{}", rule.title);
    assert!(rule.steps.iter().any(|step| step.what.starts_with("blocked by chance")), "{rule:?}");
}
