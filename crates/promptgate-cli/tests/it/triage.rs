//! The small project that these tests change: one prompt with an older variant, twenty cases, answers from a script that
//! is right everywhere, and a gate that passes. Every call is noted in `calls.jsonl`.

use promptgate_testkit::{Output, Project};
use serde_json::Value;

pub const SUITE: &str = "suites/triage/suite.toml";
pub const CASES: &str = "suites/triage/cases.jsonl";
pub const PROMPT: &str = "suites/triage/prompts/triage.prompt";
pub const OLD: &str = "suites/triage/prompts/triage.old.prompt";
pub const RECORDING: &str = "suites/triage/recordings/x.jsonl";

const SUITE_TEXT: &str = r#"name = "triage"
prompt = "triage"

[[model]]
id = "scripted/x"

[cases]
file = "cases.jsonl"

[[assert]]
kind = "equals"
value = "{{expected}}"

[gate]
baseline = "triage.old"
[[gate.check]]
metric = "pass_rate"
allowed_drop = "15pt"
"#;

const SCRIPT: &str = "answer = \"billing\"\nsleep = false\ncalls_log = \"calls.jsonl\"\n";

/// The project, whole and right.
pub fn triage() -> Project {
    let prompt = |word: &str| {
        format!("---\ninput: {{ schema: {{ text: string }} }}\n---\n{{{{role \"user\"}}}}\n{word}: {{{{text}}}}\n")
    };
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "[provider.scripted]\nscript = \"script.toml\"\n[retries]\nattempts = 1\n")
        .file("script.toml", SCRIPT)
        .file(".gitignore", ".promptgate/\ncalls.jsonl\n")
        .file(SUITE, SUITE_TEXT)
        .file(PROMPT, prompt("Sort this"))
        .file(OLD, prompt("Where does this go"))
        .file(CASES, cases(1..=20))
}

/// Cases `c1`, `c2`... that the script answers rightly.
pub fn cases(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|number| case(&format!("c{number}"), &format!("letter {number}"), "billing")).collect()
}

/// One line of the cases.
pub fn case(id: &str, text: &str, expected: &str) -> String {
    format!("{{\"id\": \"{id}\", \"vars\": {{\"text\": \"{text}\"}}, \"expected\": \"{expected}\"}}\n")
}

/// Replaces a text that stands in a file once.
#[track_caller]
pub fn edit(project: &Project, path: &str, from: &str, to: &str) {
    let text = project.read(path);
    assert_eq!(text.matches(from).count(), 1, "`{from}` in {path}");
    project.write(path, text.replacen(from, to, 1));
}

/// Adds to the end of a file.
#[track_caller]
pub fn append(project: &Project, path: &str, more: &str) {
    project.write(path, project.read(path) + more);
}

/// Runs a command line; its words hold no spaces.
#[track_caller]
pub fn promptgate(project: &Project, line: &str) -> Output {
    project.run(line.split_whitespace())
}

/// The calls made so far: `prompt case`, sorted.
pub fn calls(project: &Project) -> Vec<String> {
    let text = if project.has("calls.jsonl") { project.read("calls.jsonl") } else { String::new() };
    let call = |line: &str| {
        let call: Value = serde_json::from_str(line).unwrap();
        format!("{} {}", call["prompt"].as_str().unwrap(), call["case"].as_str().unwrap())
    };
    let mut calls: Vec<String> = text.lines().map(call).collect();
    calls.sort_unstable();
    calls
}

/// Names the recording in the suite and fills it with the candidate's answers; its calls are not counted.
#[track_caller]
pub fn record(project: &Project) {
    edit(project, SUITE, "id = \"scripted/x\"\n", "id = \"scripted/x\"\nrecording = \"recordings/x.jsonl\"\n");
    let _ = promptgate(project, "run suites/triage --record").expect_code(0);
    project.remove("calls.jsonl");
}
