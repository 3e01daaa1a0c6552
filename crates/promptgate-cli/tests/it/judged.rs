//! Judges, embeddings, moderation and programs as a suite's user meets them.

use promptgate_mock::{Play, Script, Server};
use promptgate_testkit::Project;
use serde_json::{Value, json};

const SUITE: &str = r#"
name = "judged"
prompt = "say"
[[model]]
id = "echo/any"
[[judge]]
id = "scripted/judge"
recording = "recordings/judge.jsonl"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "rubric"
name = "polite"
criteria = "It is polite."
metric = "politeness"
"#;

const JUDGE: &str = r#"
calls_log = "calls.jsonl"
answer = '{"reason": "it says please", "score": 5}'
[[rule]]
usage = { input_tokens = 100, output_tokens = 10 }
[[rule]]
contains = "\"rude"
answer = '{"reason": "it is rude", "score": 1}'
[[rule]]
case = "c"
answer = "I rather like it."
"#;

const PRICES: &str = "[prices.\"scripted/judge\"]\ninput = 10.0\noutput = 100.0\n";

fn project(cases: &[(&str, &str)]) -> Project {
    let cases: Vec<String> =
        cases.iter().map(|(id, text)| json!({"id": id, "vars": {"text": text}}).to_string()).collect();
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", format!("[provider.scripted]\nscript = \"judge.toml\"\n{PRICES}"))
        .file("judge.toml", JUDGE)
        .file("suites/judged/suite.toml", SUITE)
        .file("suites/judged/prompts/say.prompt", "{{text}}")
        .file("suites/judged/cases.jsonl", cases.join("\n") + "\n")
}

fn report(project: &Project) -> Value {
    serde_json::from_str(&project.read("out.json")).unwrap()
}

const RUN: [&str; 6] = ["run", "suites/judged", "--live", "--report", "json=out.json", "--cache=off"];

#[test]
fn a_judge_grades_and_its_cost_is_counted_apart() {
    let project = project(&[("a", "please"), ("b", "rude words"), ("c", "babble")]);
    let said = project.run(RUN).expect_code(100);
    let report = report(&project);
    assert!(report.to_string().contains("it is rude"), "{report:#}");
    // One reply for each of two, three for the one that babbles: 5 of 100 tokens in and 10 out.
    assert_eq!(report["cost"]["judge_nano_usd"], 5 * (100 * 10_000 + 10 * 100_000), "{report:#}");
    assert_eq!(report["cost"]["nano_usd"].as_u64().unwrap_or_default(), 0, "{report:#}");
    assert!(said.stdout.contains("no grade of scripted/judge in 3 replies"), "{}", said.stdout);
}

