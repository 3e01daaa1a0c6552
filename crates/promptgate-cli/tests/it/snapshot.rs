//! Outputs that are accepted: from unscored to passed to failed, and accepted again.

use promptgate_testkit::Project;

use crate::triage::{CASES, SUITE, cases, edit, promptgate, triage};

const ACCEPTED: &str = "suites/triage/snapshots/accepted.jsonl";

/// Three cases, their answers held to snapshots; a set holds a second one.
fn project() -> Project {
    let project = triage();
    project.write(CASES, cases(1..=3));
    let snapshots = "kind = \"all-of\"\nassert = [{ kind = \"snapshot\" }, { kind = \"snapshot\", name = \"first\", file = \
        \"snapshots/first.jsonl\", extract = { regex = \"^.\" } }]";
    edit(&project, SUITE, "kind = \"equals\"\nvalue = \"{{expected}}\"", snapshots);
    project
}

fn answers(project: &Project, answer: &str) {
    project.write("script.toml", format!("answer = \"{answer}\"\nsleep = false\n"));
}

#[test]
fn an_output_is_accepted_by_name_and_held_to_from_then_on() {
    let project = project();
    let first = promptgate(&project, "run suites/triage").expect_code(102);
    assert!(first.stdout.contains("accepts no output for `c1`"), "{}", first.stdout);
    let one = promptgate(&project, "snapshot accept suites/triage --case c2").expect_code(0);
    assert!(
        one.stdout.contains("suites/triage/snapshots/accepted.jsonl: 1 output of 1 case accepted\n"),
        "{}",
        one.stdout
    );
    assert_eq!(project.read(ACCEPTED), "{\"case\":\"c2\",\"accepted\":[\"billing\"]}\n");
    assert_eq!(project.read("suites/triage/snapshots/first.jsonl"), "{\"case\":\"c2\",\"accepted\":[\"b\"]}\n");
    let all = promptgate(&project, "snapshot accept suites/triage").expect_code(0);
    assert!(all.stdout.contains("accepted.jsonl: 3 outputs of 3 cases accepted\n"), "{}", all.stdout);
    assert_eq!(project.read(ACCEPTED).lines().count(), 3);
    let _ = promptgate(&project, "run suites/triage").expect_code(0);
    let nothing = promptgate(&project, "snapshot accept suites/triage").expect_code(4);
    assert!(nothing.stderr.contains("no snapshot of the suite failed"), "{}", nothing.stderr);
}

#[test]
fn an_output_that_changed_fails_until_it_is_accepted_beside_the_old_one_or_instead() {
    let project = project();
    let _ = promptgate(&project, "run suites/triage").expect_code(102);
    let _ = promptgate(&project, "snapshot accept suites/triage").expect_code(0);
    answers(&project, "other");
    let _ = promptgate(&project, "run suites/triage --fresh").expect_code(100);
    let _ = promptgate(&project, "snapshot accept suites/triage --case c1").expect_code(0);
    let _ = promptgate(&project, "snapshot accept suites/triage --case c3 --replace").expect_code(0);
    assert_eq!(
        project.read(ACCEPTED),
        "{\"case\":\"c1\",\"accepted\":[\"billing\",\"other\"]}\n{\"case\":\"c2\",\"accepted\":[\"billing\"]}\n\
         {\"case\":\"c3\",\"accepted\":[\"other\"]}\n"
    );
}

#[test]
fn a_run_that_is_not_there_or_of_another_suite_is_named() {
    let project = project();
    let none = promptgate(&project, "snapshot accept suites/triage").expect_code(2);
    assert!(none.stderr.contains("no run of `triage` is stored"), "{}", none.stderr);
    let _ = promptgate(&project, "run suites/triage").expect_code(102);
    edit(&project, SUITE, "name = \"triage\"", "name = \"other\"");
    let other = promptgate(&project, "snapshot accept suites/triage --run latest").expect_code(2);
    assert!(other.stderr.contains("is one of `triage`, not of `other`"), "{}", other.stderr);
}
