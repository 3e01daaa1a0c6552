//! What is said before any call: the gate that `check` proposes, and `plan`.

use promptgate_testkit::Project;

use crate::triage::{CASES, SUITE, calls, cases, promptgate, triage};

/// The small project without its gate, and with so many cases.
fn without_gate(number: u32) -> Project {
    let project = triage();
    let text = project.read(SUITE);
    let (head, _) = text.split_once("[gate]").unwrap();
    project.write(SUITE, head);
    project.write(CASES, cases(1..=number));
    project
}

/// What `check` proposes: the line for the top of the suite, and the gate for its end.
fn proposed(printed: &str) -> (String, String) {
    let mut blocks = [String::new(), String::new()];
    let mut block = 0;
    for line in printed.lines() {
        block = if line.contains("at the end of suite.toml") { 1 } else { block };
        if let Some(line) = line.strip_prefix("    ") {
            blocks[block].push_str(&format!("{line}\n"));
        }
    }
    let [top, end] = blocks;
    (top, end)
}

#[test]
fn check_proposes_a_gate_that_can_be_pasted_as_it_is() {
    for number in [1, 12, 25, 60, 100, 300] {
        let project = without_gate(number);
        project.commit("as it is");
        let printed = promptgate(&project, "check").expect_code(0).stdout;
        let (top, end) = proposed(&printed);
        assert!(end.contains("baseline = \"triage@git:main\""), "{printed}");
        assert_eq!(end.contains("these-cases"), number < 100, "{printed}");
        let text = project.read(SUITE);
        project.write(SUITE, format!("{top}{text}{end}"));
        let again = promptgate(&project, "check").expect_code(0).stdout;
        assert!(again.starts_with("suites/triage: right;") && !again.contains("note"), "{again}");
        assert_eq!(calls(&project), [""; 0]);
    }
}

#[test]
fn outside_of_git_the_proposal_holds_to_the_prompt_and_says_that_this_is_the_candidate() {
    let printed = promptgate(&without_gate(25), "check").expect_code(0).stdout;
    insta::assert_snapshot!("check_proposes", printed);
}

#[test]
fn a_suite_that_says_its_trials_is_told_to_write_another_number_there() {
    let project = without_gate(25);
    let text = project.read(SUITE);
    project.write(SUITE, format!("trials = 2\n{text}"));
    let printed = promptgate(&project, "check").expect_code(0).stdout;
    assert!(printed.contains("in suite.toml, in place of `trials = 2`:\n\n    trials = 3 "), "{printed}");
}