/// A gate of twenty cases, of which the judge does this with the first so many; the report, in one line.
#[track_caller]
fn judged_gate(check: &str, rule: &str, code: i32) -> String {
    let cases: Vec<(String, &str)> = (0..20).map(|number| (format!("c{number}"), "please")).collect();
    let project = project(&cases.iter().map(|(id, text)| (id.as_str(), *text)).collect::<Vec<_>>());
    let gate = format!("[gate]\nbaseline = \"say.old\"\n[[gate.check]]\n{check}\n");
    project.write("suites/judged/suite.toml", SUITE.replace("recording = ", "#") + &gate);
    project.write("suites/judged/prompts/say.old.prompt", "{{text}} ");
    project.write("judge.toml", format!("answer = '{{\"reason\": \"so\", \"score\": 5}}'\n{rule}"));
    project.write("promptgate.toml", "[provider.scripted]\nscript = \"judge.toml\"\n[retries]\nattempts = 1\n");
    let said = project.run(["gate", "suites/judged", "--no-retry"]).expect_code(code);
    said.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_judge_that_is_out_makes_a_gate_unavailable_and_one_that_babbles_does_not() {
    let rate = "metric = \"pass_rate\"\nallowed_drop = \"15pt\"";
    let metric = "metric = \"politeness\"\nallowed_drop = \"15pt\"";
    let quota = "[[rule]]\nfault = \"quota\"\nretry_after = \"6h\"\n";
    for check in [rate, metric] {
        let said = judged_gate(check, quota, 104);
        let told =
            "GATE UNAVAILABLE: 20 of 20 pairs got no grade since a judge is out; this says nothing about the prompt";
        assert!(said.starts_with(told), "{said}");
        let cause = "answers without a score: scripted/judge: scripted fault: the quota is used up (";
        assert!(said.contains(cause), "{said}");
        let room = "note: scripted/judge: scripted fault: the quota is used up; there is room again at 20";
        assert_eq!(said.matches(room).count(), 1, "{said}");
        assert!(
            said.contains("next: promptgate gate suites/judged --candidate say --baseline say.old --no-retry"),
            "{said}"
        );
    }
    let two = "[[rule]]\ncase = \"c1?\"\nfault = \"server\"\n";
    assert!(judged_gate(rate, two, 104).contains("10 of 20 pairs got no grade"));
    let few = "[[rule]]\ncase = \"c7\"\nfault = \"server\"\n";
    assert!(judged_gate(rate, few, 0).starts_with("GATE PASS"));
    for wrong in ["answer = \"I rather like it.\"", "fault = \"bad-request\"", "fault = \"credential\""] {
        let said = judged_gate(rate, &format!("[[rule]]\n{wrong}\n"), 102);
        assert!(said.starts_with("GATE INCONCLUSIVE"), "{wrong}: {said}");
    }
}

#[test]
fn grading_anew_that_is_broken_off_leaves_the_latest_run_what_it_was() {
    let project = project(&[("a", "please"), ("b", "rude words")]);
    let suite = SUITE.replace("recording = ", "#");
    project.write("suites/judged/suite.toml", &suite);
    let _ = project.run(["run", "suites/judged"]).expect_code(100);
    let runs = || {
        let id = |file: &String| Some(file.strip_prefix(".promptgate/runs/")?.strip_suffix(".jsonl")?.to_owned());
        project.files(".promptgate/runs").iter().filter_map(id).collect::<Vec<_>>()
    };
    let first = runs().remove(0);
    project.write("suites/judged/suite.toml", suite.replace("It is polite.", "It is kind."));
    let said = project.run(["score", "latest", "--max-cost", "0.000001"]).expect_code(106);
    let again = format!("grade again with: promptgate score {first} --max-cost 0.000001");
    assert!(said.stderr.contains(&again) && !said.stderr.contains("--resume"), "{}", said.stderr);
    let broken_off = runs().remove(1);
    assert!(project.run(["report", "latest"]).expect_code(100).stdout.contains(&first));
    let said = project.run(["report", &broken_off]).expect_code(106);
    assert!(said.stderr.contains(&format!("grade again with: promptgate score {first}\n")), "{}", said.stderr);
    let _ = project.run(["score", "latest"]).expect_code(100);
    let graded = runs().pop().unwrap();
    assert!(
        project.run(["report", "latest"]).expect_code(100).stdout.contains(&graded),
        "a complete one is the latest"
    );
}

#[test]
fn what_a_judge_said_is_recorded_and_replayed_without_it() {
    let project = project(&[("a", "please"), ("b", "rude words")]);
    let _ = project.run(["run", "suites/judged", "--live", "--record=all.jsonl", "--no-fail"]).expect_code(0);
    let lines = project.read("all.jsonl");
    assert_eq!(lines.matches(r#""assertion":"polite""#).count(), 2, "{lines}");
    project.write("suites/judged/recordings/judge.jsonl", lines);
    let calls = project.read("calls.jsonl").lines().count();
    // Without --live the recording answers; the judge is not called.
    let _ =
        project.run(["run", "suites/judged", "--fresh", "--cache=off", "--report", "json=out.json"]).expect_code(100);
    assert!(report(&project).to_string().contains("it is rude"));
    assert_eq!(project.read("calls.jsonl").lines().count(), calls);
    // Other criteria are another question, which nobody has answered.
    let suite = project.read("suites/judged/suite.toml").replace("It is polite.", "It is short.");
    project.write("suites/judged/suite.toml", suite);
    let said = project.run(["run", "suites/judged", "--fresh", "--cache=off"]);
    let words: Vec<&str> = said.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains("no answer to case `a` asked by assertion `polite`"), "{}", said.stdout);
}

#[test]
fn a_grade_is_kept_and_another_judge_is_asked_anew() {
    let project = project(&[("a", "please")]);
    project.write("promptgate.toml", "");
    let server = Server::start(|received| {
        let said = json!({"reason": "fine", "score": if received.json()["model"] == "kind" { 5 } else { 1 }});
        promptgate_mock::Wire::Chat.whole(&promptgate_mock::Said::text("m", &said.to_string()))
    });
    let project = project.variable("OPENAI_BASE_URL", &server.base_url()).variable("OPENAI_API_KEY", "k");
    let judge = |name: &str| {
        let suite = SUITE.replace("scripted/judge", &format!("openai/{name}")).replace("recording = ", "#");
        project.write("suites/judged/suite.toml", suite);
    };
    judge("kind");
    let run = ["run", "suites/judged"];
    let _ = project.run(run).expect_code(0);
    let _ = project.run(run).expect_code(0);
    assert_eq!(server.count(), 1, "a kept grade is not asked for again");
    judge("strict");
    let _ = project.run(run).expect_code(100);
    assert_eq!(server.count(), 2);
    judge("kind");
    let _ = project.run([run[0], run[1], "--no-run"]).expect_code(0);
    assert_eq!(server.count(), 2, "what is kept is served where no call may be made");
}

#[test]
fn a_judge_grades_by_the_probabilities_of_its_first_token() {
    let project = project(&[("a", "please"), ("b", "rude words"), ("c", "silence")]);
    let server = Server::start(|received| {
        let asked = received.json();
        let text = asked["messages"].to_string();
        // The limit has another name where the server is not OpenAI's own.
        assert_eq!((&asked["logprobs"], &asked["max_tokens"]), (&json!(true), &json!(1)), "{asked:#}");
        assert!(text.contains("A for `1`, B for `2`"), "{text}");
        let letter = if text.contains("rude") { "A" } else { "E" };
        let mut reply = json!({"model": "m", "usage": {"prompt_tokens": 100, "completion_tokens": 1},
            "choices": [{"message": {"role": "assistant", "content": letter}, "finish_reason": "length"}]});
        if !text.contains("silence") {
            let told =
                json!([{"token": letter, "logprob": -0.105_360_515_657_826_3}, {"token": " C", "logprob": -2.4}]);
            reply["choices"][0]["logprobs"] =
                json!({"content": [{"token": letter, "logprob": -0.1, "top_logprobs": told}]});
        }
        promptgate_mock::Reply::json(&reply)
    });
    let project = project
        .variable("OPENAI_BASE_URL", &server.base_url())
        .variable("OPENAI_API_KEY", "k")
        .variable("ANTHROPIC_API_KEY", "k");
    let suite =
        SUITE.replace("scripted/judge", "openai/gpt-4.1").replace("recording = ", "#") + "by = \"probabilities\"\n";
    project.write("suites/judged/suite.toml", &suite);
    let said = project.run(RUN).expect_code(100);
    let report = report(&project).to_string();
    assert!(report.contains("\"1 91%, 3 9%\""), "{report}");
    assert!(said.stdout.contains("the model did not tell the probabilities of its tokens"), "{}", said.stdout);
    // A wire that does not tell them, and grades that have no letters, are refused before anything is asked.
    let count = server.count();
    for (from, to, says) in [
        ("openai/gpt-4.1", "anthropic/claude", "token probabilities"),
        ("criteria = ", "scale = [1, 100]\ncriteria = ", "`by = \"probabilities\"` needs 2 to 12 grades"),
        ("by = \"probabilities\"", "by = \"luck\"", "unknown variant `luck`"),
    ] {
        project.write("suites/judged/suite.toml", suite.replace(from, to));
        let said = project.run(RUN).expect_code(2);
        let words: Vec<&str> = said.stderr.split_whitespace().collect();
        assert!(words.join(" ").contains(says), "{to}: {}", said.stderr);
    }
    assert_eq!(server.count(), count);
}

#[test]
fn every_wire_that_tells_probabilities_and_likeness_is_read() {
    let script = Script::parse("likely = { E = 0.6, \" C\" = 0.2, Perhaps = 0.2 }").unwrap();
    let play = Play::new(script);
    let server = Server::start(move |received| play.reply(received));
    let base = server.base_url();
    let project = project(&[("a", "please")])
        .variable("OPENAI_BASE_URL", &base)
        .variable("OPENAI_API_KEY", "k")
        .variable("GOOGLE_BASE_URL", &base)
        .variable("GOOGLE_API_KEY", "k");
    for (settings, judge, embeddings) in [
        ("", "openai/m", "openai/e"),
        ("[provider.openai]\napi = \"responses\"\n", "openai/m", "openai/e"),
        ("", "gemini/m", "gemini/e"),
    ] {
        let suite = SUITE.replace("scripted/judge", judge).replace("recording = ", "#") + "by = \"probabilities\"\n";
        let like = format!("[[assert]]\nkind = \"embedding\"\nvalue = \"please\"\nmodel = \"{embeddings}\"\n");
        project.write("suites/judged/suite.toml", suite + &like);
        project.write("promptgate.toml", settings);
        let _ = project.run(RUN.iter().chain(&["--report", "jsonl=trials.jsonl"])).expect_code(0);
        let trials = project.read("trials.jsonl");
        assert!(trials.contains("\"5 75%, 3 25%\""), "{judge}, {settings}: {trials}");
    }
    // An answer that is not like what was expected, over the wire of Gemini.
    let suite = project.read("suites/judged/suite.toml").replace("value = \"please\"", "value = \"quux 4711\"");
    project.write("suites/judged/suite.toml", suite);
    let _ = project.run(RUN).expect_code(100);
}

#[test]
fn vectors_and_moderation_come_from_their_endpoints() {
    let play = promptgate_mock::Play::new(promptgate_mock::Script::default());
    let mock = Server::start(move |received| play.reply(received));
    let project = project(&[("a", "The parcel is late."), ("b", "words of violence")])
        .variable("OPENAI_BASE_URL", &mock.base_url())
        .variable("OPENAI_API_KEY", "k");
    let suite = SUITE.split("[[assert]]").next().unwrap().replace("recording = ", "#").to_owned()
        + r#"
[[assert]]
kind = "embedding"
name = "close"
value = "The parcel is late."
model = "openai/text-embedding-3-small"
when = { id = "a" }
[[assert]]
kind = "moderation"
name = "clean"
model = "openai/omni-moderation-latest"
"#;
    project.write("suites/judged/suite.toml", suite);
    let said = project.run(RUN).expect_code(100);
    assert!(said.stdout.contains("flagged: violence"), "{}", said.stdout);
    project.write("promptgate.toml", "");
    let elsewhere = project.read("suites/judged/suite.toml").replace("openai/text-emb", "anthropic/text-emb");
    project.write("suites/judged/suite.toml", elsewhere);
    let project = project.variable("ANTHROPIC_API_KEY", "k");
    let said = project.run(RUN).expect_code(2);
    assert!(said.stderr.contains("is asked for embeddings, which its provider does not serve"), "{}", said.stderr);
}

#[test]
fn a_program_scores_only_where_it_is_allowed() {
    let project = project(&[("a", "please"), ("b", "no")]);
    let suite = SUITE.split("[[assert]]").next().unwrap().to_owned()
        + "[[assert]]\nkind = \"exec\"\nname = \"tone\"\ncommand = [\"./tone\"]\n";
    project.write("suites/judged/suite.toml", suite);
    let program = r#"#!/bin/sh
while read -r line; do
    id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9][0-9]*\)[,}].*/\1/')
    case "$line" in *please*) score=1 ;; *) score=0 ;; esac
    printf '{"id": %s, "score": %s, "reason": "heard"}\n' "$id" "$score"
