//! The pull request that edits prompt and cases at once: both sides are graded by the new suite, only what does not fit
//! any more is called, and the report says what changed.

use promptgate_testkit::{Output, Project};
use serde_json::Value;

use crate::triage::{CASES, PROMPT, SUITE, append, calls, case, cases, edit, promptgate, triage};

const GATE: &str = "gate suites/triage --baseline triage@git:main --report json=gate.json";

/// A repository whose main has answered its gate once; the calls of that are not counted.
#[track_caller]
fn main_answered() -> Project {
    let project = triage();
    project.commit("main");
    let _ = promptgate(&project, GATE).expect_code(0);
    assert_eq!(calls(&project).len(), 20, "candidate and baseline are one version, which is asked once");
    project.remove("calls.jsonl");
    project
}

/// Three cases added, two edited, one removed, one expectation changed.
fn edit_cases(project: &Project) {
    append(project, CASES, &cases(21..=23));
    edit(project, CASES, "\"letter 4\"", "\"another letter 4\"");
    edit(project, CASES, "\"letter 5\"", "\"another letter 5\"");
    edit(project, CASES, &case("c6", "letter 6", "billing"), "");
    edit(project, CASES, &case("c7", "letter 7", "billing"), &case("c7", "letter 7", "technical"));
}

fn edit_prompt(project: &Project) {
    edit(project, PROMPT, "Sort this", "Please sort this");
}

const CHANGED: &str = "cases since git:main: 3 cases added (c21, c22, c23); 2 cases edited (c4, c5); \
                       1 case with another expectation (c7); 1 case removed (c6)";

fn gate_json(project: &Project) -> Value {
    serde_json::from_str(&project.read("gate.json")).unwrap()
}

/// Of the one check of the one comparison.
fn rates(report: &Value) -> (&Value, &Value, &Value) {
    let check = &report["comparisons"][0]["checks"][0];
    (&check["n"], &check["baseline"], &check["candidate"])
}

#[track_caller]
fn told(output: &Output, words: &[&str]) {
    // Notes are broken into lines.
    let text = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{}", output.stdout);
    }
}

#[test]
fn only_what_is_new_is_called_and_both_sides_are_graded_by_the_new_suite() {
    let project = main_answered();
    edit_cases(&project);
    edit_prompt(&project);

    let output = promptgate(&project, GATE).expect_code(0);
    told(&output, &["triage against triage@git:main", "22 complete pairs", CHANGED, "27 calls, 17 reused"]);
    let made = calls(&project);
    // The edited prompt answers all 22 cases; main's prompt, of the same name, only the five it never saw.
    let asked = |id: u32| made.iter().filter(|call| **call == format!("triage c{id}")).count();
    let twice = [4, 5, 21, 22, 23];
    assert_eq!(made.len(), 22 + twice.len());
    for id in (1..=23).filter(|id| *id != 6) {
        assert_eq!(asked(id), if twice.contains(&id) { 2 } else { 1 }, "c{id}");
    }

    let report = gate_json(&project);
    assert!(report["notes"].as_array().unwrap().iter().any(|note| note == CHANGED), "{}", report["notes"]);
    let rate = Value::from(21.0 / 22.0);
    assert_eq!(rates(&report), (&Value::from(22), &rate, &rate), "c7 fails on both sides");
    let pairs = &report["comparisons"][0]["pairs"];
    assert_eq!((&pairs["complete"], &pairs["changed_cases"]), (&Value::from(22), &Value::from(0)));
    let versions = &report["comparisons"][0];
    assert_ne!(versions["baseline"]["digest"], versions["candidate"]["digest"]);

    let again = promptgate(&project, GATE).expect_code(0);
    told(&again, &["0 calls, 44 reused", CHANGED]);
    assert_eq!(calls(&project), made);
    let settled = |mut report: Value| {
        report.as_object_mut().unwrap().remove("volatile");
        report
    };
    assert_eq!(settled(gate_json(&project)), settled(report));
}

#[test]
fn a_changed_expectation_or_assertion_is_graded_anew_without_a_call() {
    let project = main_answered();
    edit(&project, CASES, &case("c7", "letter 7", "billing"), &case("c7", "letter 7", "technical"));
    told(&promptgate(&project, GATE).expect_code(0), &["with another expectation (c7)", "0 calls, 20 reused"]);
    assert_eq!(rates(&gate_json(&project)), (&Value::from(20), &Value::from(0.95), &Value::from(0.95)));
    edit(
        &project,
        crate::triage::SUITE,
        "kind = \"equals\"\nvalue = \"{{expected}}\"",
        "kind = \"contains\"\nvalue = \"bill\"",
    );
    told(&promptgate(&project, GATE).expect_code(0), &["0 calls, 20 reused"]);
    assert_eq!(rates(&gate_json(&project)), (&Value::from(20), &Value::from(1.0), &Value::from(1.0)));
    assert_eq!(calls(&project), [""; 0]);
}

