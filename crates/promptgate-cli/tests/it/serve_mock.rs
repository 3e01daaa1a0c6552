//! `serve-mock`, as a user starts it: the real binary serves, the real binary calls.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use promptgate_testkit::Project;

/// A mock server in a process of its own; it ends with this value.
struct Mock {
    process: Child,
    places: Vec<(String, String)>,
}

impl Mock {
    fn start(script: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_promptgate"));
        command.arg("serve-mock").stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(script) = script {
            std::fs::write(folder.path().join("mock.toml"), script).unwrap();
            command.arg("--script").arg(folder.path().join("mock.toml"));
        }
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().take(5).map(Result::unwrap);
        let place = |line: String| {
            let (name, url) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), url.to_owned())
        };
        let places = lines.map(place).collect();
        Self { process, places }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

const SUITE: &str = r#"
name = "words"
prompt = "words"
[[model]]
id = "openai/m"
[[model]]
id = "azure/m"
[[model]]
id = "anthropic/m"
[[model]]
id = "gemini/m"
[[model]]
id = "bedrock/m"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "equals"
value = "{{expected}}"
"#;

const KEYS: [&str; 5] =
    ["OPENAI_API_KEY", "AZUREAI_OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"];

/// A project whose providers all are the mock server.
fn project(mock: &Mock, settings: &str) -> Project {
    let cases = [("a", "zwei Wörter"), ("b", "x")]
        .map(|(id, word)| format!("{{\"id\":\"{id}\",\"vars\":{{\"word\":\"{word}\"}},\"expected\":\"{word}\"}}\n"));
    let mut project = Project::new().binary(env!("CARGO_BIN_EXE_promptgate"));
    for (name, url) in &mock.places {
        project = project.variable(name, url);
    }
    for key in KEYS {
        project = project.variable(key, "sk-any-key-will-do");
    }
    project
        .file("promptgate.toml", settings)
        .file("suites/words/suite.toml", SUITE)
        .file("suites/words/prompts/words.prompt", "{{word}}")
        .file("suites/words/cases.jsonl", cases.concat())
}

#[test]
fn one_suite_over_every_wire_whole_and_streamed() {
    let mock = Mock::start(None);
    for stream in [false, true] {
        let provider = |name: &str| format!("[provider.{name}]\nstream = {stream}\n");
        let project = project(&mock, &["openai", "azure", "anthropic", "gemini", "bedrock"].map(provider).concat());
        let output = project.run(["run", "suites/words", "--live", "--report", "jsonl=trials.jsonl"]).expect_code(0);
        assert!(output.stderr.contains("10 calls to be made, 0 answers are there; at an unknown price"), "{output:?}");
        let trials = project.read("trials.jsonl");
        assert_eq!(trials.matches("\"outcome\":\"passed\"").count(), 10, "{trials}");
        assert_eq!(trials.matches("first_token_ms").count(), if stream { 10 } else { 0 }, "{trials}");
    }
}

#[test]
fn a_script_decides_what_some_requests_get() {
    let mock = Mock::start(Some("key = \"sk-the-only-one\"\n[[rule]]\ncontains = \"x\"\nfault = \"not-json\"\n"));
    let project = project(&mock, "");
    let output =
        project.run(["run", "suites/words", "--live", "--no-retry", "--model", "anthropic/m"]).expect_code(104);
    assert!(output.stdout.contains("this is not the key of the script (authentication_error)"), "{output:?}");
}
