//! The fold to a gate's report: real recordings first, then the edge table of the method, then what is always true.

use std::collections::HashMap;

use promptgate_core::answer::FailureKind;
use promptgate_core::gate::{Basis, Check, Fresh, Limit, Rule, Subject};
use promptgate_core::plan::StoredBaseline;
use promptgate_core::record::{PlannedComparison, Purpose};
use promptgate_core::report::{CheckReport, GateReport, headline};
use promptgate_core::score::{Outcome, Tier};
use promptgate_core::verdict::{Requirement, Verdict};
use promptgate_scoring::fold::{confirmations, gate_report};
use proptest::prelude::*;
use serde_json::Value;

use crate::bench::{Bench, Came, failures, metric};

/// The recorded `is_correct` of one judge and version, by case id.
fn recorded(data: &std::path::Path, judge: &str, version: &str) -> HashMap<String, bool> {
    let text = std::fs::read_to_string(data.join(format!("llmbar/recordings/{judge}/{version}.jsonl"))).unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        (value["id"].as_str().unwrap().to_owned(), value["is_correct"].as_bool().unwrap_or(false))
    };
    text.lines().map(line).collect()
}

/// The LLMBar gate: 838 cases in 419 groups, allowed drop 2 points.
fn llmbar(data: &std::path::Path) -> Bench {
    let text = std::fs::read_to_string(data.join("llmbar/cases.jsonl")).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut bench = Bench::gate(cases.len()).drop(0.02);
    for (case, value) in bench.cases.iter_mut().zip(&cases) {
        case.id = promptgate_core::name::CaseId::new(value["id"].as_str().unwrap()).unwrap();
        case.cluster = Some(value["group"].as_str().unwrap().to_owned());
    }
    bench
}

