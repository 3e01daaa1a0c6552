//! The fold to a run's report.

use promptgate_core::answer::FailureKind;
use promptgate_core::price::NanoUsd;
use promptgate_core::record::{Against, AssertionResult, Choosing, Purpose, RecordInMemory, SettledTrial};
use promptgate_core::report::{Confused, LabelSummary, MetricSummary, RunReport};
use promptgate_core::score::{Evidence, Scored, Tier};
use promptgate_scoring::fold::run_report;

use crate::bench::{Bench, Came, failures, model};

fn bench(cases: usize) -> Bench {
    Bench::gate(cases).with(|header| {
        header.purpose = Purpose::Run;
        header.policy = None;
        header.comparisons.clear();
        header.versions.truncate(1);
    })
}

fn folded(record: &RecordInMemory) -> RunReport {
    run_report(record).unwrap()
}

fn code(bench: &Bench, came: impl Fn(usize) -> Came) -> u8 {
    folded(&bench.record(|_, at, _| came(at))).exit_code.code()
}

fn metric<'a>(report: &'a RunReport, name: &str) -> &'a MetricSummary {
    report.sides[0].metrics.iter().find(|metric| metric.name.as_str() == name).unwrap()
}

#[test]
fn the_exit_code_tells_failed_from_unanswered_from_unscored() {
    let lost =
        |cases: usize| move |at: usize| if at < cases { Came::Lost(FailureKind::Server) } else { Came::Out(true) };
    let bench = bench(100);
    assert_eq!(code(&bench, |_| Came::Out(true)), 0);
    assert_eq!(code(&bench, |at| Came::Out(at != 3)), 100);
    assert_eq!((code(&bench, lost(5)), code(&bench, lost(6))), (0, 104));
    assert_eq!(code(&bench, |at| if at == 3 { Came::Unscored } else { Came::Out(true) }), 102);
    assert_eq!(code(&bench, |at| if at == 3 { Came::Out(false) } else { Came::Skipped }), 100);
    assert_eq!(code(&bench, |at| if at == 3 { Came::Out(false) } else { Came::Lost(FailureKind::Server) }), 100);
}

#[test]
fn without_failed_cases_the_exit_code_is_what_the_others_say() {
    let code = |of: fn(usize) -> Came| folded(&bench(10).record(|_, at, _| of(at))).no_fail().code();
    assert_eq!(code(|at| Came::Out(at > 0)), 0);
    assert_eq!(code(|at| if at < 2 { Came::Out(at == 0) } else { Came::Lost(FailureKind::Server) }), 104);
    assert_eq!(code(|at| if at < 2 { Came::Out(at == 0) } else { Came::Unscored }), 102);
    assert_eq!(code(|at| if at < 2 { Came::Out(true) } else { Came::Lost(FailureKind::Server) }), 104);
}

#[test]
fn no_run_is_green_where_a_critical_model_answered_nothing_whatever_the_failure() {
    for kind in failures() {
        let report = folded(&bench(10).record(|_, _, _| Came::Lost(kind)));
        assert!(report.exit_code.code() != 0 && report.no_fail().code() != 0, "{kind:?}: {report:#?}");
        // Of two models one answers all, and the other one's few cases are a small part of all trials.
        let two = bench(100).with(|header| header.models.push(model("b/few")));
        let mut record = two.record(|_, _, _| Came::Out(true));
        let lost = bench(100).record(|_, _, _| Came::Lost(kind)).trials.remove(0);
        record.trials.truncate(101);
        let of_few = record.trials[100].clone();
        record.trials[100] = SettledTrial { trial: of_few.trial, version: 0, model: 1, ..lost };
        let code = folded(&record).no_fail().code();
        assert_eq!(code, if kind == FailureKind::MissingRecording { 0 } else { 104 }, "{kind:?}");
    }
}

