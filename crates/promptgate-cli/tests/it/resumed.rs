//! A run that was broken off and is gone on with: what was answered is not asked again, and what it was started as it stays.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use promptgate_mock::{Reply, Said, Server, Tokens, Wire};
use promptgate_testkit::{Output, Project};
use serde_json::Value;

const CASES: usize = 10;

/// Two versions of one prompt, ten cases each.
pub fn project(server: &Server) -> Project {
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

/// Answers all alike, at equal tokens.
pub fn good() -> Server {
    let tokens = Tokens { input: 20, output: 10, ..Tokens::default() };
    Server::start(move |_| Wire::Chat.whole(&Said { tokens, ..Said::text("m", "a") }))
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
    let said = project.run(["gate", "suites/s", "--fresh", "--max-calls", "8"]).expect_code(106);
    assert!(said.stderr.contains("--resume="), "{}", said.stderr);
    project.write("promptgate.toml", "[prices.\"openai/m\"]\ninput = 0.0\noutput = 1000.0\n");
    let said = project.run(["gate", "suites/s", "--resume"]);
    assert!(said.stderr.contains("12 calls to be made, 8 answers are there; about $0.1200"), "{}", said.stderr);
    assert_eq!(server.count(), 4 * CASES, "every trial is drawn anew, once");
    let trials = trials(&project);
    assert_eq!(trials.len(), 2 * CASES);
    for trial in trials {
        assert_eq!((&trial["draw"], &trial["volatile"]["reused"]), (&Value::from(2), &Value::Null), "{trial:#}");
    }
}

/// Runs a command as a shell does, so that its quotes count.
fn typed(project: &Project, command: &str) -> Output {
    let command = command.replacen("promptgate", env!("CARGO_BIN_EXE_promptgate"), 1);
    project.run(["-c", &command])
}

/// The first command that a report says to run next.
fn next(said: &Output) -> String {
    let line = said.stdout.lines().find_map(|line| line.strip_prefix("next: ")).unwrap_or_default();
    line.split("   (").next().unwrap_or_default().to_owned()
}

#[test]
fn after_an_outage_the_command_to_run_next_is_the_one_that_was_run() {
    let is_out = Arc::new(AtomicBool::new(true));
    let outage = is_out.clone();
    let server = Server::start(move |received| {
        let of_candidate = received.json().to_string().contains(" new");
        let is_out = of_candidate && outage.load(Ordering::Relaxed);
        if is_out { Wire::Chat.error(503, "down", "down") } else { Wire::Chat.whole(&Said::text("m", "a")) }
    });
    let project = project(&server).binary("sh");
    let models = "recording = \"m.jsonl\"\n[[model]]\nid = \"openai/other\"\n[cases]";
    project.write("suites/s/suite.toml", project.read("suites/s/suite.toml").replace("[cases]", models));
    let flags = "--model m --filter '!id=c9' --trials 2 --max-calls 500 --no-retry --live";
    let said = typed(&project, &format!("promptgate gate suites/s --fresh --yes {flags}")).expect_code(104);
    let again = "promptgate gate suites/s --candidate say --baseline say.old --model m --filter '!id=c9' --trials 2 \
        --max-calls 500 --live --no-retry";
    assert_eq!(next(&said), again, "{}", said.stdout);
    assert_eq!(next(&typed(&project, "promptgate report").expect_code(104)), again, "the stored run says the same");
    is_out.store(false, Ordering::Relaxed);
    let before = server.count();
    let said = typed(&project, again);
    assert!(said.stdout.contains("this run: 18 calls, 18 reused"), "{}", said.stdout);
    assert_eq!(server.count() - before, 18, "only what got no answer is asked");
}

#[test]
fn a_part_says_to_ask_for_that_part_again_and_joined_parts_for_all() {
    let is_out = Arc::new(AtomicBool::new(true));
    let outage = is_out.clone();
    let server = Server::start(move |_| {
        let is_out = outage.load(Ordering::Relaxed);
        if is_out { Wire::Chat.error(503, "down", "down") } else { Wire::Chat.whole(&Said::text("m", "a")) }
    });
    let project = project(&server).binary("sh");
    let part = |part: u32| {
        let said = typed(&project, &format!("promptgate run suites/s --no-retry --partition slice:{part}/2"));
        (next(&said), said.expect_code(104))
    };
    let (again, _) = part(1);
    assert_eq!(again, "promptgate run suites/s --candidate say --partition slice:1/2 --no-retry");
    let _ = part(2);
    let joined = typed(&project, &format!("promptgate report --merge {}", runs(&project).join(" "))).expect_code(104);
    assert_eq!(next(&joined), "promptgate run suites/s --candidate say --no-retry", "{}", joined.stdout);
    is_out.store(false, Ordering::Relaxed);
    let before = server.count();
    let _ = typed(&project, &again).expect_code(0);
    assert_eq!(server.count() - before, CASES / 2, "the other part is not asked");
}

#[test]
fn a_complete_run_is_not_gone_on_with_and_says_what_asks_for_the_answers_that_it_lacks() {
    let is_out = Arc::new(AtomicBool::new(true));
    let outage = is_out.clone();
    let server = Server::start(move |received| {
        let is_out = received.json().to_string().contains("1 new") && outage.load(Ordering::Relaxed);
        if is_out { Wire::Chat.error(503, "down", "down") } else { Wire::Chat.whole(&Said::text("m", "a")) }
    });
    let project = project(&server).binary("sh");
    let said = typed(&project, "promptgate run suites/s --no-retry").expect_code(104);
    let again = "promptgate run suites/s --candidate say --no-retry";
    assert_eq!(next(&said), again, "{}", said.stdout);
    is_out.store(false, Ordering::Relaxed);
    let before = server.count();
    let said = typed(&project, "promptgate run suites/s --no-retry --resume").expect_code(104);
    let told =
        " is complete, though 1 of 10 trials got no answer; ask for these with: promptgate run suites/s --no-retry\n";
    assert!(said.stderr.contains(told), "{}", said.stderr);
    assert_eq!(server.count(), before);
    let _ = typed(&project, again).expect_code(0);
    assert_eq!(server.count() - before, 1, "only what got no answer is asked");
    let said = typed(&project, "promptgate run suites/s --no-retry --resume").expect_code(0);
    assert!(said.stderr.contains(" is complete: nothing is left to be asked\n"), "{}", said.stderr);
}

#[test]
fn cases_that_failed_before_a_resume_count_too() {
    let server = Server::start(|_| Wire::Chat.whole(&Said::text("m", "no")));
    let project = project(&server);
    let _ = project.run(["run", "suites/s", "--max-calls", "4", "--concurrency", "1"]).expect_code(106);
    let said = project.run(["run", "suites/s", "--resume", "--max-fail", "4"]).expect_code(100);
    assert!(said.stdout.contains("4 failed, 6 skipped"), "{}", said.stdout);
    assert_eq!(server.count(), 4);
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
fn a_recorded_run_is_gone_on_with_into_the_recording_it_was_started_with() {
    let server = good();
    let project = project(&server);
    let suite = project.read("suites/s/suite.toml");
    project.write("suites/s/suite.toml", suite.replace("[cases]", "recording = \"m.jsonl\"\n[cases]"));
    let start = |record: &str| {
        let _ = project.run(["gate", "suites/s", "--live", record, "--fresh", "--max-calls", "9"]).expect_code(106);
    };
    let refused = |more: &[&str], says: &str| {
        let said = project.run(["gate", "suites/s", "--live", "--resume"].iter().chain(more)).expect_code(2);
        assert!(said.stderr.contains(says), "{}", said.stderr);
    };
    start("--record=all.jsonl");
    refused(&["--record"], "was started with --record=all.jsonl");
    refused(&["--record=other.jsonl"], "go on with --record=all.jsonl");
    refused(&[], "was started with --record=all.jsonl");
    let _ = project.run(["gate", "suites/s", "--live", "--resume", "--record=./all.jsonl"]);
    assert_eq!(project.read("all.jsonl").lines().count(), 2 * CASES);
    // One that has come to its end is only told once more.
    assert_ne!(project.run(["gate", "suites/s", "--live", "--resume"]).code, 2);
    start("--record");
    refused(&["--record=all.jsonl"], "was started with --record, and");
}

#[test]
fn a_refused_command_leaves_no_run() {
    let server = good();
    let project = project(&server).file("broken.jsonl", "{\"case\":\"c0\",\"outp");
    let _ = project.run(["gate", "suites/s", "--record=broken.jsonl"]).expect_code(2);
    project.write(".promptgate/cache.db", "this is no database, and long enough to be read as one".repeat(40));
    let said = project.run(["gate", "suites/s", "--no-run"]);
    assert_ne!(said.code, 0, "{said:?}");
    assert_eq!((runs(&project), server.count()), (Vec::new(), 0), "{}", said.stderr);
}

#[test]
fn a_recording_that_is_refused_leaves_nothing_of_the_others() {
    let server = good();
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"openai/m\"\nrecording = \"m.jsonl\"\n\
        [[model]]\nid = \"openai/n\"\nrecording = \"n.jsonl\"\n[cases]\nfile = \"cases.jsonl\"\n\
        [[assert]]\nkind = \"contains\"\nvalue = \"a\"\n";
    let project =
        project(&server).file("suites/s/suite.toml", suite).file("suites/s/n.jsonl", "{\"case\":\"c0\",\"outp");
    let _ = project.run(["run", "suites/s", "--record"]).expect_code(2);
    assert_eq!((project.files(".promptgate/runs"), server.count()), (Vec::new(), 0));
}

/// One version that a judge grades; whoever asks is known by the model's name.
fn judged(server: &Server, cases: usize) -> Project {
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"openai/m\"\nconfig = { maxOutputTokens = 100 }\n\
        [[judge]]\nid = \"openai/judge\"\n[cases]\nfile = \"cases.jsonl\"\n\
        [[assert]]\nkind = \"rubric\"\ncriteria = \"It is polite.\"\n";
    let cases: String = (0..cases).map(|n| format!("{{\"id\":\"c{n}\",\"vars\":{{\"text\":\"{n}\"}}}}\n")).collect();
    project(server).file("suites/s/suite.toml", suite).file("suites/s/cases.jsonl", cases)
}

/// A model that answers at once and its judge; the requests to each are counted.
fn with_judge(asked: &Arc<[AtomicU64; 2]>, judge_takes: Duration) -> Server {
    let asked = asked.clone();
    Server::start(move |received| {
        let is_judge = received.json()["model"] == "judge";
        asked[usize::from(is_judge)].fetch_add(1, Ordering::Relaxed);
        let said = if is_judge { "{\"reason\": \"it is\", \"score\": 5}" } else { "please" };
        let reply = Wire::Chat.whole(&Said::text("m", said));
        if is_judge { reply.after(judge_takes) } else { reply }
    })
}

/// The trials of the newest run that are answered and not settled.
fn begun(project: &Project) -> usize {
    runs(project).pop().map_or(0, |run| project.read(&run).matches("\"begun\":{").count())
}

fn wait_for(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn answers_that_wait_for_a_judge_are_not_paid_for_again_whatever_ends_the_run() {
    let asked = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let server = with_judge(&asked, Duration::from_secs(60));
    let project = judged(&server, 40);
    let run = ["run", "suites/s", "--cache=read", "--concurrency=4"];
    for (times, signal) in ["-KILL", "-INT", "-KILL"].into_iter().enumerate() {
        let resume = ["--resume"].into_iter().filter(|_| times > 0);
        let mut child = project.spawn(run.into_iter().chain(resume));
        let judges = asked[1].load(Ordering::Relaxed);
        wait_for(|| begun(&project) == 40 && asked[1].load(Ordering::Relaxed) > judges);
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let _ = child.wait().unwrap();
        assert_eq!((asked[0].load(Ordering::Relaxed), begun(&project)), (40, 40), "after {signal}");
    }
    let mut another = project.spawn(run);
    let judges = asked[1].load(Ordering::Relaxed);
    wait_for(|| asked[1].load(Ordering::Relaxed) > judges);
    another.kill().unwrap();
    let _ = another.wait().unwrap();
    assert_eq!(asked[0].load(Ordering::Relaxed), 40, "another run of the same plan takes them over");
}

/// One run, one set of steps: those that a judge wrote before it was broken off, also where no cache holds them.
#[test]
fn the_steps_that_a_run_was_graded_by_are_those_of_its_resume() {
    let steps = Arc::new(AtomicU64::new(0));
    let counted = steps.clone();
    let server = Server::start(move |received| {
        let text = String::from_utf8_lossy(&received.body).into_owned();
        let said = if text.contains("No answer is graded yet") {
            format!("{{\"items\": [\"look at it, way {}\"]}}", counted.fetch_add(1, Ordering::Relaxed))
        } else if text.contains("You grade an answer") {
            assert!(text.contains("look at it, way 0"), "{text}");
            "{\"reason\": \"it is\", \"score\": 5}".to_owned()
        } else {
            "please".to_owned()
        };
        Wire::Chat.whole(&Said::text("m", &said))
    });
    let project = judged(&server, 6);
    let suite = project.read("suites/s/suite.toml").replace("\"rubric\"", "\"steps-rubric\"");
    project.write("suites/s/suite.toml", suite);
    let run = ["run", "suites/s", "--cache=off", "--concurrency=1"];
    let _ = project.run(run.into_iter().chain(["--max-calls=9"])).expect_code(106);
    assert_eq!(steps.load(Ordering::Relaxed), 1);
    let again = || run.into_iter().chain(["--resume"]);
    let _ = project.run(again().chain(["--max-calls=2"])).expect_code(106);
    let _ = project.run(again()).expect_code(0);
    assert_eq!((steps.load(Ordering::Relaxed), server.count()), (1, 6 + 6 + 1));
}

#[test]
fn a_budget_of_calls_is_enough_in_the_end_where_a_judge_is_asked() {
    let asked = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let server = with_judge(&asked, Duration::ZERO);
    let project = judged(&server, 11);
    let run = ["run", "suites/s", "--cache=off", "--max-calls=9"];
    let _ = project.run(run).expect_code(106);
    let _ = project.run(run.into_iter().chain(["--resume"])).expect_code(106);
    let _ = project.run(run.into_iter().chain(["--resume"])).expect_code(0);
    assert_eq!(
        (asked[0].load(Ordering::Relaxed), asked[1].load(Ordering::Relaxed)),
        (11, 11),
        "nothing is paid for twice"
    );
    let trials = trials(&project);
    assert_eq!(trials.len(), 11);
    assert!(trials.iter().all(|trial| trial["volatile"]["attempts"] == 2), "{trials:#?}");
}

#[test]
fn what_was_paid_before_a_budget_was_spent_is_on_record() {
    let server = Server::start(|received| match received.number {
        // It costs $3, and says nothing that can be read.
        1 => {
            let tokens = Tokens { input: 1_000_000, output: 0, ..Tokens::default() };
            let said = Wire::Chat.whole(&Said { tokens, ..Said::text("m", "a") });
            let mut body: Value = serde_json::from_slice(said.body()).unwrap();
            body["choices"] = Value::Array(Vec::new());
            Reply::json(&body)
        }
        _ => Wire::Chat.whole(&Said::text("m", "a")),
    });
    let project = project(&server)
        .file("promptgate.toml", "[retries]\nfirst_wait = \"1ms\"\n[prices.\"openai/m\"]\ninput = 3.0\noutput = 1.0\n")
        .file("suites/s/cases.jsonl", "{\"id\":\"c\",\"vars\":{\"text\":\"1\"}}\n");
    let _ = project.run(["run", "suites/s", "--max-cost=2"]).expect_code(106);
    let output = project.run(["run", "suites/s", "--resume", "--report", "json=out.json"]);
    assert!(output.stdout.contains("this run: 2 calls, 0 reused; failed attempts: $3.00\n"), "{}", output.stdout);
    let volatile = &trials(&project)[0]["volatile"];
    assert_eq!((&volatile["attempts"], &volatile["wasted"]), (&Value::from(2), &Value::from(3_000_000_000_u64)));
    assert_eq!(server.count(), 2);
}

#[test]
fn no_key_is_needed_where_nothing_is_called() {
    let server = good();
    let settings = "[provider.openai]\nkey_env = \"MY_KEY\"\n";
    let project = project(&server).file("promptgate.toml", settings).variable("MY_KEY", "k");
    let _ = project.run(["gate", "suites/s"]);
    let calls = server.count();
    let project = project.variable("MY_KEY", "");
    for words in [&["gate", "suites/s", "--no-run"][..], &["gate", "suites/s"]] {
        let said = project.run(words);
        assert!([0, 100, 102].contains(&said.code), "{said:?}");
    }
    assert_eq!(server.count(), calls);
    let _ = project.run(["check", "suites/s"]).expect_code(0);
    let said = project.run(["gate", "suites/s", "--fresh"]).expect_code(77);
    assert!(said.stderr.contains("MY_KEY is not set"), "{}", said.stderr);
    assert_eq!((server.count(), runs(&project).len()), (calls, 3), "refused before anything began");
    project.write("suites/s/prompts/say.prompt", "{{text}} newer");
    let _ = project.run(["check", "suites/s"]).expect_code(77);
}

#[test]
fn what_the_cache_held_is_told_alike_before_a_run_and_after_it() {
    let server = good();
    let project = project(&server);
    let run = ["run", "suites/s"];
    let _ = project.run(run).expect_code(0);
    std::fs::remove_dir_all(project.path(".promptgate/runs")).unwrap();
    let said = project.run(run).expect_code(0);
    assert!(said.stderr.contains("0 calls, 10 reused"), "{}", said.stderr);
    assert!(said.stdout.contains("this run: 0 calls, 10 reused"), "{}", said.stdout);
    assert_eq!(server.count(), CASES);
}