#[test]
fn real_prompt_changes_get_the_verdicts_an_independent_computation_gives() {
    let Some(data) = promptgate_testkit::data_dir() else { return };
    let bench = llmbar(&data);
    let vanilla = recorded(&data, "GPT-4", "Vanilla");
    // Exact p by convolving the cluster totals; ours is a Monte Carlo p, hence the tolerance.
    let exact = [("Metrics_Reference", 0.9984), ("Metrics", 0.9151), ("CoT", 0.0026), ("Vanilla_2shot", 0.1020)];
    let mut found = Vec::new();
    for (version, p) in exact {
        let candidate = recorded(&data, "GPT-4", version);
        let came = |side: usize, at: usize, _| {
            let side = if side == 0 { &candidate } else { &vanilla };
            Came::Out(side[bench.cases[at].id.as_str()])
        };
        let report = bench.report(came);
        let check = &report.comparisons[0].checks[0];
        assert!((check.p_value.unwrap() - p).abs() < 0.01, "{version}: {:?}", check.p_value);
        let counts = format!("{}/{}", check.broken.unwrap(), check.fixed.unwrap());
        let low = check.interval.unwrap()[0];
        found.push(format!("{version}: {counts} {low:+.3} {}", headline(&report)));
    }
    insta::assert_snapshot!(found.join("\n"), @r"
    Metrics_Reference: 15/38 +0.011 PASS: shown not to be worse by 2 pt or more
    Metrics: 22/32 -0.004 PASS: shown not to be worse by 2 pt or more
    CoT: 50/23 -0.051 FAIL: worse, and the drop seen (3.2 pt) is at least the allowed 2 pt
    Vanilla_2shot: 42/29 -0.034 INCONCLUSIVE: not shown to be worse, not shown to be as good
    ");
}

/// Verdict, exit code and the first check's reason.
fn told(report: &GateReport) -> (Verdict, u8, String) {
    (report.verdict.unwrap(), report.exit_code.code(), report.comparisons[0].checks[0].reason.clone())
}

fn first(report: &GateReport) -> &CheckReport {
    &report.comparisons[0].checks[0]
}

fn reason_code(report: &GateReport) -> Option<&str> {
    report.comparisons[0].reason.as_deref()
}

#[test]
fn an_open_check_says_what_was_seen_what_is_ruled_out_and_what_would_settle_it() {
    let report = Bench::gate(200).drop(0.05).split(9, 12);
    assert_eq!(first(&report).cases_needed, Some(260));
    insta::assert_snapshot!(
        format!("{}\n{}", headline(&report), first(&report).reason),
        @r"
    INCONCLUSIVE: not shown to be worse, not shown to be as good
    broke 12 cases, fixed 9, 179 unchanged. Chance of a split this bad with no real drop: 26%. Ruled out: a drop of more than 5.5 pt. Allowed: 5 pt. About 60 more cases (260 in all) settle it 4 times in 5 if there is no real drop. Or mend the 12 broken cases; or allow a drop of 6 pt, if you can live with it.
    "
    );
}

#[test]
fn from_half_the_allowed_drop_on_no_number_of_cases_is_promised() {
    let report = Bench::gate(200).drop(0.05).split(9, 14);
    let check = first(&report);
    assert_eq!((check.verdict, check.cases_needed), (Some(Verdict::Inconclusive), None));
    assert!(check.reason.contains("the drop seen is too large for that"), "{}", check.reason);
}

#[test]
fn identical_sides_pass_from_52_cases_with_tango_and_from_59_with_the_guard() {
    let verdict = |cases: usize, metric: &str| {
        let bench = Bench::gate(cases).limit(metric, Limit::AllowedDrop(0.05));
        told(&bench.split(0, 0)).0
    };
    assert_eq!((verdict(51, "pass_rate"), verdict(52, "pass_rate")), (Verdict::Inconclusive, Verdict::Pass));
    assert_eq!((verdict(58, "quality"), verdict(59, "quality")), (Verdict::Inconclusive, Verdict::Pass));
    let open = Bench::gate(51).drop(0.05).split(0, 0);
    assert!(first(&open).reason.contains("with 52 cases in all"), "{}", first(&open).reason);
    assert_eq!(first(&open).p_value, Some(1.0));
}

#[test]
fn one_pair_shows_an_estimate_and_no_interval() {
    let report = Bench::gate(1).drop(0.05).split(0, 1);
    let check = first(&report);
    assert_eq!((check.difference, check.interval, check.ruled_out), (Some(-1.0), None, None));
    assert_eq!(told(&report).0, Verdict::Inconclusive);
}

#[test]
fn without_spread_a_score_has_its_sign_flip_p_and_an_interval_of_some_width() {
    let fell = |by: f64| {
        let bench = Bench::gate(10).limit("quality", Limit::AllowedDrop(0.05));
        bench.report(move |version, _, _| Came::Scored(if version == 0 { 0.5 - by } else { 0.5 }))
    };
    let (down, up) = (fell(0.25), fell(-0.25));
    assert_eq!(first(&down).p_value, Some(0.5_f64.powi(10)));
    assert_eq!(told(&down).0, Verdict::Fail);
    assert_eq!(first(&up).p_value, Some(1.0));
    let [low, high] = first(&up).interval.unwrap();
    assert!(low < high && low < 0.25, "{low} {high}");
}

#[test]
fn four_clusters_are_too_few_and_five_are_judged() {
    let judged = |clusters: usize| Bench::gate(40).drop(0.05).clustered(move |at| at % clusters).split(0, 40);
    let few = judged(4);
    assert_eq!(told(&few).0, Verdict::Inconclusive);
    assert!(first(&few).reason.starts_with("too_few_clusters: too few clusters"), "{}", first(&few).reason);
    assert_eq!((first(&judged(1)).interval, first(&judged(1)).clusters), (None, Some(1)));
    let five = judged(5);
    assert_eq!((told(&five).0, first(&five).p_value), (Verdict::Fail, Some(0.03125)));
    assert_eq!(first(&five).method.block.as_deref(), Some("cluster sign flip"));
}

#[test]
fn clusters_of_one_case_each_are_no_clusters() {
    let report = Bench::gate(60).drop(0.05).clustered(|at| at).split(0, 0);
    assert_eq!((first(&report).clusters, first(&report).method.pass.as_deref()), (None, Some("Tango")));
}

#[test]
fn a_baseline_that_passes_nothing_or_everything_is_nothing_special() {
    let all = |before: bool, after: bool| {
        let bench = Bench::gate(100).drop(0.05);
        told(&bench.report(move |version, _, _| Came::Out(if version == 0 { after } else { before }))).0
    };
    assert_eq!((all(false, true), all(true, false)), (Verdict::Pass, Verdict::Fail));
    assert_eq!((all(false, false), all(true, true)), (Verdict::Pass, Verdict::Pass));
}

#[test]
fn five_percent_without_an_answer_are_borne_and_one_more_is_unavailable() {
    let lost = |cases: usize, kind| {
        let bench = Bench::gate(100).drop(0.1);
        bench.report(move |version, at, _| if version == 0 && at < cases { Came::Lost(kind) } else { Came::Out(true) })
    };
    let borne = lost(5, FailureKind::Server);
    assert_eq!((told(&borne).0, borne.comparisons[0].pairs.complete), (Verdict::Pass, 95));
    let gone = lost(6, FailureKind::Connection);
    assert_eq!(
        (told(&gone).0, gone.exit_code.code(), reason_code(&gone)),
        (Verdict::Unavailable, 104, Some("max_missing"))
    );
    assert_eq!(headline(&gone), "UNAVAILABLE: 6 of 100 pairs got no answer; this says nothing about the prompt");
    let quota = lost(1, FailureKind::Quota);
    assert_eq!((told(&quota).0, reason_code(&quota)), (Verdict::Unavailable, Some("quota")));
}

/// Gates of every sort, as lenient as can be.
fn lenient() -> Vec<Bench> {
    let confirm = 0;
    let gates = [
        Bench::gate(100).drop(0.05),
        Bench::gate(100).limit("quality", Limit::AllowedDrop(0.05)),
        Bench::gate(100).limit("quality", Limit::Max(1.0, Basis::Value)),
        Bench::gate(100).limit("tokens", Limit::AllowedRise(0.1)),
        Bench::gate(100).rule(Rule::MustPass { confirm }),
        Bench::gate(100).rule(Rule::NoNewBreak { max_broken: 0, confirm }),
    ];
    let lenient = |(most, require): (f64, Requirement), bench: Bench| {
        bench.with(|header| {
            let policy = header.policy.as_mut().unwrap();
            (policy.max_missing, policy.require) = (most, require);
        })
    };
    let settings = [(0.05, Requirement::ShownNotWorse), (1.0, Requirement::NoRegressionFound)];
    let all = gates.into_iter().flat_map(|bench| {
        let copy = Bench { header: bench.header.clone(), cases: bench.cases.clone() };
        [lenient(settings[0], bench), lenient(settings[1], copy)]
    });
    all.collect()
}

#[test]
fn nothing_is_green_where_nothing_was_answered_whatever_the_failure() {
    for (bench, kind) in lenient().iter().flat_map(|bench| failures().map(move |kind| (bench, kind))) {
        let check = |what: &str, silent: [bool; 2]| {
            let came = |version: usize, _: usize, _| if silent[version] { Came::Lost(kind) } else { Came::Out(true) };
            let report = bench.report(came);
            let told = (report.exit_code.code(), report.comparisons[0].promotable);
            assert!(told.0 != 0 && !told.1, "{kind:?} on {what}: {}, {:#?}", headline(&report), report.comparisons[0]);
        };
        check("both sides", [true, true]);
        check("the candidate", [true, false]);
        // A baseline that is refused throughout was looked at by somebody, and is worse than a candidate that is answered;
        // one that may not be asked for is missed by the checks that need it.
        let needs_baseline = bench.header.policy.iter().flat_map(|policy| &policy.checks).any(Check::needs_baseline);
        let is_no_outage = match kind {
            FailureKind::ContentFilter | FailureKind::Malformed => true,
            FailureKind::MissingRecording => !needs_baseline,
            _ => false,
        };
        if !is_no_outage {
            check("the baseline", [false, true]);
        }
    }
}

#[test]
fn time_outs_of_a_model_that_answers_neither_side_are_no_evidence_and_the_cause_is_told() {
    let late = Came::Lost(FailureKind::ModelTimeout);
    let gate = || Bench::gate(60).drop(0.05).rule(Rule::NoNewBreak { max_broken: 0, confirm: 3 });
    let gate = || gate().with(|header| (header.confirm, header.models[0].timeout_ms) = (3, 4_000));
    let both = gate().report(|_, _, _| late);
    assert_eq!((told(&both).0, both.exit_code.code()), (Verdict::Unavailable, 104));
    let comparison = &both.comparisons[0];
    assert_eq!((comparison.pairs.complete, comparison.candidate.errored), (0, 60));
    assert!(comparison.candidate.silent && comparison.flips.is_empty(), "{comparison:#?}");
    let every = "60 of 60 pairs got no answer, since all 120 calls of openai/gpt-4 ran into its timeout of 4s; this says \
                 nothing about the prompt";
    assert!(headline(&both).contains(every), "{}", headline(&both));
    assert_eq!(comparison.notes, ["60 pairs have no answer on a side since: lost (120 trials)"]);
    assert!(confirmations(&gate().record(|_, _, _| late)).unwrap().is_empty(), "nothing confirms an outage");
    let mixed = gate().report(|_, at, _| if at < 20 { late } else { Came::Lost(FailureKind::Server) });
    let nothing = "nothing came back from 120 calls of openai/gpt-4: 40 ran into its timeout of 4s";
    assert!(headline(&mixed).contains(nothing), "{}", headline(&mixed));
}

#[test]
fn time_outs_of_a_model_that_answers_the_other_side_are_its_failures() {
    let late = Came::Lost(FailureKind::ModelTimeout);
    let gate = || Bench::gate(60).drop(0.05).with(|header| header.models[0].timeout_ms = 4_000);
    let report = gate().report(|version, _, _| if version == 0 { late } else { Came::Out(true) });
    assert_eq!((told(&report).0, report.exit_code.code()), (Verdict::Fail, 100));
    let note = |side: &str| {
        format!(
            "all 60 calls of openai/gpt-4 on the {side} ran into its timeout of 4s: they count as failed, though an outage \
             may look so; the same command asks again"
        )
    };
    assert_eq!(report.comparisons[0].notes, [note("candidate")]);
    // A baseline of which nothing was heard is none to be better than.
    let report = gate().report(|version, _, _| if version == 1 { late } else { Came::Out(true) });
    assert_eq!((told(&report).0, reason_code(&report)), (Verdict::Unavailable, Some("nothing_answered")));
    assert_eq!(report.comparisons[0].notes, [note("baseline")]);
}

#[test]
fn time_outs_of_a_model_that_answers_are_its_failures_and_many_of_them_are_told() {
    let late = |cases: usize| {
        let bench = Bench::gate(100).drop(0.05).with(|header| header.models[0].timeout_ms = 1_500);
        let is_late = move |version, at| version == 0 && at < cases;
        bench.report(move |version, at, _| match is_late(version, at) {
            true => Came::Lost(FailureKind::ModelTimeout),
            false => Came::Out(true),
        })
    };
    let told_of = |cases: usize| (told(&late(cases)).0, late(cases).comparisons[0].notes.clone());
    let note = |calls: u64| {
        format!(
            "{calls} of 100 calls of openai/gpt-4 on the candidate ran into its timeout of 1.5s: they count as failed"
        )
    };
    assert_eq!(told_of(99), (Verdict::Fail, vec![note(99)]));
    assert_eq!(told_of(6), (Verdict::Fail, vec![note(6)]));
    assert_eq!(told_of(5).1, Vec::<String>::new());
}

#[test]
fn a_candidate_that_a_filter_holds_back_throughout_is_worse_than_one_that_is_answered() {
    let report = Bench::gate(60).drop(0.05).report(|version, _, _| match version {
        0 => Came::Lost(FailureKind::ContentFilter),
        _ => Came::Out(true),
    });
    assert_eq!((told(&report).0, reason_code(&report)), (Verdict::Fail, Some("nothing_answered")));
    let both = Bench::gate(60).drop(0.05).report(|_, _, _| Came::Lost(FailureKind::ContentFilter));
    assert_eq!(
        headline(&both),
        "UNAVAILABLE: openai/gpt-4 answered no call of the candidate: nothing is shown of its answers"
    );
}

#[test]
fn a_proven_regression_stands_in_what_was_answered() {
    let report = Bench::gate(100).drop(0.05).report(|version, at, _| match (version, at) {
        (0, ..10) => Came::Lost(FailureKind::Server),
        (0, 10..60) => Came::Out(false),
        _ => Came::Out(true),
    });
    assert_eq!((told(&report).0, report.exit_code.code()), (Verdict::Fail, 100));
    assert_eq!(reason_code(&report), Some("max_missing"));
}

#[test]
fn too_many_unscored_pairs_leave_a_check_open_and_meet_no_requirement() {
    let report = Bench::gate(100)
        .drop(0.1)
        .with(|header| header.policy.as_mut().unwrap().require = Requirement::NoRegressionFound)
        .report(|_, at, _| if at < 6 { Came::Unscored } else { Came::Out(true) });
    assert_eq!((told(&report).0, report.met, report.exit_code.code()), (Verdict::Inconclusive, Some(false), 102));
    assert!(first(&report).reason.starts_with("unscored: 6 of 100 pairs"), "{}", first(&report).reason);
}

#[test]
fn lopsided_missing_values_leave_a_check_open_and_tell_the_worst_case() {
    let report = Bench::gate(400)
        .drop(0.05)
        .report(|version, at, _| if version == 0 && at < 15 { Came::Unscored } else { Came::Out(true) });
    assert_eq!(told(&report).0, Verdict::Inconclusive);
    let reason = &first(&report).reason;
    assert!(reason.starts_with("lopsided_missing: 15 values are missing on the candidate alone, 0"), "{reason}");
    assert!(reason.ends_with("Were every missing value of the candidate a failure: inconclusive."), "{reason}");
}

#[test]
fn without_a_complete_pair_every_number_is_absent() {
    let report = Bench::gate(20).drop(0.05).report(|_, _, _| Came::Unscored);
    let check = first(&report);
    assert_eq!((check.n, check.difference, check.p_value, check.interval), (0, None, None, None));
    assert_eq!((told(&report).0, report.met), (Verdict::Inconclusive, Some(false)));
}

#[test]
fn the_weaker_requirement_is_met_by_an_open_verdict_that_keeps_its_word() {
    let bench = Bench::gate(200).drop(0.05);
    let report =
        bench.with(|header| header.policy.as_mut().unwrap().require = Requirement::NoRegressionFound).split(9, 12);
    assert_eq!((report.met, report.exit_code.code(), report.comparisons[0].promotable), (Some(true), 0, true));
    assert_eq!(headline(&report), "INCONCLUSIVE, requirement met: nothing found worse, not shown to be as good");
}

/// A stored baseline with so many of its 100 cases changed.
fn stored(changed: usize) -> GateReport {
    let baseline = StoredBaseline {
        run: "r0".to_owned(),
        started: "2026-11-01T10:00:00Z".to_owned(),
        cases: 100,
        changed: (0..changed).map(|at| format!("c-{at:04}")).collect(),
        new: 0,
    };
    let bench = Bench::gate(100).drop(0.1).with(|header| header.versions[1].stored = Some(baseline));
    bench.report(|version, at, _| match version {
        1 if at < changed => Came::Lost(FailureKind::MissingRecording),
        _ => Came::Out(true),
    })
}

#[test]
fn five_percent_changed_cases_leave_the_rest_to_judge_and_one_more_is_invalid() {
    let rest = stored(5);
    assert_eq!((told(&rest).0, rest.comparisons[0].pairs.changed_cases, first(&rest).n), (Verdict::Pass, 5, 95));
    let invalid = stored(6);
    assert_eq!((told(&invalid).0, invalid.exit_code.code()), (Verdict::Invalid, 103));
    assert_eq!((first(&invalid).difference, reason_code(&invalid)), (None, Some("cases_changed")));
    assert_eq!(headline(&invalid), "INVALID: 6 of 100 cases of the stored baseline were changed");
}

#[test]
fn a_baseline_older_than_allowed_is_at_best_inconclusive() {
    let baseline = |days: u64| {
        let stored = StoredBaseline {
            run: "r0".to_owned(),
            started: "2026-11-01T10:00:00Z".to_owned(),
            cases: 100,
            changed: Vec::new(),
            new: 0,
        };
        let bench = Bench::gate(100).drop(0.1).with(|header| {
            header.versions[1].stored = Some(stored);
            header.policy.as_mut().unwrap().max_age = Some(days * 86_400);
        });
        bench.split(0, 0)
    };
    assert_eq!(told(&baseline(22)).0, Verdict::Pass);
    let old = baseline(21);
    assert_eq!((told(&old).0, reason_code(&old)), (Verdict::Inconclusive, Some("baseline_old")));
}

#[test]
fn a_missing_baseline_part_or_version_is_invalid_with_its_own_reason() {
    let bench = || Bench::gate(60).drop(0.1);
    let missing = bench().with(|header| header.comparisons[0].baseline = None).split(0, 0);
    assert_eq!((told(&missing).0, reason_code(&missing)), (Verdict::Invalid, Some("baseline_missing")));
    let forbidden = bench().report(|version, _, _| match version {
        1 => Came::Lost(FailureKind::MissingRecording),
        _ => Came::Out(true),
    });
    assert_eq!((told(&forbidden).0, reason_code(&forbidden)), (Verdict::Invalid, Some("baseline_missing")));
    let mut part = bench().record(|_, _, _| Came::Out(true));
    part.trials.retain(|trial| trial.case.id.as_str() != "c-0007");
    let part = gate_report(&part).unwrap();
    assert_eq!((told(&part).0, reason_code(&part)), (Verdict::Invalid, Some("shard_missing")));
    let mut swapped = bench().record(|_, _, _| Came::Out(true));
    for trial in &mut swapped.trials {
        trial.version = 1 - trial.version;
    }
    let swapped = gate_report(&swapped).unwrap();
    assert_eq!((told(&swapped).0, reason_code(&swapped)), (Verdict::Invalid, Some("wrong_version")));
}

#[test]
fn rules_and_floors_are_judged_where_the_comparison_is_invalid() {
    let bench = Bench::gate(60).drop(0.1).rule(Rule::MustPass { confirm: 0 });
    let report = bench.with(|header| header.comparisons[0].baseline = None).split(0, 1);
    assert_eq!(
        (told(&report).0, headline(&report)),
        (Verdict::Fail, "FAIL: 1 case that must pass does not".to_owned())
    );
}

#[test]
fn must_pass_is_absolute_and_says_what_failed_before_too() {
    let bench = Bench::gate(30).rule(Rule::MustPass { confirm: 0 }).trials(3);
    let report = bench.report(|version, at, repeat| match (version, at, repeat) {
        (0, 4, 2) | (0, 9, 1) | (1, 9, 3) => Came::Out(false),
        _ => Came::Out(true),
    });
    let cases: Vec<&str> = first(&report).cases.iter().map(|case| case.as_str()).collect();
    assert_eq!((told(&report).0, cases), (Verdict::Fail, vec!["c-0004", "c-0009"]));
    assert_eq!(first(&report).reason, "2 of 30 cases fail. 1 case also fails on the baseline. A rule, no error rate.");
    let lost = Bench::gate(30).rule(Rule::MustPass { confirm: 0 });
    let lost = lost.report(|version, at, _| if (version, at) == (0, 3) { Came::Unscored } else { Came::Out(true) });
    assert_eq!(told(&lost).0, Verdict::Inconclusive);
}

#[test]
fn no_new_break_counts_majorities_and_an_even_split_is_neither() {
    let rule = Rule::NoNewBreak { max_broken: 0, confirm: 0 };
    let bench = Bench::gate(30).rule(rule).trials(4);
    let failing = |trials: u32| {
        bench.report(move |version, at, repeat| Came::Out(!(version == 0 && at == 2 && repeat <= trials)))
    };
    assert_eq!((told(&failing(2)).0, told(&failing(3)).0), (Verdict::Pass, Verdict::Fail));
    let report = failing(3);
    assert_eq!(headline(&report), "FAIL: 1 case that passed before fails now, 0 allowed");
    let flip = &report.comparisons[0].flips[0];
    assert_eq!((flip.case.as_str(), flip.baseline.as_str(), flip.candidate.as_str()), ("c-0002", "4/4", "1/4"));
    let allowed = Bench::gate(30).rule(Rule::NoNewBreak { max_broken: 1, confirm: 0 }).split(0, 1);
    assert_eq!(told(&allowed).0, Verdict::Pass);
}

#[test]
fn floors_look_at_the_value_or_at_the_bound() {
    let judged = |limit: Limit, failed: usize| told(&Bench::gate(60).limit("pass_rate", limit).split(0, failed)).0;
    assert_eq!(judged(Limit::Min(0.95, Basis::Value), 3), Verdict::Pass);
    assert_eq!(judged(Limit::Min(0.95, Basis::Value), 4), Verdict::Fail);
    // Wilson at 60 of 60 is .957.
    assert_eq!(judged(Limit::Min(0.956, Basis::Bound), 0), Verdict::Pass);
    assert_eq!(judged(Limit::Min(0.958, Basis::Bound), 0), Verdict::Inconclusive);
    assert_eq!(judged(Limit::Min(0.9, Basis::Bound), 30), Verdict::Fail);
    assert_eq!(judged(Limit::Max(0.5, Basis::Value), 0), Verdict::Fail);
}

#[test]
fn amounts_are_compared_as_ratios() {
    let used = |factor: f64| {
        let bench = Bench::gate(50).limit("tokens", Limit::AllowedRise(0.1));
        bench.report(move |version, at, _| {
            let before = 100.0 + at as f64;
            Came::Used(if version == 0 { before * factor + (at % 3) as f64 } else { before } as u64)
        })
    };
    let (same, more) = (used(1.0), used(1.3));
    assert_eq!((told(&same).0, told(&more).0), (Verdict::Pass, Verdict::Fail));
    assert!(headline(&more).starts_with("FAIL: more tokens, and the rise seen (3"), "{}", headline(&more));
    assert_eq!(headline(&same), "PASS: shown not to be higher by 10% or more");
    let zero = Bench::gate(50).limit("tokens", Limit::AllowedRise(0.1)).report(|_, at, _| Came::Used(at as u64));
    assert!(told(&zero).2.starts_with("non_positive"), "{}", told(&zero).2);
}

#[test]
fn holm_corrects_the_critical_checks_alone_and_advisory_ones_never_decide() {
    let mut bench = Bench::gate(200).drop(0.05).limit("quality", Limit::AllowedDrop(0.05));
    let report = bench.split(3, 12);
    let check = first(&report);
    assert_eq!(check.p_value_adjusted, Some(2.0 * check.p_value.unwrap()));
    bench.policy().checks[1].tier = Tier::Advisory;
    let report = bench.split(0, 0);
    assert_eq!(first(&report).p_value_adjusted, first(&report).p_value);
    assert_eq!(report.comparisons[0].checks[1].p_value_adjusted, None);
}

#[test]
fn a_slice_is_judged_on_its_cases() {
    let mut bench = Bench::gate(100);
    let selection = bench.selection("vip", |at| at < 40);
    let subject =
        Subject::Metric { metric: metric("pass_rate"), slice: Some(selection), limit: Some(Limit::AllowedDrop(0.05)) };
    bench.policy().checks.push(Check { subject, tier: Tier::Critical });
    let report = bench.split(0, 10);
    assert_eq!(
        (first(&report).n, first(&report).broken, first(&report).slice.as_deref()),
        (40, Some(10), Some("tag=vip"))
    );
    assert_eq!(told(&report).0, Verdict::Fail);
    let unlisted = bench.with(|header| header.selections.clear()).record(|_, _, _| Came::Out(true));
    assert!(gate_report(&unlisted).is_err());
}

#[test]
fn a_second_draw_is_judged_at_a_quarter_of_alpha_and_says_so() {
    let mut record = Bench::gate(60).drop(0.05).record(|_, _, _| Came::Out(true));
    record.trials[3].draw = 2;
    let report = gate_report(&record).unwrap();
    assert_eq!(first(&report).interval_level, Some(0.975));
    assert_eq!(told(&report).0, Verdict::Inconclusive);
    assert!(headline(&report).ends_with("; draw 2 of this comparison, judged at 1.25%"), "{}", headline(&report));
    record.header.policy.as_mut().unwrap().fresh = Fresh::Free;
    assert_eq!(told(&gate_report(&record).unwrap()).0, Verdict::Pass);
}

#[test]
fn outputs_not_tied_to_the_prompt_text_are_not_promotable() {
    let mut record = Bench::gate(60).drop(0.05).record(|_, _, _| Came::Out(true));
    record.trials[0].response.as_mut().unwrap().bound = false;
    let report = gate_report(&record).unwrap();
    assert_eq!((told(&report).0, report.comparisons[0].promotable), (Verdict::Pass, false));
    assert_eq!(report.comparisons[0].notes, ["outputs are not tied to the prompt text"]);
}

#[test]
fn answers_of_several_models_are_told_with_their_side() {
    let said = |name: &dyn Fn(usize, u64) -> Option<&'static str>| {
        let mut record = Bench::gate(60).drop(0.05).record(|_, _, _| Came::Out(true));
        for trial in &mut record.trials {
            let name = name(trial.version, trial.trial % 60);
            trial.response.as_mut().unwrap().returned_model = name.map(str::to_owned);
        }
        gate_report(&record).unwrap().comparisons[0].notes.clone()
    };
    assert!(said(&|_, _| None).is_empty());
    assert!(said(&|_, _| Some("m-1")).is_empty());
    let candidate = Bench::gate(1).record(|_, _, _| Came::Out(true)).header.comparisons[0].candidate;
    let flips = said(&|version, case| Some(if version == candidate && case >= 57 { "m-2" } else { "m-1" }));
    assert_eq!(flips, ["the candidate was answered by 2 models: m-1 (57), m-2 (3)"]);
    let apart = said(&|version, _| Some(if version == candidate { "m-2" } else { "m-1" }));
    assert_eq!(apart, ["the baseline was answered by m-1, the candidate by m-2: not only the prompt differs"]);
    let both = said(&|_, case| Some(if case == 0 { "m-2" } else { "m-1" }));
    assert_eq!(both.len(), 2, "{both:?}");
}