/// A run of main, then another prompt and these changes of the cases; gated against the stored run.
#[track_caller]
fn against_a_stored_run(change: impl Fn(&Project), code: i32, called: usize) -> (Output, Value) {
    let project = triage();
    let _ = promptgate(&project, "run suites/triage").expect_code(0);
    let file = project.files(".promptgate/runs").pop().unwrap();
    let run = file.rsplit('/').next().unwrap().trim_end_matches(".jsonl").to_owned();
    project.remove("calls.jsonl");
    edit_prompt(&project);
    change(&project);
    let line = format!("gate suites/triage --baseline run:{run} --report json=gate.json");
    let output = promptgate(&project, &line).expect_code(code);
    assert_eq!(calls(&project).len(), called, "a stored run is never asked again");
    let report = gate_json(&project);
    (output, report)
}

#[test]
fn a_stored_run_pairs_with_the_cases_that_are_unchanged() {
    let remove_one = |project: &Project| edit(project, CASES, &case("c6", "letter 6", "billing"), "");
    let (output, report) = against_a_stored_run(remove_one, 0, 19);
    told(&output, &["19 complete pairs"]);
    let pairs = &report["comparisons"][0]["pairs"];
    assert_eq!((&pairs["complete"], &pairs["changed_cases"]), (&Value::from(19), &Value::from(1)));
}

#[test]
fn a_stored_run_of_too_many_other_cases_makes_the_comparison_invalid() {
    let (output, report) = against_a_stored_run(edit_cases, 103, 22);
    told(&output, &["GATE INVALID"]);
    assert_eq!(report["verdict"], "invalid");
    let comparison = &report["comparisons"][0];
    assert_eq!(comparison["reason"], "cases_changed");
    assert_eq!((&comparison["pairs"]["complete"], &comparison["pairs"]["changed_cases"]), (&17.into(), &3.into()));
}

#[test]
fn a_gate_loosened_in_the_same_change_is_judged_by_the_stricter_of_both() {
    let project = triage();
    edit(&project, SUITE, "kind = \"equals\"\n", "kind = \"equals\"\nmetric = \"right\"\n");
    let own = "[[gate.check]]\nmetric = \"right\"\nallowed_drop = \"15pt\"\n";
    project.write(SUITE, format!("{}{own}", project.read(SUITE)));
    project.commit("main");
    edit_prompt(&project);
    edit(
        &project,
        SUITE,
        "metric = \"pass_rate\"\nallowed_drop = \"15pt\"",
        "metric = \"pass_rate\"\nallowed_drop = \"40pt\"",
    );
    // The change breaks 6 of 20 cases: 30 points, more than main allows and less than the change does.
    project.write("script.toml", "answer = \"billing\"\nsleep = false\n[[rule]]\ncontains = \"Please\"\ncase = \"c1[0-5]\"\nanswer = \"other\"\n");
    let output = promptgate(&project, GATE).expect_code(100);
    told(
        &output,
        &[
            "FAIL: worse",
            "note: this change loosens the gate",
            "pass_rate: allowed drop 40 pt, on main allowed drop 15 pt",
        ],
    );
    let report = gate_json(&project);
    assert!(report["notes"][0].as_str().unwrap().starts_with("this change loosens the gate"), "{}", report["notes"]);
    assert_eq!(report["comparisons"][0]["checks"][0]["limit"], -0.15);
    // A check that is taken out is judged all the same, and one whose assertion is gone is refused.
    edit(&project, SUITE, own, "");
    told(&promptgate(&project, GATE).expect_code(100), &["right: removed"]);
    edit(&project, SUITE, "metric = \"right\"\n", "");
    let gone = promptgate(&project, GATE).expect_code(2);
    assert!(gone.stderr.contains("main's gate has a check of `right`"), "{}", gone.stderr);
    // Once the looser gate is on main by itself it holds.
    project.commit("a looser gate");
    let loose = promptgate(&project, "gate suites/triage --baseline triage@git:HEAD~1 --report json=gate.json");
    assert!(loose.stderr.contains("main's gate has a check") || loose.stdout.contains("loosens"), "{}", loose.stdout);
    let _ = promptgate(&project, GATE).expect_code(0);
}
