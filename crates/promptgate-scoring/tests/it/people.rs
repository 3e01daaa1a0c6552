//! What people say beside a judge: when it corrects the judge, when it only tells how far the judge can be trusted, and what
//! a gate that asks for labels makes of either.

use std::collections::BTreeMap;

use promptgate_core::gate::{Basis, Limit, Scope};
use promptgate_core::record::{MetricKind, MetricSpec, RecordInMemory, RunHeader, Unlabelled, people_metric};
use promptgate_core::report::explain::{Derivation, Step};
use promptgate_core::report::{CheckReport, GateReport, Mend};
use promptgate_core::verdict::Verdict;
use promptgate_scoring::fold::{explanation, gate_report};

use crate::bench::{Bench, Came, metric};

/// A judged metric with labels, held to an allowed drop of 5 points.
fn labelled(cases: usize) -> Bench {
    Bench::gate(cases).limit("quality", Limit::AllowedDrop(0.05)).with(with_labels)
}

fn with_labels(header: &mut RunHeader) {
    header.metrics[0].judged = true;
    let (name, labels_of) = (people_metric(&metric("quality")).unwrap(), Some(metric("quality")));
    header.metrics.push(MetricSpec { name, kind: MetricKind::Score, judged: false, labels_of, unlabelled: None });
}

/// The record in which `grades(version, case)` are the judge's, `says` what people say where they labelled the output, and
/// each version says something of its own of each case.
fn record(
    bench: &Bench,
    grades: impl Fn(usize, usize) -> f64,
    says: impl Fn(usize, usize) -> Option<f64>,
) -> RecordInMemory {
    let mut record = bench.record(|version, at, _| Came::Scored(grades(version, at)));
    let people = people_metric(&metric("quality")).unwrap();
    for trial in &mut record.trials {
        let at = bench.cases.iter().position(|case| case.id == trial.case.id).unwrap();
        trial.response.as_mut().unwrap().output = format!("version {}", trial.version);
        if let Some(label) = says(trial.version, at) {
            trial.metrics.insert(people.clone(), Some(label));
        }
    }
    record
}

fn grade(at: usize) -> f64 {
    0.5 + 0.05 * (at % 5) as f64
}

/// 200 pairs graded by a judge that likes the candidate 20 points more than people do; the first so many have labels.
fn flattered(labels: usize, change: impl FnOnce(Bench) -> Bench) -> GateReport {
    gate_report(&flattered_record(labels, change)).unwrap()
}

fn flattered_record(labels: usize, change: impl FnOnce(Bench) -> Bench) -> RecordInMemory {
    let says = |version: usize, at: usize| {
        let harsher = if version == 0 { 0.2 } else { 0.0 };
        (at < labels).then(|| grade(at) - harsher + 0.01 * (at % 3) as f64)
    };
    record(&change(labelled(200)), |_, at| grade(at), says)
}

/// The same, as good to people as to the judge.
fn alike(cases: usize, labels: usize, change: impl FnOnce(Bench) -> Bench) -> GateReport {
    let bench = change(labelled(cases));
    gate_report(&record(&bench, |_, at| grade(at), |_, at| (at < labels).then(|| grade(at)))).unwrap()
}

fn as_it_is(bench: Bench) -> Bench {
    bench
}

fn asking_for(labels: u32) -> impl Fn(Bench) -> Bench {
    move |mut bench| {
        bench.policy().judge_labels_min = labels;
        bench
    }
}

fn these_cases(bench: Bench) -> Bench {
    bench.trials(3).with(|header| header.policy.as_mut().unwrap().scope = Scope::TheseCases)
}

fn verdict(report: &GateReport) -> Verdict {
    report.verdict.unwrap()
}

fn first(report: &GateReport) -> &CheckReport {
    &report.comparisons[0].checks[0]
}

fn notes(report: &GateReport) -> &[String] {
    &report.comparisons[0].notes
}