#[test]
fn a_target_that_names_every_answer_anew_is_told_in_a_few_words() {
    let mut record = Bench::gate(60).drop(0.05).record(|_, _, _| Came::Out(true));
    for (at, trial) in record.trials.iter_mut().enumerate() {
        trial.response.as_mut().unwrap().returned_model = Some(format!("{at:04}{}", "x".repeat(500)));
    }
    let notes = gate_report(&record).unwrap().comparisons[0].notes.clone();
    assert!(
        notes.iter().all(|note| note.contains("by more than 16 models: ") && note.ends_with("others (44)")),
        "{notes:?}"
    );
    assert!(notes.iter().all(|note| note.len() < 2_000), "{notes:?}");
}

#[test]
fn an_advisory_model_informs_and_a_gate_of_advisory_models_is_refused() {
    let two = |first: Tier, second: Tier| {
        let bench = Bench::gate(60).drop(0.05).with(|header| {
            header.models.push(crate::bench::model("openai/other"));
            header.models[0].tier = first;
            header.models[1].tier = second;
            header.comparisons.push(PlannedComparison::new(1, Some(1), 0));
        });
        let mut record = bench.record(|_, _, _| Came::Out(true));
        for trial in record.trials.iter_mut().filter(|trial| (trial.version, trial.model) == (0, 1)) {
            trial.outcome = Outcome::Failed;
        }
        gate_report(&record)
    };
    let informed = two(Tier::Critical, Tier::Advisory).unwrap();
    assert_eq!((informed.verdict, informed.comparisons[1].verdict), (Some(Verdict::Pass), Some(Verdict::Fail)));
    let both = two(Tier::Critical, Tier::Critical).unwrap();
    assert_eq!(both.verdict, Some(Verdict::Fail));
    assert!(headline(&both).ends_with("(openai/other)"), "{}", headline(&both));
    assert!(both.notes[0].contains("up to 10%"), "{:?}", both.notes);
    assert!(two(Tier::Advisory, Tier::Advisory).is_err());
}