#[test]
fn time_outs_have_failed_and_many_of_them_are_told() {
    let late = |answered: usize| {
        let bench = bench(20).trials(2).with(|header| header.models[0].timeout_ms = 4_000);
        folded(&bench.record(|_, at, _| match at < answered {
            true => Came::Out(true),
            false => Came::Lost(FailureKind::ModelTimeout),
        }))
    };
    let check = |answered: usize, codes: (u8, u8), note: &[&str]| {
        let report = late(answered);
        assert_eq!((report.exit_code.code(), report.no_fail().code()), codes);
        assert_eq!(report.sides[0].cases.failed, 20 - answered as u64);
        assert_eq!(report.notes, note);
    };
    let all = "all 40 calls of openai/gpt-4 for judge.candidate ran into its timeout of 4s: they count as failed, though an \
               outage may look so; the same command asks again";
    check(0, (100, 104), &[all]);
    let many = "38 of 40 calls of openai/gpt-4 for judge.candidate ran into its timeout of 4s: they count as failed";
    check(1, (100, 0), &[many]);
    check(19, (100, 0), &[]);
}

#[test]
fn what_failed_attempts_cost_stands_apart_from_the_answers_and_changes_nothing_else() {
    let plain = bench(10).record(|_, _, _| Came::Out(true));
    let mut retried = plain.clone();
    for trial in &mut retried.trials[..3] {
        (trial.volatile.wasted, trial.volatile.wasted_unpriced) = (Some(NanoUsd(7)), 2);
    }
    let [plain, mut retried] = [plain, retried].map(|record| folded(&record));
    assert_eq!((retried.volatile.wasted_nano_usd, retried.volatile.wasted_unpriced), (NanoUsd(21), 6));
    retried.volatile = plain.volatile.clone();
    assert_eq!(retried, plain);
}

#[test]
fn an_advisory_model_does_not_decide() {
    let bench = bench(10).with(|header| header.models[0].tier = Tier::Advisory);
    assert_eq!(code(&bench, |_| Came::Out(false)), 0);
}

#[test]
fn a_pass_rate_has_its_wilson_interval_and_one_case_has_none() {
    let report = folded(&bench(25).record(|_, _, _| Came::Out(true)));
    let interval = metric(&report, "pass_rate").interval.unwrap();
    assert!((interval.low - 0.866_807_7).abs() < 1e-6 && interval.high == 1.0, "{interval:?}");
    let one = folded(&bench(1).record(|_, _, _| Came::Out(true)));
    assert_eq!((metric(&one, "pass_rate").value, metric(&one, "pass_rate").interval), (Some(1.0), None));
}

#[test]
fn repeats_are_averaged_within_a_case_and_an_even_split_has_not_passed() {
    let bench = bench(4).trials(2);
    let report = folded(&bench.record(|_, at, repeat| Came::Out(at > 0 || repeat == 1)));
    let side = &report.sides[0];
    assert_eq!((side.cases.passed, side.cases.failed, side.trials.passed), (3, 1, 7));
    assert_eq!((metric(&report, "pass_rate").value, metric(&report, "pass_rate").n), (Some(0.875), 4));
    assert_eq!((report.cases, report.failures_total, report.failures[0].repeat), (4, 1, 2));
}

#[test]
fn repeats_say_how_often_a_case_passes_once_and_always() {
    // Always, once in three, never, and one that lost a trial, which counts for nothing.
    let came = |_, at: usize, repeat: u32| match (at, repeat) {
        (0, _) | (1, 2) => Came::Out(true),
        (3, 1) => Came::Lost(FailureKind::Server),
        (3, _) => Came::Out(true),
        _ => Came::Out(false),
    };
    let repeats = folded(&bench(4).trials(3).record(came)).sides[0].repeats.clone().unwrap();
    assert_eq!((repeats.k, repeats.n, repeats.pass_at_k, repeats.pass_hat_k), (3, 3, 2.0 / 3.0, 1.0 / 3.0));
    assert_eq!((repeats.at_least, repeats.majority), (vec![2.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], 1.0 / 3.0));
    assert_eq!(folded(&bench(4).record(came)).sides[0].repeats, None, "one trial says nothing of repeats");
    assert_eq!(folded(&bench(4).trials(2).record(|_, _, _| Came::Skipped)).sides[0].repeats, None);
}

