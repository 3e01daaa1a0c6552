//! The scripted double: the same answers for the same seed, whatever the order.

use std::collections::BTreeMap;
use std::time::Duration;

use promptgate_core::answer::{FailureKind, FinishReason};
use promptgate_core::message::{Message, Role};
use promptgate_core::name::PromptId;
use promptgate_core::request::{Origin, Request};
use promptgate_provider::Answerer;
use tokio::time::Instant;

use crate::support::{World, ask, failure, request, response};

fn check(script: &str, request: Request, expected: &str) {
    let world = World::scripted(script);
    assert_eq!(response(ask(&world.answerer("scripted/m"), request)).output, expected, "{script}");
}

fn asked(case: &str, text: &str) -> Request {
    request("scripted/m", case, text)
}

fn of_variant(request: Request, prompt: &str) -> Request {
    let case = request.origin.case().clone();
    Request { origin: Origin::Trial { prompt: PromptId::new(prompt).unwrap(), case }, ..request }
}

#[test]
fn an_answer_is_a_template_over_the_request_that_is_filled_in_once() {
    check("answer = \"{{case}} {{prompt}} {{model}} {{repeat}}\"", asked("a", "x"), "a triage scripted/m 1");
    check("answer = \"<{{input}}>\"", asked("a", "{{case}}"), "<{{case}}>");
    check("answer = '{\"a\": {\"b\": {{repeat}}}}'", asked("a", "x"), "{\"a\": {\"b\": 1}}");
    check("answer = '{{\"a\": 1}}'", asked("a", "x"), "{{\"a\": 1}}");
    let request = asked("a", "x");
    let digest = request.digest.to_string();
    check("answer = \"{{digest}}\"", request, &digest);
    check("", asked("a", "x"), "");
}

#[test]
fn the_first_rule_that_fits_and_speaks_decides_each_thing() {
    let script = "answer = \"default\"\n[[rule]]\ncase = \"vip-*\"\nanswer = \"vip\"\n[[rule]]\ncontains = \"refund\"\n\
                  answer = \"money\"\nfinish_reason = \"length\"\n[[rule]]\nprompt = \"triage.*\"\nanswer = \"variant\"\n";
    check(script, asked("x", "hello"), "default");
    check(script, asked("vip-1", "refund"), "vip");
    check(script, asked("x", "a refund please"), "money");
    check(script, of_variant(asked("x", "hello"), "triage.cot"), "variant");
    let answered = response(ask(&World::scripted(script).answerer("scripted/m"), asked("vip-1", "refund")));
    assert_eq!(
        answered.finish_reason,
        FinishReason::Length,
        "the answer is of the first rule, the reason of the second"
    );
}

#[test]
fn rules_look_at_the_last_user_message_the_model_and_the_repeat() {
    let mut request = asked("a", "first");
    request.body.messages.push(Message::text(Role::User, "last"));
    check(
        "[[rule]]\ncontains = \"first\"\nanswer = \"no\"\n[[rule]]\ncontains = \"last\"\nanswer = \"yes\"",
        request,
        "yes",
    );
    let script = "[[rule]]\nrepeat = 2\nanswer = \"second\"\n[[rule]]\nmodel = \"scripted/*\"\nanswer = \"first\"";
    check(script, asked("a", "x"), "first");
    check(script, Request { repeat: 2, ..asked("a", "x") }, "second");
}

#[test]
fn usage_and_the_returned_model_are_as_the_script_says() {
    let script = "[[rule]]\nusage = { input_tokens = 5, output_tokens = 3 }\nreturned_model = \"m-2\"";
    let answered = response(ask(&World::scripted(script).answerer("scripted/m"), asked("a", "x")));
    let usage = answered.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (5, 3));
    assert_eq!(answered.returned_model.as_deref(), Some("m-2"));
    assert_eq!(answered.cost, None, "nobody knows what a scripted token costs");
}

/// Which of 1,000 cases fall under a rule of a share, asked in some order.
fn fallen(seed: u64, order: impl Iterator<Item = usize>) -> BTreeMap<usize, bool> {
    let script = format!("seed = {seed}\nanswer = \"0\"\n[[rule]]\nshare = 0.3\nanswer = \"1\"");
    let answerer = World::scripted(&script).answerer("scripted/m");
    order.map(|case| (case, response(ask(&answerer, asked(&format!("c{case}"), "x"))).output == "1")).collect()
}

