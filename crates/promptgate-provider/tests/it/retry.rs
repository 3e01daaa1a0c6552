//! Retries, on a clock that stands still until somebody waits.

use std::time::Duration;

use promptgate_core::answer::FailureKind;
use promptgate_core::event::Event;
use promptgate_provider::{Answerer, RetryPolicy};
use tokio::time::Instant;

use crate::support::{World, request};

/// The attempts that an answer counts and the kind of failure it ends in, under five attempts at most.
async fn check(script: &str, expected: (u32, Option<FailureKind>)) {
    let world = World::scripted(script).retrying(5);
    let answer = world.answerer("scripted/m").answer(request("scripted/m", "a", "hello")).await;
    assert_eq!((answer.attempts, answer.result.err().map(|failure| failure.kind)), expected, "{script}");
    assert_eq!(world.waits().len() as u32, expected.0 - 1, "each attempt but the first is announced: {script}");
}

#[tokio::test(start_paused = true)]
async fn only_what_may_pass_by_itself_is_tried_again() {
    for kind in ["connection", "rate-limit", "server"] {
        check(&format!("[[rule]]\nfault = \"{kind}\"\nfault_times = 3"), (4, None)).await;
    }
    check("[[rule]]\nfault = \"connection\"", (5, Some(FailureKind::Connection))).await;
    check("[[rule]]\nfault = \"quota\"", (1, Some(FailureKind::Quota))).await;
    check("[[rule]]\nfault = \"credential\"", (1, Some(FailureKind::Credential))).await;
    check("[[rule]]\nfault = \"bad-request\"", (1, Some(FailureKind::BadRequest))).await;
    check("[[rule]]\nfault = \"model-timeout\"", (1, Some(FailureKind::ModelTimeout))).await;
}

#[tokio::test(start_paused = true)]
async fn waits_double_with_jitter_and_are_the_same_on_every_run() {
    let run = async || {
        let world = World::scripted("[[rule]]\nfault = \"server\"").retrying(9);
        let started = Instant::now();
        world.answerer("scripted/m").answer(request("scripted/m", "a", "hello")).await;
        assert_eq!(started.elapsed().as_secs(), world.waits().iter().sum::<Duration>().as_secs());
        world.waits()
    };
    let waits = run().await;
    assert_eq!(waits, run().await);
    for (wait, longest) in waits.iter().zip([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]) {
        assert!((longest / 2.0..=longest).contains(&wait.as_secs_f64()), "{wait:?} of {longest} s");
    }
}

/// A rate limit that asks for a wait, and the range of seconds that is waited.
async fn check_asked(retry_after: &str, expected: std::ops::Range<f64>) {
    let script = format!("[[rule]]\nfault = \"rate-limit\"\nfault_times = 1\nretry_after = \"{retry_after}\"");
    let world = World::scripted(&script).retrying(2);
    world.answerer("scripted/m").answer(request("scripted/m", "a", "hello")).await.result.unwrap();
    let waited = world.waits()[0].as_secs_f64();
    assert!(expected.contains(&waited), "asked for {retry_after}, waited {waited}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_how_long_is_obeyed_up_to_a_cap() {
    check_asked("7s", 7.0..7.5).await;
    check_asked("0s", 0.0..0.5).await;
    check_asked("60m", 120.0..120.5).await;
}

#[tokio::test(start_paused = true)]
async fn without_retries_there_is_one_attempt() {
    let mut world = World::scripted("[[rule]]\nfault = \"connection\"\nfault_times = 1");
    world.retry = RetryPolicy::none();
    let answer = world.answerer("scripted/m").answer(request("scripted/m", "a", "hello")).await;
    assert_eq!((answer.attempts, answer.result.is_err()), (1, true));
    assert!(world.events.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_announced_with_its_reason_before_the_wait() {
    let world = World::scripted("[[rule]]\nfault = \"rate-limit\"\nfault_times = 1").retrying(3);
    world.answerer("scripted/m").answer(request("scripted/m", "a", "hello")).await.result.unwrap();
    let events = world.events.lock().unwrap();
    let [Event::Retrying { model, attempt, reason, .. }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((model.to_string().as_str(), *attempt), ("scripted/m", 2));
    assert_eq!(reason, "scripted fault: too many requests");
}