#[test]
fn amounts_have_totals_and_quantiles_and_missing_ones_are_counted() {
    let report = folded(&bench(5).record(|_, at, _| match at {
        4 => Came::Lost(FailureKind::Server),
        at => Came::Used(100 * (at as u64 + 1)),
    }));
    let tokens = metric(&report, "tokens");
    assert_eq!((tokens.n, tokens.missing, tokens.total, tokens.p50), (4, 1, Some(1_000.0), Some(250.0)));
    assert_eq!((tokens.value, report.cost.output_tokens), (Some(250.0), 1_000));
    assert!(report.sides[0].metrics.iter().all(|metric| metric.name.as_str() != "latency"));
}

#[test]
fn scores_have_quantiles_and_their_trials_other_means() {
    let scores = [[0.0, 0.5, 0.5], [1.0, 0.25, 0.5], [1.0, 1.0, 0.0], [0.2, 0.2, 0.8]];
    let report = folded(&bench(4).trials(3).record(|_, at, repeat| Came::Scored(scores[at][repeat as usize - 1])));
    let quality = metric(&report, "quality");
    let (spread, reduced) = (quality.spread.unwrap(), quality.reduced.unwrap());
    // The means are 1/3, 7/12, 2/3 and 2/5.
    assert!((spread.min - 1.0 / 3.0).abs() < 1e-12 && (spread.max - 2.0 / 3.0).abs() < 1e-12, "{spread:?}");
    assert!((spread.p50 - (0.4 + 7.0 / 12.0) / 2.0).abs() < 1e-12, "{spread:?}");
    assert!((spread.p25 - (0.25 / 3.0 + 0.75 * 0.4)).abs() < 1e-12, "{spread:?}");
    // Of 0.25, 0.5 and 1 each comes once: the lowest counts.
    let expected = [(0.0 + 0.25 + 0.0 + 0.2) / 4.0, (0.5 + 0.5 + 1.0 + 0.2) / 4.0, (0.5 + 0.25 + 1.0 + 0.2) / 4.0];
    for (value, expected) in [reduced.min, reduced.median, reduced.mode].into_iter().zip(expected) {
        assert!((value - expected).abs() < 1e-12, "{reduced:?}");
    }
    assert!((reduced.max - (0.5 + 1.0 + 1.0 + 0.8) / 4.0).abs() < 1e-12, "{reduced:?}");
    let once = folded(&bench(4).record(|_, at, _| Came::Scored(scores[at][0])));
    assert!(metric(&once, "quality").reduced.is_none() && metric(&once, "quality").spread.is_some());
    assert!(metric(&once, "pass_rate").spread.is_none(), "a pass rate has no quantiles");
}

#[test]
fn metrics_are_told_by_tag() {
    let mut bench = bench(6).trials(2);
    for (at, case) in bench.cases.iter_mut().enumerate() {
        case.tags = if at < 4 { vec!["vip".to_owned(), format!("t{}", at % 2), "vip".to_owned()] } else { Vec::new() };
    }
    // Case 0 fails once, case 3 is lost.
    let report = folded(&bench.record(|_, at, repeat| match at {
        0 => Came::Out(repeat == 1),
        3 => Came::Lost(FailureKind::Server),
        _ => Came::Out(true),
    }));
    let tags = &report.sides[0].tags;
    let told: Vec<_> = tags.iter().map(|tag| (tag.tag.as_str(), tag.metrics[0].n, tag.metrics[0].value)).collect();
    assert_eq!(told, [("t0", 2, 0.75), ("t1", 1, 1.0), ("vip", 3, 2.5 / 3.0)]);
    assert!(tags.iter().all(|tag| tag.metrics[0].name.as_str() == "pass_rate"));
    assert!(tags[0].metrics.iter().any(|metric| metric.name.as_str() == "tokens"), "{:?}", tags[0]);
    for (at, case) in bench.cases.iter_mut().enumerate() {
        case.tags = vec!["all".to_owned(), format!("t{at}")];
    }
    assert_eq!(folded(&bench.record(|_, _, _| Came::Out(true))).sides[0].tags.len(), 7);
}

