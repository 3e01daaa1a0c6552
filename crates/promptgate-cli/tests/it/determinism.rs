//! Same inputs, same bytes out: for any number of trials at once, any order of completion, and any partition.

use promptgate_testkit::Project;

use crate::rehearsal;

const CASES: usize = 60;

/// A fresh project each time, so that nothing is reused.
fn fresh() -> Project {
    rehearsal::project(CASES, ["0ms", "12ms"])
}

fn gate(project: &Project, flags: &[&str]) -> promptgate_testkit::Output {
    let reports = rehearsal::report_flags();
    project.run(
        ["gate", "suites/rehearsal"].into_iter().chain(flags.iter().copied()).chain(reports.iter().map(String::as_str)),
    )
}

type Reports = Vec<(&'static str, String)>;

fn gated_with(concurrency: &str) -> (i32, Reports, Vec<u64>) {
    let project = fresh();
    let code = gate(&project, &["--concurrency", concurrency]).code;
    let reports = rehearsal::reports(&project);
    (code, reports, completion_order(&project))
}

/// The trials in the order in which they are in the run's file.
fn completion_order(project: &Project) -> Vec<u64> {
    let file = rehearsal::run_file(project).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|line| line["trial"]["trial"].as_u64()).collect()
}

/// The parts of a plan are answered apart, each where no other is known, and joined from their files.
fn merged(how: &str) -> (i32, Reports) {
    let parts: Vec<Project> = (0..3).map(|_| fresh()).collect();
    let files = parts.iter().zip(1..).map(|(project, part)| {
        let output = gate(project, &["--partition", &format!("{how}:{part}/3")]).expect_code(0);
        assert!(output.stdout.contains("there is no verdict before all parts are joined"), "{}", output.stdout);
        rehearsal::run_file(project).unwrap().to_str().unwrap().to_owned()
    });
    // The order in which parts are named says nothing.
    let files: Vec<String> = files.collect::<Vec<_>>().into_iter().rev().collect();
    let joined = fresh();
    let reports = rehearsal::report_flags();
    let words = ["report".to_owned(), "--merge".to_owned()].into_iter().chain(files).chain(reports);
    (joined.run(words).code, rehearsal::reports(&joined))
}

#[track_caller]
fn same(what: &str, found: &Reports, expected: &Reports) {
    for ((format, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{format} differs with {what}");
    }
}

#[test]
fn reports_are_the_same_bytes_for_any_concurrency_order_and_partition() {
    let (code, expected, one_by_one) = gated_with("1");
    assert!(expected.iter().all(|(_, report)| report.len() > 500), "{expected:?}");
    for concurrency in ["2", "8", "64"] {
        let (other, reports, order) = gated_with(concurrency);
        assert_eq!(other, code, "exit code with concurrency {concurrency}");
        assert_ne!(order, one_by_one, "with concurrency {concurrency} trials end in another order");
        same(&format!("concurrency {concurrency}"), &reports, &expected);
    }
    for how in ["hash", "slice"] {
        let (other, reports) = merged(how);
        assert_eq!(other, code, "exit code with partition {how}");
        same(&format!("partition {how}"), &reports, &expected);
    }
}