#[test]
fn people_correct_a_judge_that_flatters_the_candidate() {
    // The judge alone sees no difference at all.
    let alone = flattered(29, as_it_is);
    assert_eq!((verdict(&alone), first(&alone).difference), (Verdict::Pass, Some(0.0)));
    let note = "judge of `quality` not checked against people (58 labels, 29 pairs labelled on both sides, agreement ";
    assert!(notes(&alone)[0].starts_with(note), "{:?}", notes(&alone));
    // From 30 pairs on people decide: 20 points worse, of which 5 are allowed.
    let corrected = flattered(30, as_it_is);
    assert_eq!(verdict(&corrected), Verdict::Fail);
    assert!((first(&corrected).difference.unwrap() + 0.2).abs() < 1e-9, "{:?}", first(&corrected).difference);
    assert!(format!("{:?}", first(&corrected)).contains("prediction-powered mean"));
    let note = &notes(&corrected)[0];
    assert!(note.starts_with("judge of `quality` corrected by people (30 pairs labelled on both sides"), "{note}");
    assert!(note.ends_with("; the judge alone says +0.0 points"), "{note}");
    // All labelled: the judge adds nothing, and the verdict is people's.
    assert_eq!(verdict(&flattered(200, as_it_is)), Verdict::Fail);
}

#[test]
fn where_no_correction_is_known_the_judge_decides_the_note_says_so_and_a_demand_for_labels_is_not_met() {
    let clusters = |bench: Bench| bench.clustered(|at| at / 2);
    let check = |arranged: &dyn Fn(Bench) -> Bench, why: &str| {
        let report = flattered(200, arranged);
        assert_eq!((verdict(&report), first(&report).difference), (Verdict::Pass, Some(0.0)), "{why}");
        let said = format!("which corrects nothing: {why}");
        assert!(notes(&report).iter().any(|note| note.ends_with(&said)), "{:?}", notes(&report));
        assert!(notes(&report).iter().all(|note| !note.contains("corrected by people")), "{:?}", notes(&report));
        let asked = flattered(200, |bench| asking_for(1)(arranged(bench)));
        assert_eq!(verdict(&asked), Verdict::Inconclusive, "{why}");
        assert!(first(&asked).reason.starts_with("too_few_labels: labels of people are asked for"), "{asked:?}");
    };
    check(&clusters, "cases share clusters");
    check(&these_cases, "these cases are the whole question");
}

#[test]
fn a_judge_that_people_did_not_check_enough_cannot_pass() {
    let labels = |least: u32| flattered(29, asking_for(least));
    assert_eq!(verdict(&labels(29)), Verdict::Pass);
    let few = labels(30);
    assert_eq!(verdict(&few), Verdict::Inconclusive);
    assert!(
        first(&few).reason.contains("29 pairs are labelled by people on both sides, and at least 30 are asked for"),
        "{few:?}"
    );
    let agreement = |least: f64| {
        flattered(29, |bench| bench.with(|header| header.policy.as_mut().unwrap().min_agreement = Some(least)))
    };
    assert_eq!((verdict(&agreement(0.1)), verdict(&agreement(0.99))), (Verdict::Pass, Verdict::Inconclusive));
    let reason = first(&agreement(0.99)).reason.clone();
    assert!(reason.contains(" (kappa of the scores), and at least 0.99 is asked for"), "{reason}");
    assert!(reason.starts_with("judge_disagrees: ") && reason.contains("and at least 0.99 is asked for"), "{reason}");
}

#[test]
fn labels_and_grades_that_are_all_the_same_measure_no_agreement_and_say_so() {
    let bench = labelled(100).with(|header| header.policy.as_mut().unwrap().min_agreement = Some(0.6));
    let report = gate_report(&record(&bench, |_, _| 1.0, |_, _| Some(1.0))).unwrap();
    assert_eq!(verdict(&report), Verdict::Inconclusive);
    let reason = &first(&report).reason;
    let said = "too_few_labels: all 200 labels and grades are the same, so how far the judge agrees cannot be measured";
    assert!(reason.starts_with(said) && reason.contains("have people label answers of the other kind"), "{reason}");
    assert!(!reason.contains("mend the judge's prompt"), "{reason}");
}

