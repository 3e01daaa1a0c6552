//! `junit`: one test case per trial of the version under judgement, and one per comparison of a gate.
//!
//! Errored is `<error>`, and so is a time-out of a model of which nothing was heard; failed is `<failure>`, a failed trial of
//! a case that passed in the majority of its trials `<flakyFailure>`. The baseline's own trials are no tests of this change
//! and are left out. Names are unique per suite, case, version, model and repeat.

use std::io::{self, Write};

use promptgate_core::name::ModelId;
use promptgate_core::record::{RunHeader, SettledTrial, TrialError};
use promptgate_core::report::{CheckReport, Comparison, GateReport, Report};
use promptgate_core::score::{Outcome, Tier};
use promptgate_core::verdict::Verdict;
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestRerun, TestSuite};

use crate::escape::{terminal_line, xml_text};
use crate::registry::Rendering;
use crate::words;

/// Characters of an output that stand in the file: readers refuse single nodes of some megabytes.
const MOST_OUTPUT: usize = 50_000;

pub(crate) fn render(rendering: &Rendering<'_>, out: &mut dyn Write) -> io::Result<()> {
    let header = rendering.record.header();
    let mut document = Document::new("promptgate");
    let mut suite = TestSuite::new(xml_text(header.suite.as_str()).into_owned());
    add_trials(rendering, &mut suite)?;
    if let Report::Gate(report) = rendering.report {
        add_comparisons(report, &mut suite);
    }
    document.add_test_suite(suite);
    document.serialize(out).map_err(io::Error::other)
}

fn add_trials(rendering: &Rendering<'_>, suite: &mut TestSuite) -> io::Result<()> {
    let header = rendering.record.header();
    let silent = Silent::of(rendering.report);
    // Repeats of a case stand together in plan order, so one case is held at a time.
    let mut repeats: Vec<SettledTrial> = Vec::new();
    for trial in rendering.record.trials() {
        let trial = trial.map_err(io::Error::other)?;
        if !is_judged(header, trial.version) {
            continue;
        }
        if repeats.first().is_some_and(|first| !same_case(first, &trial)) {
            add_case(header, &repeats, &silent, suite);
            repeats.clear();
        }
        repeats.push(trial);
    }
    add_case(header, &repeats, &silent, suite);
    Ok(())
}

/// The versions and models of which nothing was heard, as the report says: what failed there is missing.
struct Silent<'a>(Vec<(&'a str, &'a ModelId)>);

impl<'a> Silent<'a> {
    fn of(report: &'a Report) -> Self {
        let Report::Gate(report) = report else { return Self(Vec::new()) };
        let sides = report.comparisons.iter().flat_map(|comparison| {
            let sides = std::iter::once(&comparison.candidate).chain(&comparison.baseline);
            sides.filter(|side| side.silent).map(|side| (side.reference.as_str(), &comparison.model))
        });
        Self(sides.collect())
    }

    fn holds(&self, header: &RunHeader, trial: &SettledTrial) -> bool {
        let side = header.versions.get(trial.version).zip(header.models.get(trial.model));
        side.is_some_and(|(version, model)| self.0.contains(&(version.reference.as_str(), &model.id)))
    }
}

/// Whether a version is under judgement: in a gate the candidates, in a run all.
fn is_judged(header: &RunHeader, version: usize) -> bool {
    header.comparisons.is_empty() || header.comparisons.iter().any(|comparison| comparison.candidate == version)
}

fn same_case(left: &SettledTrial, right: &SettledTrial) -> bool {
    (left.version, left.model, &left.case.id) == (right.version, right.model, &right.case.id)
}

fn add_case(header: &RunHeader, repeats: &[SettledTrial], silent: &Silent<'_>, suite: &mut TestSuite) {
    let passed = repeats.iter().filter(|trial| trial.outcome == Outcome::Passed).count();
    let mostly_passes = 2 * passed > repeats.len();
    for trial in repeats {
        let status = match silent.holds(header, trial) {
            true => unheard_status(trial),
            false => trial_status(trial, mostly_passes),
        };
        suite.add_test_case(trial_case(header, trial, status));
    }
}

