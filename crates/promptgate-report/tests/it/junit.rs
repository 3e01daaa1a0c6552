//! JUnit as Jenkins and GitLab read it: well formed, names unique, counts right, in time and within their limits.

use std::collections::HashSet;

use promptgate_core::Digest;
use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::name::CaseId;
use promptgate_core::record::{Digested, RecordInMemory, RunHeader, SettledRecord, SettledTrial};
use promptgate_core::report::Report;
use promptgate_core::score::Outcome;
use promptgate_report::{Rendering, registry};
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus};

use crate::fixture::{names, record, rendered, report};

fn cases(name: &str) -> Vec<TestCase> {
    let document = Document::deserialize_from_str(&rendered(name, "junit")).unwrap();
    document.test_suites.into_iter().flat_map(|suite| suite.test_cases).collect()
}

#[test]
fn every_report_is_well_formed_with_unique_names() {
    for name in names() {
        let cases = cases(&name);
        let unique: HashSet<_> = cases.iter().map(|case| (case.classname.clone(), case.name.clone())).collect();
        assert_eq!(unique.len(), cases.len(), "{name}");
    }
}

/// What the test cases of the comparisons are.
fn comparisons(name: &str) -> Vec<String> {
    let gates = cases(name).into_iter().filter(|case| case.classname.as_ref().unwrap().as_str().ends_with(".gate"));
    let word = |case: TestCase| match case.status {
        TestCaseStatus::Success { .. } => "passed",
        TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
        TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
        TestCaseStatus::Skipped { .. } => "skipped",
    };
    gates.map(word).map(str::to_owned).collect()
}

#[test]
fn a_comparison_that_is_met_passes_a_fail_is_a_failure_and_all_else_is_an_error() {
    let check = |name: &str, expected: &[&str]| assert_eq!(comparisons(name), expected, "{name}");
    check("gate-pass", &["passed", "skipped"]);
    check("gate-fail-metric", &["failure"]);
    check("gate-fail-rule", &["failure"]);
    check("gate-floor", &["failure"]);
    check("gate-inconclusive", &["error"]);
    check("gate-inconclusive-met", &["passed"]);
    check("gate-no-data", &["error"]);
    check("gate-invalid", &["error"]);
    check("gate-unavailable", &["error", "error"]);
    check("compare", &["passed"]);
    check("run-failed", &[]);
}

#[test]
fn a_time_out_of_a_model_of_which_nothing_was_heard_is_an_error() {
    let kinds = |is_silent: bool| {
        let (mut report, mut record) = (report("gate-inconclusive"), record("gate.jsonl"));
        let Report::Gate(gate) = &mut report else { panic!("it is of a gate") };
        for comparison in &mut gate.comparisons {
            comparison.model = record.header.models[0].id.clone();
            let sides = std::iter::once(&mut comparison.candidate).chain(&mut comparison.baseline);
            for (side, version) in sides.zip(&record.header.versions) {
                (side.silent, side.reference) = (is_silent, version.reference.clone());
            }
        }
        for trial in &mut record.trials {
            let failure = Failure::new(FailureKind::ModelTimeout, "too long");
            (trial.outcome, trial.response, trial.failure) = (Outcome::Failed, None, Some(failure));
        }
        let mut bytes = Vec::new();
        let rendering = Rendering { report: &report, record: &record, colour: false };
        (registry::by_name("junit").unwrap().render)(&rendering, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        // In a message and in the text below it.
        (text.matches("no answer: too long").count(), text.matches("<failure ").count())
    };
    assert_eq!((kinds(true), kinds(false)), ((8, 0), (0, 4)));
}

/// Many trials made from one, none of them held.
struct Many {
    header: RunHeader,
    trial: SettledTrial,
    cases: u64,
}

impl SettledRecord for Many {
    fn header(&self) -> &RunHeader {
        &self.header
    }

    fn digested(&self) -> Box<dyn Iterator<Item = Digested> + '_> {
        Box::new((0..self.cases).map(|index| {
            let mut trial = self.trial.clone();
            trial.trial = index;
            trial.case.id = CaseId::new(format!("case-{index}")).unwrap();
            trial.outcome = if index % 10 == 0 { Outcome::Failed } else { Outcome::Passed };
            Ok((trial, Digest::of_bytes(&index.to_be_bytes())))
        }))
    }
}

#[test]
fn fifty_thousand_cases_stay_within_the_limits_of_gitlab() {
    let RecordInMemory { header, mut trials } = record("run.jsonl");
    let record = Many { header, trial: trials.remove(0), cases: 50_000 };
    let report = report("run-failed");
    let mut bytes = Vec::new();
    let rendering = Rendering { report: &report, record: &record, colour: false };
    (registry::by_name("junit").unwrap().render)(&rendering, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let names: HashSet<&str> =
        text.lines().filter_map(|line| line.split("name=\"").nth(1)?.split('"').next()).collect();
    assert!(text.contains("tests=\"50000\" skipped=\"0\" errors=\"0\" failures=\"5000\""));
    // Besides the cases, the document and the suite have a name.
    assert_eq!(names.len(), 50_002);
    assert!(text.len() < 30_000_000, "{}", text.len());
    assert!(text.matches('<').count() < 250_000);
}