#[test]
fn an_output_that_comes_again_is_labelled_once() {
    let counted = |bench: Bench, same: bool| {
        let mut record = record(&bench, |_, at| grade(at), |_, at| (at < 20).then(|| grade(at)));
        for trial in record.trials.iter_mut().filter(|_| same) {
            trial.response.as_mut().unwrap().output = "one for all".to_owned();
        }
        let notes = gate_report(&record).unwrap().comparisons[0].notes.clone();
        let labels = notes.iter().find_map(|note| note.split_once("people (")?.1.split_once(" labels"));
        labels.unwrap().0.parse::<usize>().unwrap()
    };
    assert_eq!(counted(labelled(100), false), 40);
    assert_eq!(counted(labelled(100).trials(3), false), 40, "each output three times");
    assert_eq!(counted(labelled(100), true), 20, "the same on both sides");
}

#[test]
fn a_floor_or_a_pass_rate_that_rests_on_an_unchecked_judge_cannot_pass_where_labels_are_asked_for() {
    let of = |name: &str, limit: Limit, (labels, least): (usize, u32)| {
        let bench = Bench::gate(200).limit(name, limit).with(with_labels);
        let bench = asking_for(least)(bench.with(|header| header.deciding_judges = vec![Some(metric("quality"))]));
        gate_report(&record(&bench, |_, at| grade(at), |_, at| (at < labels).then(|| grade(at)))).unwrap()
    };
    let (floor, drop) = (Limit::Min(0.3, Basis::Value), Limit::AllowedDrop(0.05));
    for (name, limit) in [("quality", floor), ("pass_rate", drop), ("pass_rate", floor)] {
        assert_eq!(verdict(&of(name, limit, (0, 0))), Verdict::Pass, "{name}");
        let few = of(name, limit, (10, 21));
        assert_eq!(verdict(&few), Verdict::Inconclusive, "{name}");
        let reason = &first(&few).reason;
        assert!(reason.starts_with("too_few_labels: 20 answers are labelled by people, and at least 21"), "{reason}");
        assert!(reason.contains("More cases do not settle it: have people label more answers."), "{reason}");
        assert_eq!(verdict(&of(name, limit, (10, 20))), Verdict::Pass, "{name}");
        let enough = of(name, limit, (100, 20));
        assert!(notes(&enough)[0].starts_with("judge of `quality` labelled by people (200 labels"), "{enough:?}");
    }
    // A floor that is missed is missed, whoever checked the judge.
    assert_eq!(verdict(&of("quality", Limit::Min(0.9, Basis::Value), (0, 30))), Verdict::Fail);
}

#[test]
fn a_pass_rate_that_a_judge_without_a_metric_decides_has_no_labels() {
    let of = |least: u32| {
        let bench = Bench::gate(200).drop(0.05).with(|header| header.deciding_judges = vec![None]);
        asking_for(least)(bench).split(0, 0)
    };
    assert_eq!(verdict(&of(0)), Verdict::Pass);
    assert_eq!(notes(&of(0)), ["judge not checked against people (0 labels)"]);
    assert_eq!(verdict(&of(1)), Verdict::Inconclusive);
}

#[test]
fn labels_that_say_nothing_of_a_metric_are_told_with_the_reason() {
    let told = |why: Unlabelled| {
        let bench = Bench::gate(100).limit("quality", Limit::AllowedDrop(0.05)).with(|header| {
            (header.metrics[0].judged, header.metrics[0].unlabelled) = (true, Some(why));
        });
        bench.report(|_, _, _| Came::Scored(0.8)).comparisons[0].notes.clone()
    };
    assert!(told(Unlabelled::SeveralFeed)[0].ends_with("several assertions feed it, and the labels are of one alone"));
    assert!(told(Unlabelled::Derived)[0].ends_with("it is reckoned from metrics, and the labels are of those"));
}

#[test]
fn labelled_pairs_that_are_all_alike_prove_no_more_than_as_many_pairs_of_scores() {
    for (labels, expected) in [(30, Verdict::Inconclusive), (58, Verdict::Inconclusive), (59, Verdict::Pass)] {
        let all = alike(labels, labels, as_it_is);
        assert_eq!(verdict(&all), expected, "{labels}");
        let q = 0.05_f64.powf(1.0 / labels as f64);
        let [low, high] = first(&all).interval.unwrap();
        assert!((low - (q - 1.0)).abs() < 1e-12 && (high - (1.0 - q)).abs() < 1e-12, "{low} {high}");
        // What the judge says of other pairs shows no failure that it does not see.
        assert_eq!(verdict(&alike(400, labels, as_it_is)), expected, "{labels} of 400");
    }
    let reason = &first(&alike(400, 30, as_it_is)).reason.clone();
    let said = "More pairs labelled by people on both sides settle it (all 30 are alike: without a gain it takes 59 of them at least).";
    assert!(reason.contains(said), "{reason}");
}