done
"#;
    project.write("suites/judged/tone", program);
    std::process::Command::new("chmod").arg("+x").arg(project.path("suites/judged/tone")).status().unwrap();
    let said = project.run(RUN).expect_code(2);
    assert!(said.stderr.contains("an assertion asks the program `./tone`, and programs are off"), "{}", said.stderr);
    let allowed: Vec<&str> = RUN.into_iter().chain(["--allow-exec"]).collect();
    let _ = project.run(allowed).expect_code(100);
    assert!(report(&project).to_string().contains("heard"));
    // A project's own file cannot allow it; the user's can.
    project.write("promptgate.toml", "allow_exec = true\n");
    let _ = project.run(RUN).expect_code(2);
    project.write("promptgate.toml", "");
    std::fs::create_dir_all(project.home().join(".config/promptgate")).unwrap();
    std::fs::write(project.home().join(".config/promptgate/config.toml"), "allow_exec = true\n").unwrap();
    let _ = project.run(RUN).expect_code(100);
}

/// A judge that prefers whatever stands first where the answer is long, and else the polite answer.
const BIASED: &str = r#"
answer = '{"reason": "it stands first", "label": "first"}'
[[rule]]
contains = "\"first\":\"please\""
answer = '{"reason": "it is polite", "label": "first"}'
[[rule]]
contains = "\"second\":\"please\""
answer = '{"reason": "it is polite", "label": "second"}'
"#;

