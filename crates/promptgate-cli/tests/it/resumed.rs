//! A run that was broken off and is gone on with: what was answered is not asked again, and what it was started as it stays.

use promptgate_mock::{Said, Server, Wire};
use promptgate_testkit::Project;
use serde_json::Value;

const CASES: usize = 10;

/// Two versions of one prompt, ten cases each.
fn project(server: &Server) -> Project {
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"openai/m\"\nconfig = { maxOutputTokens = 100 }\n\
        [cases]\nfile = \"cases.jsonl\"\n[[assert]]\nkind = \"contains\"\nvalue = \"a\"\n[gate]\nbaseline = \"say.old\"\n\
        [[gate.check]]\nmetric = \"pass_rate\"\nallowed_drop = 0.05\n";
    let cases: String = (0..CASES).map(|n| format!("{{\"id\":\"c{n}\",\"vars\":{{\"text\":\"{n}\"}}}}\n")).collect();
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "[retries]\nfirst_wait = \"1ms\"\n")
        .file("suites/s/suite.toml", suite)
        .file("suites/s/prompts/say.prompt", "{{text}} new")
        .file("suites/s/prompts/say.old.prompt", "{{text}} old")
        .file("suites/s/cases.jsonl", cases)
        .variable("OPENAI_BASE_URL", &server.base_url())
        .variable("OPENAI_API_KEY", "k")
}

fn good() -> Server {
    Server::start(|_| Wire::Chat.whole(&Said::text("m", "a")))
}

/// The run files, the oldest first.
fn runs(project: &Project) -> Vec<String> {
    let mut files = project.files(".promptgate/runs");
    files.retain(|file| file.ends_with(".jsonl"));
    files
}

/// The settled trials of the newest run.
fn trials(project: &Project) -> Vec<Value> {
    let run = runs(project).pop().unwrap();
    let of_line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["trial"].take();
    project.read(&run).lines().map(of_line).filter(Value::is_object).collect()
}

#[test]
fn a_fresh_draw_that_was_broken_off_is_finished_as_one() {
    let server = good();
    let project = project(&server);
    let _ = project.run(["gate", "suites/s"]);
    let said = project.run(["gate", "suites/s", "--fresh", "--max-calls", "9"]).expect_code(106);
    assert!(said.stderr.contains("--resume="), "{}", said.stderr);
    let _ = project.run(["gate", "suites/s", "--resume"]);
    assert_eq!(server.count(), 4 * CASES, "every trial is drawn anew, once");
    let trials = trials(&project);
    assert_eq!(trials.len(), 2 * CASES);
    for trial in trials {
        assert_eq!((&trial["draw"], &trial["volatile"]["reused"]), (&Value::from(2), &Value::Null), "{trial:#}");
    }
}

#[test]
fn a_run_that_was_not_recorded_is_not_gone_on_with_as_one() {
    let server = good();
    let project = project(&server);
    let _ = project.run(["gate", "suites/s", "--max-calls", "9"]).expect_code(106);
    let said = project.run(["gate", "suites/s", "--resume", "--record=all.jsonl"]).expect_code(2);
    assert!(said.stderr.contains("was started without --record"), "{}", said.stderr);
}

#[test]
fn a_refused_command_leaves_no_run() {
    let server = good();
    let project = project(&server).file("broken.jsonl", "{\"case\":\"c0\",\"outp");
    let _ = project.run(["gate", "suites/s", "--record=broken.jsonl"]).expect_code(2);
    project.write(".promptgate/cache.db", "this is no database, and long enough to be read as one".repeat(40));
    let said = project.run(["gate", "suites/s"]);
    assert_ne!(said.code, 0, "{said:?}");
    assert_eq!((runs(&project), server.count()), (Vec::new(), 0), "{}", said.stderr);
}