/// The numbers of a derivation, by what they are.
fn numbers(derivation: &Derivation) -> BTreeMap<String, f64> {
    let number = |step: &Step| Some((step.what.clone(), step.value.parse().ok()?));
    derivation.steps.iter().filter_map(number).collect()
}

#[test]
fn an_explanation_of_a_corrected_check_can_be_reckoned_again_with_paper() {
    // Labels go up and down with the grades of 40 pairs, 160 others are graded alone.
    let bench = labelled(200);
    let grades = |version: usize, at: usize| if version == 0 { 0.5 + 0.1 * (at % 3) as f64 } else { 0.6 };
    let says = |version: usize, at: usize| {
        let of_candidate = 0.45 + 0.12 * (at % 3) as f64;
        (at < 40).then_some(if version == 0 { of_candidate } else { 0.6 + 0.02 * (at % 2) as f64 })
    };
    let record = record(&bench, grades, says);
    let found = explanation(&record, Some("quality")).unwrap();
    let of = numbers(&found.derivations[0]);
    let (n, others, lambda) =
        (of["pairs labelled on both sides (n)"], of["pairs that only the judge graded (N)"], of["lambda"]);
    assert_eq!((n, others), (40.0, 160.0));
    let close =
        |what: &str, expected: f64| assert!((of[what] - expected).abs() < 1e-7, "{what}: {of:?}, not {expected}");
    let spread = of["variance of f and F together"] * (1.0 + n / others);
    close("lambda", (of["covariance of Y and f"] / spread).clamp(0.0, 1.0));
    assert!(lambda > 0.5 && lambda < 1.0, "{lambda}");
    close("correction", of["people's difference"] - lambda * of["the judge's difference on labelled pairs"]);
    close("estimate", lambda * of["the judge's difference on the others"] + of["correction"]);
    let variance = lambda.powi(2) * of["variance of F"] / others + of["variance of Y - lambda f"] / n;
    close("standard error (SE)", variance.sqrt());
    close("lower end", of["estimate"] - of["z"] * of["standard error (SE)"]);
    let check = &gate_report(&record).unwrap().comparisons[0].checks[0];
    close("estimate", check.difference.unwrap());
    close("lower end", check.interval.unwrap()[0]);
    close("p of a result this bad without a drop", check.p_value.unwrap());
    assert!(!of.contains_key("Hall's lower bound"), "{of:?}");
    // Where all are labelled, the judge has no part.
    let all = explanation(&flattered_record(200, as_it_is), Some("quality")).unwrap();
    let of = numbers(&all.derivations[0]);
    assert!((of["estimate"] - of["people's difference"]).abs() < 1e-9 && !of.contains_key("lambda"), "{of:?}");
}

/// gate.md, 2.3: grades of another judge do not compare, and this one is not to be had.
#[test]
fn a_judge_that_may_not_be_asked_leaves_nothing_to_compare() {
    let found = |no_run: bool| {
        let bench = Bench::gate(100).limit("quality", Limit::AllowedDrop(0.05)).with(|header| {
            header.metrics[0].judged = true;
            header.settings.insert("no-run".to_owned(), no_run.into());
        });
        let report = bench.report(|version, _, _| if version == 0 { Came::Unscored } else { Came::Scored(0.8) });
        let comparison = &report.comparisons[0];
        (report.verdict.unwrap(), comparison.reason.clone(), comparison.mend)
    };
    let (verdict, reason, mend) = found(true);
    assert_eq!((verdict, reason.as_deref(), mend), (Verdict::Invalid, Some("judge_changed"), Some(Mend::AllowCalls)));
    assert_eq!(found(false).0, Verdict::Inconclusive);
}