fn trial_case(header: &RunHeader, trial: &SettledTrial, status: TestCaseStatus) -> TestCase {
    let name = match header.trials {
        1 => trial.case.id.to_string(),
        _ => format!("{} #{}", trial.case.id, trial.repeat),
    };
    let mut case = TestCase::new(attribute(&name), status);
    let version = header.versions.get(trial.version).map_or("?", |version| version.reference.as_str());
    let model = header.models.get(trial.model).map(|model| model.id.to_string()).unwrap_or_default();
    case.set_classname(attribute(&format!("{}.{version}.{model}", header.suite)));
    if let Some(ms) = trial.response.as_ref().and_then(|response| response.latency_ms) {
        case.set_time(std::time::Duration::from_millis(ms));
    }
    if let (Some(response), Outcome::Failed | Outcome::Errored) = (&trial.response, trial.outcome) {
        case.set_system_out(capped(&xml_text(&response.output)));
    }
    case
}

/// Text of an attribute: a reader folds line ends there, so they and all else that acts are shown.
fn attribute(text: &str) -> String {
    xml_text(&terminal_line(text)).into_owned()
}

fn capped(text: &str) -> String {
    match text.char_indices().nth(MOST_OUTPUT) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}... ({} more characters)", &text[..at], text[at..].chars().count()),
    }
}

fn trial_status(trial: &SettledTrial, mostly_passes: bool) -> TestCaseStatus {
    let failure = || words::first_failure(trial).or_else(|| Some(trial.failure.as_ref()?.message.clone()));
    match trial.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped => TestCaseStatus::skipped(),
        Outcome::Failed if mostly_passes => flaky(&failure().unwrap_or_default()),
        Outcome::Failed => non_success(NonSuccessKind::Failure, &failure().unwrap_or_default()),
        Outcome::Errored => non_success(NonSuccessKind::Error, &error_text(trial)),
    }
}

/// Of a model of which nothing was heard what failed is missing.
fn unheard_status(trial: &SettledTrial) -> TestCaseStatus {
    match &trial.failure {
        Some(failure) => non_success(NonSuccessKind::Error, &format!("no answer: {}", failure.message)),
        None => trial_status(trial, false),
    }
}

fn error_text(trial: &SettledTrial) -> String {
    match &trial.error {
        Some(TrialError::Unanswered(failure)) => format!("no answer: {}", failure.message),
        Some(TrialError::Unscored { assertion, reason }) => format!("unscored: {assertion}: {reason}"),
        None => "errored".to_owned(),
    }
}

fn non_success(kind: NonSuccessKind, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    // Some readers show the message, some the text within.
    status.set_message(capped(&attribute(message))).set_description(capped(&xml_text(message)));
    status
}

fn flaky(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::success();
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_message(capped(&attribute(message)));
    status.add_rerun(rerun);
    status
}

fn add_comparisons(report: &GateReport, suite: &mut TestSuite) {
    for comparison in &report.comparisons {
        let against = comparison.baseline.as_ref().map(|side| format!(" against {}", side.reference));
        let name = format!("{}{} on {}", comparison.candidate.reference, against.unwrap_or_default(), comparison.model);
        let mut case = TestCase::new(attribute(&name), comparison_status(report, comparison));
        case.set_classname(attribute(&format!("{}.gate", report.suite)));
        suite.add_test_case(case);
    }
}

fn comparison_status(report: &GateReport, comparison: &Comparison) -> TestCaseStatus {
    let (Some(requirement), Some(verdict)) = (report.requirement, comparison.verdict) else {
        return TestCaseStatus::success();
    };
    let message = format!("{}: {}", verdict.as_str(), comparison_reasons(comparison));
    match (comparison.meets(requirement), comparison.tier) {
        (Some(true), _) => TestCaseStatus::success(),
        // An advisory comparison informs: it turns no build red, and does not look green either.
        (_, Tier::Advisory) => skipped(&format!("advisory, decides nothing: {message}")),
        (_, Tier::Critical) if verdict == Verdict::Fail => non_success(NonSuccessKind::Failure, &message),
        (_, Tier::Critical) => non_success(NonSuccessKind::Error, &message),
    }
}

/// The comparison's own sentence first, then every critical check that did not pass.
fn comparison_reasons(comparison: &Comparison) -> String {
    let open =
        |check: &&CheckReport| check.tier == Tier::Critical && !matches!(check.verdict, None | Some(Verdict::Pass));
    let open = comparison
        .checks
        .iter()
        .filter(open)
        .filter(|check| comparison.detail.is_none() || check.verdict != Some(Verdict::Invalid));
    let checks = open.map(|check| format!("{}: {}", words::check_name(check), check.reason));
    comparison.detail.iter().cloned().chain(checks).collect::<Vec<_>>().join("; ")
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(attribute(message));
    status
}
