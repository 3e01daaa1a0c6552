//! `score`: a stored run graded by changed assertions.

use promptgate_testkit::Project;

const SUITE: &str = r#"
name = "s"
prompt = "say"
[[model]]
id = "scripted/any"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "contains"
value = "please"
"#;

fn project() -> Project {
    let cases = "{\"id\": \"a\", \"vars\": {\"text\": \"please\"}}\n{\"id\": \"b\", \"vars\": {\"text\": \"now\"}}\n{\"id\": \"c\", \"vars\": {\"text\": \"pretty please\"}}\n";
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "[provider.scripted]\nscript = \"script.toml\"\n")
        .file("script.toml", "calls_log = \"calls.jsonl\"\nanswer = \"{{input}}\"\n")
        .file("suites/s/suite.toml", SUITE)
        .file("suites/s/prompts/say.prompt", "{{text}}")
        .file("suites/s/cases.jsonl", cases)
}

fn calls(project: &Project) -> usize {
    project.read("calls.jsonl").lines().count()
}

#[test]
fn a_run_is_graded_anew_without_calling_the_model() {
    let project = project();
    let _ = project.run(["run", "suites/s"]).expect_code(100);
    assert_eq!(calls(&project), 3);
    let suite = project.read("suites/s/suite.toml").replace("value = \"please\"", "value = \"e\"");
    project.write("suites/s/suite.toml", suite.replace("\"e\"", "\"now\""));
    let said = project.run(["score", "latest"]).expect_code(100);
    assert!(said.stderr.contains("graded anew: 3 of 3 trials changed"), "{}", said.stderr);
    assert!(
        said.stderr.contains("a (passed -> failed), b (failed -> passed), c (passed -> failed)"),
        "{}",
        said.stderr
    );
    assert_eq!(calls(&project), 3, "nothing was called");
    // What is stored now is the new grading; it is a run like any.
    let said = project.run(["report", "latest", "--report", "json"]).expect_code(100);
    assert!(said.stdout.contains("\"schema\": \"promptgate.run/1\""), "{}", said.stdout);
    // Graded by what it was graded by, nothing changes.
    let said = project.run(["score", "latest", "--no-fail"]).expect_code(0);
    assert!(said.stderr.contains("0 of 3 trials changed"), "{}", said.stderr);
}

#[test]
fn edited_and_removed_cases_are_told() {
    let project = project();
    let _ = project.run(["run", "suites/s"]).expect_code(100);
    let cases = "{\"id\": \"a\", \"vars\": {\"text\": \"please\"}}\n{\"id\": \"b\", \"vars\": {\"text\": \"later\"}}\n{\"id\": \"d\", \"vars\": {\"text\": \"new\"}}\n";
    project.write("suites/s/cases.jsonl", cases);
    let said = project.run(["score", "latest"]).expect_code(0);
    let words = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("1 of 1 case passed"), "what the run holds no answer to is left out: {said:?}");
    assert!(words.contains("note: left out: 2 cases not in run"), "{said:?}");
    assert!(words.contains("; 2 of the run's own are edited or gone"), "{said:?}");
    assert_eq!(calls(&project), 3, "{said:?}");
    project.write("suites/s/cases.jsonl", "{\"id\": \"d\", \"vars\": {\"text\": \"new\"}}\n");
    let said = project.run(["score", "latest"]).expect_code(4);
    assert!(said.stderr.contains("it holds an answer to none of them"), "{said:?}");
}

#[test]
fn what_cannot_be_scored_is_said() {
    let project = project();
    let check = |arguments: &[&str], code: i32, part: &str| {
        let said = project.run(arguments).expect_code(code);
        assert!(said.stderr.contains(part), "{arguments:?}: {}", said.stderr);
    };
    check(&["score"], 2, "<RUN>");
    check(&["score", "latest"], 2, "no run");
    let _ = project.run(["run", "suites/s"]).expect_code(100);
    check(&["score", "20990101"], 2, "20990101");
    check(&["score", "latest", "--suite", "suites/none"], 2, "suites/none");
    check(&["score", "latest", "--live"], 2, "--live");
    check(&["score", "latest", "--max-cost=-1"], 2, "--max-cost");
    check(&["score", "latest", "--report", "png"], 2, "png");
    check(&["score", "latest", "extra"], 2, "extra");
    project.write("suites/t/suite.toml", SUITE.replace("\"s\"", "\"t\""));
    project.write("suites/t/prompts/say.prompt", "{{text}}");
    project.write("suites/t/cases.jsonl", "{\"id\": \"a\", \"vars\": {\"text\": \"x\"}}\n");
    check(&["score", "latest", "--suite", "suites/t"], 2, "is one of `s`, not of `t`");
    project.write("suites/s/suite.toml", SUITE.replace("contains", "contain"));
    check(&["score", "latest"], 2, "did you mean `contains`?");
    project.write("suites/s/suite.toml", SUITE.split("[[assert]]").next().unwrap());
    check(&["score", "latest"], 4, "assertion");
}
