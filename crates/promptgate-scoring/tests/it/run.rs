//! The fold to a run's report.

use promptgate_core::answer::FailureKind;
use promptgate_core::record::{Purpose, RecordInMemory};
use promptgate_core::report::{MetricSummary, RunReport};
use promptgate_core::score::Tier;
use promptgate_scoring::fold::run_report;

use crate::bench::{Bench, Came};

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
    let repeats = folded(&bench(4).trials(3).record(came)).sides[0].repeats.unwrap();
    assert_eq!((repeats.k, repeats.n, repeats.pass_at_k, repeats.pass_hat_k), (3, 3, 2.0 / 3.0, 1.0 / 3.0));
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
