//! A gate on the scripted provider that is neither all right nor all wrong: what durability and determinism are shown on.

use std::path::PathBuf;

use promptgate_testkit::Project;

/// The reports that are held against each other, and the file each is written to.
pub const REPORTS: [(&str, &str); 6] = [
    ("json", "out/gate.json"),
    ("jsonl", "out/gate.jsonl"),
    ("junit", "out/gate.xml"),
    ("csv", "out/gate.csv"),
    ("markdown", "out/gate.md"),
    ("terminal", "out/gate.txt"),
];

const SUITE: &str = r#"
name = "rehearsal"
prompt = "ask"
candidate = "ask.new"
trials = 2
seed = 7
[[model]]
id = "scripted/any"
timeout = "5s"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "equals"
value = "{{expected}}"
metric = "right"
[[assert]]
kind = "length"
max = 40
tier = "advisory"
[gate]
baseline = "ask"
flips = 999
[[gate.check]]
metric = "pass_rate"
allowed_drop = "5pt"
[[gate.check]]
metric = "right"
slice = { tag = "even" }
allowed_drop = "5pt"
tier = "advisory"
[[gate.check]]
metric = "latency"
allowed_rise = "25%"
tier = "advisory"
[[gate.check]]
rule = "no-new-break"
cases = { tag = "odd" }
max_broken = 3
tier = "advisory"
"#;

/// Wrong answers carry what each report must escape; a hundredth of the calls fails, on both sides alike.
const SCRIPT: &str = r#"
seed = 11
calls_log = "calls.jsonl"
answer = "right"
[[rule]]
latency = ["LEAST", "MOST"]
[[rule]]
usage = { input_tokens = 20, output_tokens = 5 }
[[rule]]
share = 0.01
fault = "server"
[[rule]]
prompt = "ask.new"
share = 0.08
answer = "wrong on {{case}}: <b>|\"quoted\", =1+1"
[[rule]]
prompt = "ask"
share = 0.04
answer = "wrong"
"#;

/// A project of so many cases, two trials each on two versions; a call takes as long as the range says.
pub fn project(cases: usize, latency: [&str; 2]) -> Project {
    let case = |n: usize| {
        let tag = if n.is_multiple_of(2) { "even" } else { "odd" };
        let cluster = n / 3;
        format!(
            r#"{{"id":"case-{n:04}","vars":{{"question":"What is {n}?"}},"expected":"right","tags":["{tag}"],"cluster":"{cluster}"}}"#
        )
    };
    let cases: Vec<String> = (0..cases).map(case).collect();
    let script = SCRIPT.replace("LEAST", latency[0]).replace("MOST", latency[1]);
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "[retries]\nattempts = 1\n[provider.scripted]\nscript = \"script.toml\"\n")
        .file("script.toml", script)
        .file("suites/rehearsal/suite.toml", SUITE)
        .file("suites/rehearsal/cases.jsonl", cases.join("\n"))
        .file("suites/rehearsal/prompts/ask.prompt", "Answer in one word: {{question}}\n")
        .file("suites/rehearsal/prompts/ask.new.prompt", "Answer in one word, please: {{question}}\n")
        .file("out/.keep", "")
}

/// `--report` for each of the reports.
pub fn report_flags() -> Vec<String> {
    REPORTS.iter().flat_map(|(format, file)| ["--report".to_owned(), format!("{format}={file}")]).collect()
}

/// The one run file of a project, if there is one by now.
pub fn run_file(project: &Project) -> Option<PathBuf> {
    let files = project.files(".promptgate/runs");
    files.iter().find(|file| file.ends_with(".jsonl")).map(|file| project.path(file))
}

/// The reports that were written, each without what may differ between equal runs: `volatile`, and where people are told
/// the run and its calls.
pub fn reports(project: &Project) -> Vec<(&'static str, String)> {
    REPORTS.iter().map(|(format, file)| (*format, stable(&project.read(file)))).collect()
}

fn stable(report: &str) -> String {
    // `volatile` is the last member of both JSON forms.
    let head = |line: &str| line.split("\"volatile\":").next().unwrap_or_default().to_owned();
    let told = |line: &str| line.contains("this run: ") || line.starts_with("next: promptgate report ");
    let report = report.split("\n  \"volatile\": {").next().unwrap_or_default();
    report.lines().filter(|line| !told(line)).map(|line| head(line) + "\n").collect()
}