#[test]
fn metrics_are_grouped_by_the_values_of_fields_and_what_has_none_is_counted() {
    let bench = bench(10).trials(2).with(|header| header.by = vec!["metadata.lang".to_owned(), "vars.x".to_owned()]);
    let groups = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut record = bench.record(|_, at, repeat| Came::Out(at % 3 != 0 || repeat == 1));
    for trial in record.trials.iter_mut().take(16) {
        let at = trial.trial as usize / 2;
        let langs: &[&str] = if at == 0 { &["de", "fr"] } else { &[["de", "fr", "it"][at % 3]] };
        trial.volatile.groups.insert("metadata.lang".to_owned(), groups(langs));
    }
    let report = folded(&record);
    let [langs, nothing] = report.sides[0].fields.as_slice() else { panic!("{:?}", report.sides[0].fields) };
    let told: Vec<(&str, u64, f64)> =
        langs.values.iter().map(|each| (each.value.as_str(), each.metrics[0].n, each.metrics[0].value)).collect();
    assert_eq!(told, [("de", 3, 0.5), ("fr", 4, 3.5 / 4.0), ("it", 2, 1.0)]);
    assert!(langs.values[0].metrics.iter().any(|metric| metric.name.as_str() == "tokens"));
    assert_eq!((langs.field.as_str(), langs.without, langs.left_out), ("metadata.lang", 2, 0));
    assert_eq!((nothing.field.as_str(), nothing.values.len(), nothing.without), ("vars.x", 0, 10));
}

#[test]
fn values_beyond_the_bound_are_counted_and_how_a_report_is_laid_out_is_no_evidence() {
    let plain = bench(300);
    let grouped = bench(300).with(|header| header.by = vec!["vars.n".to_owned()]);
    let [mut grouped, plain] = [grouped, plain].map(|bench| bench.record(|_, _, _| Came::Out(true)));
    for (at, trial) in grouped.trials.iter_mut().enumerate() {
        trial.volatile.groups.insert("vars.n".to_owned(), [format!("{at:03}")].into());
    }
    let [report, without] = [grouped, plain].map(|record| folded(&record));
    let field = &report.sides[0].fields[0];
    assert_eq!((field.values.len(), field.left_out), (RunReport::TAGS, 300 - RunReport::TAGS as u64));
    assert_eq!(field.values[255].value, "255");
    assert_eq!(report.evidence_digest, without.evidence_digest);
}

/// The labels of a run whose cases expect and find these; `None` for no label.
fn labels(against: Against, pairs: &[(&str, Option<&str>)]) -> Vec<LabelSummary> {
    let choosing = Choosing { name: "queue".to_owned(), against };
    let mut record =
        bench(pairs.len()).with(|header| header.choosing = vec![choosing]).record(|_, _, _| Came::Out(true));
    for (trial, (expected, found)) in record.trials.iter_mut().zip(pairs) {
        let evidence = Evidence { expected: Some((*expected).to_owned()), ..Evidence::default() };
        let scored = Scored::decided(Some(*expected) == *found, evidence).labelled(found.map(str::to_owned));
        let (name, tier) = ("queue".to_owned(), Tier::Critical);
        trial.assertions = vec![AssertionResult { name, tier, weight: 1.0, scored }];
    }
    folded(&record).sides.remove(0).labels
}