#[test]
fn a_share_is_drawn_by_seed_case_and_repeat_whatever_the_order() {
    let forwards = fallen(7, 0..1_000);
    assert_eq!(forwards, fallen(7, (0..1_000).rev()));
    assert_ne!(forwards, fallen(8, 0..1_000));
    let hit = forwards.values().filter(|hit| **hit).count();
    assert!((250..350).contains(&hit), "{hit} of 1,000 at a share of 0.3");
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_as_long_as_it_reports_unless_told_not_to_sleep() {
    for (head, slept) in [("", true), ("sleep = false\n", false)] {
        let script = format!("{head}[[rule]]\nlatency = [\"20ms\", \"900ms\"]");
        let answerer = World::scripted(&script).answerer("scripted/m");
        let started = Instant::now();
        let reported = response(answerer.answer(asked("a", "x")).await).latency_ms.unwrap();
        assert!((20..=900).contains(&reported));
        assert_eq!(started.elapsed() >= Duration::from_millis(reported), slept);
        assert_eq!(
            response(answerer.answer(asked("a", "x")).await).latency_ms,
            Some(reported),
            "the same case, the same time"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_latency_beyond_the_models_timeout_is_the_models_failure() {
    let world = World::scripted("[[rule]]\nlatency = \"1m\"").retrying(5);
    let started = Instant::now();
    let answer = world.answerer("scripted/m").answer(asked("a", "x")).await;
    assert_eq!((started.elapsed().as_secs(), answer.attempts), (2, 1));
    assert_eq!(failure(answer).kind, FailureKind::ModelTimeout);
}

#[tokio::test(start_paused = true)]
async fn every_started_call_is_one_line_of_the_calls_log() {
    let script = "calls_log = \"calls.jsonl\"\n[[rule]]\ncase = \"a\"\nfault = \"server\"\nfault_times = 2";
    let world = World::scripted(script).retrying(5);
    let answerer = world.answerer("scripted/m");
    assert_eq!(answerer.answer(asked("a", "x")).await.attempts, 3);
    answerer.answer(Request { repeat: 2, ..asked("b", "x") }).await.result.unwrap();
    let log = std::fs::read_to_string(world.root.path().join("calls.jsonl")).unwrap();
    let digest = asked("a", "x").digest.hex();
    let tokens: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["token"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        tokens,
        [format!("{digest}:1:1"), format!("{digest}:1:2"), format!("{digest}:1:3"), format!("{digest}:2:1")]
    );
}

fn error(script: &str) -> String {
    World::scripted(script).build("scripted/m").err().unwrap().to_string()
}

#[test]
fn a_mistake_in_a_script_is_shown_at_its_place() {
    insta::assert_snapshot!(error("sede = 7"), @"script.toml:1:1: unknown field `sede`, expected one of `seed`, `answer`, `sleep`, `calls_log`, `rule`");
    insta::assert_snapshot!(error("[[rule]]\nanser = \"x\""), @"script.toml:2:1: unknown field `anser`, expected one of `case`, `prompt`, `model`, `contains`, `repeat`, `share`, `answer`, `latency`, `usage`, `finish_reason`, `returned_model`, `fault`, `fault_times`, `retry_after`");
    insta::assert_snapshot!(error("[[rule]]\nshare = 1.5"), @"script.toml:2:9: a share lies in 0 to 1");
    insta::assert_snapshot!(error("[[rule]]\nlatency = \"fast\""), @r#"script.toml:2:11: `fast` is not a duration; write "50ms", "2s" or "1m""#);
    insta::assert_snapshot!(error("[[rule]]\nlatency = [\"2s\", \"1s\"]"), @"script.toml:2:11: a latency's range ends before it begins");
    insta::assert_snapshot!(error("[[rule]]\nfault = \"fire\""), @"script.toml:2:9: unknown variant `fire`, expected one of `connection`, `rate-limit`, `quota`, `server`, `credential`, `bad-request`, `model-timeout`");
    insta::assert_snapshot!(error("[[rule]]\ncase = \"[\""), @"script.toml:2:8: error parsing glob '[': unclosed character class; missing ']'");
    insta::assert_snapshot!(error("answer = \"{{cse}}\""), @"script.toml:1:10: `{{cse}}` stands for nothing in an answer; did you mean `case`?");
    insta::assert_snapshot!(error("calls_log = \"../calls.jsonl\""), @"`calls_log`: `../calls.jsonl` leaves the project: `..` is not allowed");
}

#[test]
fn two_scripts_are_two_sources() {
    let source = |script: &str| {
        let model = promptgate_core::name::ModelId::new("scripted/m").unwrap();
        World::scripted(script).build("scripted/m").unwrap().source(&model).unwrap()
    };
    assert_eq!(source("seed = 1"), source("seed = 1"));
    assert_ne!(source("seed = 1"), source("seed = 2"));
    assert!(source("seed = 1").starts_with("scripted:sha256:"));
}
