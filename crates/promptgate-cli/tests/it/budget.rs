//! Budgets as a comparison meets them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use promptgate_mock::{Delivery, Reply, Said, Server, Tokens, Wire};
use promptgate_testkit::Project;
use serde_json::{Value, json};

fn project(server: &Server) -> Project {
    let suite = "name = \"two\"\nprompt = \"say\"\n[[model]]\nid = \"openai/gpt-4.1\"\nconfig = { maxOutputTokens = 100 }\n[cases]\nfile = \"cases.jsonl\"\n\
        [[assert]]\nkind = \"contains\"\nvalue = \"a\"\n[gate]\nbaseline = \"say.old\"\n\
        [[gate.check]]\nmetric = \"pass_rate\"\nallowed_drop = 0.05\n";
    let cases: String = (0..60).map(|n| format!("{{\"id\":\"c{n}\",\"vars\":{{\"text\":\"{n}\"}}}}\n")).collect();
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "[retries]\nfirst_wait = \"1ms\"\n")
        .file("suites/two/suite.toml", suite)
        .file("suites/two/prompts/say.prompt", "{{text}} new")
        .file("suites/two/prompts/say.old.prompt", "{{text}} old")
        .file("suites/two/cases.jsonl", &cases)
        .variable("OPENAI_BASE_URL", &server.base_url())
        .variable("OPENAI_API_KEY", "k")
}

/// The trials in the one run file, as JSON.
fn trials(project: &Project) -> Vec<Value> {
    let files = project.files(".promptgate/runs");
    let run = files.iter().find(|file| file.ends_with(".jsonl")).unwrap_or_else(|| panic!("{files:?}"));
    let lines = project.read(run);
    let of_line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["trial"].take();
    lines.lines().map(of_line).filter(Value::is_object).collect()
}

#[test]
fn a_spent_budget_leaves_whole_pairs() {
    let count = AtomicU64::new(0);
    let server = Server::start(move |_| {
        // Answers come back in another order than they were asked for.
        let after = count.fetch_add(1, Ordering::Relaxed) * 7919 % 23;
        let tokens = Tokens { input: 20, output: 10, ..Tokens::default() };
        Wire::Chat.whole(&Said { tokens, ..Said::text("m", "a") }).after(Duration::from_millis(after))
    });
    let project = project(&server);
    for (flag, most) in
        [("--max-calls", "36"), ("--max-calls", "37"), ("--max-tokens", "2000"), ("--max-tokens", "2345")]
    {
        let said = project.run(["gate", "suites/two", "--fresh", "--cache=off", flag, most]).expect_code(106);
        assert!(said.stderr.contains("INCOMPLETE"), "{}", said.stderr);
        let mut sides: BTreeMap<String, u32> = BTreeMap::new();
        let answered = trials(&project).into_iter().filter(|trial| trial["response"].is_object());
        answered.for_each(|trial| *sides.entry(trial["case"]["id"].to_string()).or_default() += 1);
        let halves = sides.values().filter(|sides| **sides == 1).count();
        assert!(halves <= 1 && sides.len() > 10, "{flag} {most}: {halves} of {}", sides.len());
        std::fs::remove_dir_all(project.path(".promptgate/runs")).unwrap();
    }
}

#[test]
fn a_spent_budget_says_why_the_next_case_did_not_fit() {
    let tokens = Tokens { input: 20, output: 10, ..Tokens::default() };
    let server = Server::start(move |_| Wire::Chat.whole(&Said { tokens, ..Said::text("m", "a") }));
    let project = project(&server);
    let told = |flag: &str, most: &str, why: &str| {
        let said = project.run(["gate", "suites/two", "--fresh", "--cache=off", flag, most]).expect_code(106);
        assert!(said.stderr.contains(why), "{}", said.stderr);
    };
    told("--max-calls", "36", "the budget of 36 calls is spent: 36 were made; ");
    let together = "the 2 calls of the next case, which are made together or not at all,";
    told("--max-calls", "37", &format!("the budget of 37 calls is spent: 36 went, and {together} do not fit; "));
    told("--max-tokens", "2000", &format!(" tokens went, and {together} may take "));
}

#[test]
fn a_budget_keeps_no_room_for_answers_that_are_there() {
    let server = Server::start(|_| Wire::Chat.whole(&Said::text("m", "a")));
    let project = project(&server);
    let _ = project.run(["run", "suites/two", "--candidate", "say.old", "--cache=off"]).expect_code(0);
    let before = server.count();
    let said = project.run(["gate", "suites/two", "--cache=off", "--max-calls", "1"]).expect_code(106);
    assert_eq!(server.count() - before, 1, "{}", said.stderr);
    // As many as there are to be made: the gate comes to its end.
    let said = project.run(["gate", "suites/two", "--cache=off", "--max-calls", "60"]);
    assert!(!said.stderr.contains("the budget of"), "{}", said.stderr);
    assert_eq!(server.count() - before, 60, "{}", said.stderr);
}

#[test]
fn a_call_whose_reply_was_lost_is_counted() {
    let server = Server::start(|received| {
        let reply = Wire::Chat.whole(&Said::text("m", "a"));
        match received.number % 2 {
            // The work is done, and nobody hears of it.
            0 => reply.delivered(Delivery::Hangup),
            _ => reply,
        }
    });
    let project = project(&server);
    let _ = project.run(["gate", "suites/two", "--cache=off", "--report", "json=out.json"]);
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    assert_eq!(report["volatile"]["attempts"], server.count() as u64, "no call is left out");
}

#[test]
fn counts_that_no_number_holds_are_the_largest_there_is() {
    let server = Server::start(|_| {
        let usage = json!({"prompt_tokens": u64::MAX - 1, "completion_tokens": u64::MAX - 1, "total_tokens": 7});
        let choice = json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a"}});
        Reply::json(&json!({"object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}))
    });
    let project = project(&server);
    let run = ["run", "suites/two", "--cache=off", "--report", "json=out.json", "--report", "terminal"];
    let _ = project.run(run).expect_code(0);
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    assert_eq!(report["cost"]["input_tokens"], u64::MAX, "{report:#}");
    let _ = project.run(["run", "suites/two", "--fresh", "--cache=off", "--max-tokens", "100000"]).expect_code(106);
}