#[test]
fn labels_have_accuracy_precision_recall_and_what_is_mixed_up() {
    let pairs = [
        ("a", Some("a")),
        ("a", Some("a")),
        ("a", Some("b")),
        ("b", Some("b")),
        ("b", Some("a")),
        ("c", Some("a")),
        ("c", None),
        ("b", Some("d")),
    ];
    let summary = labels(Against::Expected, &pairs).remove(0);
    // sklearn.metrics, labels a, b, c, d: precision .5, .5, 0, 0; recall 2/3, 1/3, 0; F1 4/7, .4, 0.
    assert_eq!((summary.n, summary.accuracy), (8, Some(3.0 / 8.0)));
    assert!((summary.macro_f1.unwrap() - (4.0 / 7.0 + 0.4) / 3.0).abs() < 1e-12);
    let told: Vec<_> = summary.labels.iter().map(|l| (l.label.as_str(), l.expected, l.found, l.correct)).collect();
    assert_eq!(told, [("a", 3, 4, 2), ("b", 3, 2, 1), ("c", 2, 0, 0), ("d", 0, 1, 0)]);
    let shares: Vec<_> = summary.labels.iter().map(|label| (label.precision, label.recall)).collect();
    assert_eq!(shares[..2], [(Some(0.5), Some(2.0 / 3.0)), (Some(0.5), Some(1.0 / 3.0))]);
    assert_eq!(shares[2..], [(None, Some(0.0)), (Some(0.0), None)]);
    assert_eq!(summary.confusion.iter().map(|cell| cell.n).sum::<u64>(), 8);
    assert!(summary.confusion.contains(&Confused { expected: Some("c".to_owned()), found: None, n: 1 }));
}

#[test]
fn labels_that_nothing_is_held_against_are_only_counted() {
    let pairs = [("at least 1", Some("polite")), ("at least 1", Some("curt")), ("at least 1", Some("polite"))];
    let summary = labels(Against::Nothing, &pairs).remove(0);
    assert_eq!((summary.accuracy, summary.macro_f1), (None, None));
    let told: Vec<_> = summary.labels.iter().map(|label| (label.label.as_str(), label.found, label.f1)).collect();
    assert_eq!(told, [("curt", 1, None), ("polite", 2, None)]);
}

#[test]
fn texts_are_no_labels() {
    let text = "x".repeat(61);
    assert!(labels(Against::Expected, &[("a", Some("a")), (&text, Some("a"))]).is_empty());
    assert!(labels(Against::Expected, &[("a", Some("a")), ("a", Some("b"))]).is_empty(), "one label is no choice");
    let many: Vec<String> = (0..51).map(|n| format!("l{n}")).collect();
    let many: Vec<(&str, Option<&str>)> = many.iter().map(|label| (label.as_str(), Some(label.as_str()))).collect();
    assert!(labels(Against::Expected, &many).is_empty());
    assert_eq!(labels(Against::Expected, &many[..50]).len(), 1);
    let prose = labels(Against::Expected, &[("a", Some(&text)), ("b", Some("b"))]).remove(0);
    assert!(prose.confusion.contains(&Confused { expected: Some("a".to_owned()), found: None, n: 1 }));
}

#[test]
fn clusters_widen_the_interval() {
    let width = |bench: Bench| {
        let report = folded(&bench.record(|_, at, _| Came::Out(at / 10 % 2 == 0)));
        let interval = metric(&report, "pass_rate").interval.unwrap();
        interval.high - interval.low
    };
    assert!(width(bench(100).clustered(|at| at / 10)) > 1.5 * width(bench(100)));
}

#[test]
fn the_order_of_the_cases_changes_no_metric() {
    let values = |turn: usize| {
        let mut bench = bench(50);
        bench.cases.rotate_left(turn);
        let record = bench.record(|_, at, _| Came::Scored(((at + turn) % 50) as f64 / 49.0));
        folded(&record).sides[0].metrics.clone()
    };
    assert_eq!(values(0), values(17));
}