#[test]
fn compare_gives_the_numbers_and_no_verdict() {
    let bench = Bench::gate(60).with(|header| {
        header.purpose = Purpose::Compare;
        header.policy = None;
    });
    let report = bench.split(1, 3);
    assert_eq!((report.verdict, report.met, report.exit_code.code()), (None, None, 0));
    let names: Vec<String> =
        report.comparisons[0].checks.iter().map(|check| check.metric.clone().unwrap().to_string()).collect();
    assert_eq!(names, ["pass_rate", "quality", "cost", "tokens", "input_tokens", "output_tokens"]);
    assert_eq!((first(&report).broken, first(&report).verdict, first(&report).limit), (Some(3), None, None));
}

#[test]
fn cases_with_one_input_and_no_common_cluster_are_told() {
    let mut bench = Bench::gate(60).drop(0.1);
    bench.cases[7].input = bench.cases[3].input;
    let report = bench.split(0, 0);
    assert!(report.comparisons[0].notes[0].contains("such as c-0003 and c-0007"), "{:?}", report.comparisons[0].notes);
}

#[test]
fn the_report_serialises_as_the_contract_says() {
    let report = Bench::gate(200).drop(0.05).split(9, 12);
    let mut value = serde_json::to_value(&report).unwrap();
    value["comparisons"][0]["flips"].as_array_mut().unwrap().truncate(1);
    let shown = serde_json::to_string_pretty(&value).unwrap();
    insta::with_settings!({filters => vec![("sha256:[0-9a-f]{64}", "[digest]")]}, {
        insta::assert_snapshot!(shown, @r#"
    {
      "schema": "promptgate.gate/1",
      "suite": "bench",
      "verdict": "inconclusive",
      "requirement": "shown-not-worse",
      "met": false,
      "exit_code": 102,
      "scope": "population",
      "seed": 7,
      "plan_digest": "[digest]",
      "policy_digest": "[digest]",
      "evidence_digest": "[digest]",
      "notes": [],
      "suite_path": "suites/bench",
      "confidence": 0.95,
      "trials": 1,
      "comparisons": [
        {
          "model": "openai/gpt-4",
          "tier": "critical",
          "verdict": "inconclusive",
          "reason": null,
          "detail": null,
          "draw": 1,
          "promotable": false,
          "notes": [],
          "baseline": {
            "ref": "judge.baseline",
            "digest": "[digest]",
            "trials": 200,
            "errored": 0
          },
          "candidate": {
            "ref": "judge.candidate",
            "digest": "[digest]",
            "trials": 200,
            "errored": 0
          },
          "pairs": {
            "complete": 200,
            "missing_baseline": 0,
            "missing_candidate": 0,
            "changed_cases": 0
          },
          "checks": [
            {
              "metric": "pass_rate",
              "rule": null,
              "slice": null,
              "tier": "critical",
              "kind": "binary",
              "better": "higher",
              "n": 200,
              "clusters": null,
              "baseline": 0.955,
              "candidate": 0.94,
              "difference": -0.015,
              "interval": [
                -0.05500698830453809,
                0.023890526186676805
              ],
              "interval_level": 0.9,
              "ruled_out": 0.05500698830453809,
              "limit": -0.05,
              "limit_key": "allowed_drop",
              "p_value": 0.26173353195190946,
              "p_value_adjusted": 0.26173353195190946,
              "fixed": 9,
              "broken": 12,
              "method": {
                "block": "McNemar mid-p",
                "pass": "Tango"
              },
              "verdict": "inconclusive",
              "reason": "broke 12 cases, fixed 9, 179 unchanged. Chance of a split this bad with no real drop: 26%. Ruled out: a drop of more than 5.5 pt. Allowed: 5 pt. About 60 more cases (260 in all) settle it 4 times in 5 if there is no real drop. Or mend the 12 broken cases; or allow a drop of 6 pt, if you can live with it.",
              "cases_needed": 260,
              "cases": []
            }
          ],
          "look_here": [],
          "flips": [
            {
              "case": "c-0000",
              "baseline": "1/1",
              "candidate": "0/1"
            }
          ]
        }
      ],
      "cost": {
        "nano_usd": 400000,
        "input_tokens": 0,
        "output_tokens": 40000,
        "judge_nano_usd": 0,
        "unpriced": 0
      },
      "volatile": {
        "run": "r1",
        "started": "2026-11-23T10:00:00Z",
        "attempts": 0,
        "reused": 0,
        "wasted_nano_usd": 0
      }
    }
    "#);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_run_against_itself_never_fails(outcomes in outcomes(), clusters in 1_usize..40) {
        let bench = both_metrics(outcomes.len()).clustered(move |at| at % clusters);
        let report = bench.report(|_, at, _| Came::Scored(outcomes[at].0));
        prop_assert!(report.verdict != Some(Verdict::Fail));
    }

    #[test]
    fn swapping_the_sides_mirrors_every_difference_and_interval(outcomes in outcomes()) {
        let bench = both_metrics(outcomes.len());
        let pick = |version: usize, at: usize| if version == 0 { outcomes[at].0 } else { outcomes[at].1 };
        let one = bench.report(|version, at, _| Came::Scored(pick(version, at)));
        let other = bench.report(|version, at, _| Came::Scored(pick(1 - version, at)));
        for (left, right) in one.comparisons[0].checks.iter().zip(&other.comparisons[0].checks) {
            prop_assert!((left.difference.unwrap() + right.difference.unwrap()).abs() < 1e-12);
            if let (Some([low, high]), Some([other_low, other_high])) = (left.interval, right.interval) {
                prop_assert!((low + other_high).abs() < 1e-9 && (high + other_low).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn neither_the_order_of_cases_nor_the_threads_change_a_byte(outcomes in outcomes(), turn in 0_usize..60, threads in 1_usize..9) {
        let bench = both_metrics(outcomes.len());
        let came = |version: usize, at: usize| Came::Scored(if version == 0 { outcomes[at].0 } else { outcomes[at].1 });
        let straight = bench.report(|version, at, _| came(version, at));
        let mut turned = both_metrics(outcomes.len());
        let count = outcomes.len();
        turned.cases.rotate_left(turn % count);
        let record = turned.record(|version, at, _| came(version, (at + turn % count) % count));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let turned = pool.install(|| gate_report(&record)).unwrap();
        prop_assert_eq!(straight.comparisons, turned.comparisons);
    }

    #[test]
    fn an_identical_pair_more_never_turns_fail_into_pass(fixed in 0_usize..20, broken in 0_usize..40) {
        let verdict = |cases: usize| told(&Bench::gate(cases).drop(0.05).split(fixed, broken)).0;
        prop_assert!(!(verdict(100) == Verdict::Fail && verdict(101) == Verdict::Pass));
    }
}

fn outcomes() -> impl Strategy<Value = Vec<(f64, f64)>> {
    proptest::collection::vec((0.0..1.0, 0.0..1.0), 2..80)
}

fn both_metrics(cases: usize) -> Bench {
    let bench = Bench::gate(cases).drop(0.05).limit("quality", Limit::AllowedDrop(0.05));
    bench.with(|header| header.policy.as_mut().unwrap().flips = 999)
}