#[test]
fn how_often_a_judge_changes_its_mind_with_the_order_stands_in_run_compare_and_gate() {
    let cases = ["a", "b", "c", "d"].map(|id| (id, if id == "a" { "please" } else { "a rather long answer" }));
    let project = project(&cases);
    project.write("judge.toml", BIASED);
    let suite = SUITE.split("[[assert]]").next().unwrap().to_owned()
        + r#"
[[assert]]
kind = "prefer"
name = "nicer"
value = "No."
criteria = "Which is more polite?"
metric = "win rate"
[gate]
baseline = "say.old"
[[gate.check]]
metric = "win rate"
allowed_drop = "50pt"
"#;
    project.write("suites/judged/suite.toml", &suite);
    project.write("suites/judged/prompts/say.old.prompt", "please");
    let flips =
        "3 of 4 preferences (75%) flip with the order, 3 of them to the answer that stands first (by chance: 25%)";
    // Lines are wrapped.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = project.run(RUN).expect_code(0);
    assert!(words(&said.stdout).contains(&format!("nicer: {flips}")), "{}", said.stdout);
    let run = report(&project);
    let counts = &run["sides"][0]["both_orders"];
    let mut told = counts.clone();
    let p = told[0].as_object_mut().and_then(|told| told.remove("first_p_value")).and_then(|p| p.as_f64()).unwrap();
    assert!((p - 0.25).abs() < 1e-12, "{p}");
    let expected = json!([{"assertion": "nicer", "judged": 4, "flipped": 3, "to_first": 3, "flip_rate": 0.75}]);
    assert_eq!(told, expected, "{run:#}");
    // A flip is a tie, and the win rate a metric with its own range.
    let rate =
        run["sides"][0]["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == "win rate").unwrap();
    assert_eq!(rate["value"], (1.0 + 3.0 * 0.5) / 4.0, "{rate:#}");
    assert!(rate["interval"]["high"].as_f64() > rate["value"].as_f64(), "{rate:#}");
    // A stored run prints what the live one printed.
    let id = run["volatile"]["run"].as_str().unwrap();
    let stored = project.run(["report", id]).expect_code(0);
    assert!(words(&stored.stdout).contains(&format!("nicer: {flips}")), "{}", stored.stdout);
    for verb in ["gate", "compare"] {
        let more: &[&str] = if verb == "compare" { &["say.old", "say", "--suite"] } else { &[] };
        let args = [verb].into_iter().chain(more.iter().copied()).chain(["suites/judged", "--live", "--cache=off"]);
        let said = project.run(args.chain(["--report", "terminal", "--report", "json=out.json"]));
        let text = words(&said.stdout);
        assert!(text.contains(&format!("nicer on the candidate: {flips}")), "{verb}: {text} {}", said.stderr);
        assert!(text.contains("nicer on the baseline: none of 4 preferences flips with the order"), "{verb}: {text}");
        assert_eq!(report(&project)["comparisons"][0]["candidate"]["both_orders"], *counts);
    }
}
