//! What stands around calls, through a whole stack: pace, breaker, budget. The clock stands still until somebody waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::name::ModelId;
use promptgate_core::price::{NanoUsd, Prices};
use promptgate_core::request::Request;
use promptgate_mock::{Delivery, Reply, Server};
use promptgate_provider::{Answerer, Budget, BudgetLimits, Calling, LocalAnswerer, RetryPolicy, Sides};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::{World, ask, called, request, settings};

const MODEL: &str = "scripted/m";

fn scripted(script: &str, change: impl FnOnce(&mut ProviderSettings)) -> World {
    let mut world = World::scripted(script);
    change(world.settings.get_mut("scripted").unwrap());
    world
}

/// So many different requests at once.
async fn all(answerer: LocalAnswerer, model: &str, count: usize) -> Vec<Answer> {
    all_of(Arc::new(answerer), model, count).await
}

async fn all_of(answerer: Arc<LocalAnswerer>, model: &str, count: usize) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for number in 0..count {
        let (answerer, request) = (answerer.clone(), request(model, &format!("c{number}"), &format!("hello {number}")));
        calls.spawn(async move { answerer.answer(request).await });
    }
    calls.join_all().await
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_requests_is_kept_over_all_models_of_a_provider() {
    let world = scripted("", |settings| settings.requests_per_minute = Some(60));
    let set = world.set(vec![called(MODEL), called("scripted/n")]).unwrap();
    let answerer = Arc::new(set.answerer(&Calling::retrying(RetryPolicy::default(), world.listener())));
    let started = Instant::now();
    let (m, n) = tokio::join!(all_of(answerer.clone(), MODEL, 60), all_of(answerer.clone(), "scripted/n", 61));
    assert!(m.iter().chain(&n).all(|answer| answer.result.is_ok() && answer.attempts == 1));
    let took = started.elapsed().as_secs_f64();
    assert!((118.0..=121.0).contains(&took), "{took}");
}

/// What waits for its turn, or to be tried again, is no longer called; what is under way is answered.
#[tokio::test(start_paused = true)]
async fn once_all_is_halted_no_call_is_made() {
    let script = "[[rule]]\ncontains = \"hello 1\"\nfault = \"rate-limit\"\n[[rule]]\nlatency = \"1s\"\n";
    let world = scripted(script, |settings| settings.requests_per_minute = Some(60));
    let set = world.set(vec![called(MODEL)]).unwrap();
    let budget = Budget::new(BudgetLimits { calls: Some(1_000), ..BudgetLimits::default() });
    let calling =
        Calling { budget: Some(budget.clone()), ..Calling::retrying(RetryPolicy::default(), world.listener()) };
    let answerer = Arc::new(set.answerer(&calling));
    let asked = answerer.clone();
    let mut answers = tokio::spawn(async move { all_of(asked, MODEL, 100).await });
    sleep(Duration::from_millis(2_500)).await;
    answerer.halt();
    assert!(tokio::time::timeout(Duration::from_secs(600), &mut answers).await.is_err());
    answers.abort();
    let _ = answers.await;
    let calls = budget.spent().calls;
    assert!((2..=5).contains(&calls), "{calls} calls");
}

/// What one model refuses, or cannot cope with, is no reason to call another one of the same provider less.
#[tokio::test(start_paused = true)]
async fn a_model_that_is_out_does_not_hold_up_another_one() {
    for fault in ["rate-limit", "server", "connection"] {
        let sick = format!("[[rule]]\ncontains = \"sick\"\nfault = \"{fault}\"\nretry_after = \"60s\"\n");
        let script = sick + "[[rule]]\nlatency = \"50ms\"\n";
        let world = scripted(&script, |settings| settings.concurrency = Some(2));
        let set = world.set(vec![called(MODEL), called("scripted/n")]).unwrap();
        let answerer = Arc::new(set.answerer(&Calling::retrying(RetryPolicy::default(), world.listener())));
        let mut sick = JoinSet::new();
        for number in 0..50 {
            let answerer = answerer.clone();
            sick.spawn(async move { answerer.answer(request("scripted/n", "a", &format!("sick {number}"))).await });
        }
        let started = Instant::now();
        let answers = all_of(answerer, MODEL, 50).await;
        assert!(answers.iter().all(|answer| answer.result.is_ok()));
        assert!(started.elapsed() < Duration::from_secs(5), "{fault}: {:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_tokens_counts_what_was_read_and_written() {
    let world = scripted("[[rule]]\nusage = { input_tokens = 90, output_tokens = 10 }", |settings| {
        settings.tokens_per_minute = Some(6_000);
        settings.concurrency = Some(1);
    });
    let started = Instant::now();
    all(world.answerer(MODEL), MODEL, 61).await;
    let took = started.elapsed().as_secs_f64();
    assert!((58.0..=62.0).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_than_allowed_are_under_way() {
    let world = scripted("[[rule]]\nlatency = \"1s\"", |settings| settings.concurrency = Some(3));
    let set = world.set(vec![called(MODEL), called("scripted/n")]).unwrap();
    let answerer = Arc::new(set.answerer(&Calling::retrying(RetryPolicy::default(), world.listener())));
    let started = Instant::now();
    all_of(answerer.clone(), MODEL, 9).await;
    assert_eq!(started.elapsed().as_secs(), 3);
    tokio::join!(all_of(answerer.clone(), MODEL, 4), all_of(answerer.clone(), "scripted/n", 5));
    assert_eq!(started.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_answers_nothing_is_called_again_only_now_and_then() {
    let world = scripted("[[rule]]\nfault = \"connection\"", |_| {});
    let answerer = world.answerer(MODEL);
    let one = async |number: usize| {
        let answer = answerer.answer(request(MODEL, "a", &number.to_string())).await;
        (answer.attempts, answer.result.unwrap_err())
    };
    for number in 0..5 {
        assert_eq!(one(number).await.0, 1, "{number}");
    }
    // The next ones try, with growing pauses, and are given up after some; in the end with the outage, since the model has
    // never answered.
    let started = Instant::now();
    assert_eq!([one(5).await.0, one(6).await.0, one(7).await.0], [2, 2, 1]);
    assert_eq!(started.elapsed().as_secs(), 60);
    let (attempts, failure) = one(8).await;
    assert_eq!((attempts, failure.kind), (0, FailureKind::Connection));
    insta::assert_snapshot!(failure, @"not called, since nothing was answered for 60 s, in the end with: scripted fault: the connection was reset");
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!((one(9).await.0, one(10).await.0), (1, 0), "one call tries");
}

/// B-2: however many are under way, and however slowly they would be let go.
#[tokio::test(start_paused = true)]
async fn who_wants_to_fail_fast_is_told_of_any_outage_within_five_seconds() {
    let waits = ["", "\nretry_after = \"2h\"", "\nretry_after = \"1s\""];
    for (fault, wait) in
        ["rate-limit", "server", "connection"].into_iter().flat_map(|fault| waits.map(|wait| (fault, wait)))
    {
        for requests in [1, 4, 32, 500] {
            let world = scripted(&format!("[[rule]]\nfault = \"{fault}\"{wait}"), |_| {});
            let calling = Calling { fail_fast: true, ..Calling::retrying(RetryPolicy::default(), world.listener()) };
            let answerer = world.build(MODEL).unwrap().answerer(&calling);
            let started = Instant::now();
            let answers = all(answerer, MODEL, requests).await;
            assert!(answers.iter().all(|answer| answer.result.is_err()));
            assert!(started.elapsed() <= Duration::from_secs(5), "{requests} {fault} {wait}: {:?}", started.elapsed());
        }
    }
}

/// What a provider says of hours to come is believed after one more look.
#[tokio::test(start_paused = true)]
async fn a_rate_limit_that_is_hours_away_ends_the_calls_in_minutes() {
    let world = scripted("[[rule]]\nfault = \"rate-limit\"\nretry_after = \"2h\"", |_| {});
    let calling = Calling::retrying(RetryPolicy::default(), world.listener());
    let answerer = world.build(MODEL).unwrap().answerer(&calling);
    let started = Instant::now();
    let answers = all(answerer, MODEL, 500).await;
    assert!(started.elapsed() <= Duration::from_secs(200), "{:?}", started.elapsed());
    let failures: Vec<_> = answers.into_iter().map(|answer| answer.result.unwrap_err()).collect();
    assert!(failures.iter().all(|failure| failure.kind == FailureKind::Quota), "{failures:?}");
    let told = |failure: &Failure| failure.message.matches("; there is room again in 2 h").count();
    assert!(failures.iter().all(|failure| told(failure) == 1), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_fail_fast_is_not_made_to_wait() {
    let world = scripted("[[rule]]\nfault = \"rate-limit\"\nretry_after = \"6h\"", |_| {});
    let calling = Calling { fail_fast: true, ..Calling::retrying(RetryPolicy::default(), world.listener()) };
    let answerer = world.build(MODEL).unwrap().answerer(&calling);
    let started = Instant::now();
    let first = answerer.answer(request(MODEL, "a", "1")).await;
    assert_eq!((first.attempts, first.result.unwrap_err().kind), (1, FailureKind::Quota));
    let second = answerer.answer(request(MODEL, "a", "2")).await;
    assert_eq!(second.attempts, 0);
    insta::assert_snapshot!(second.result.unwrap_err(), @"not called, since an earlier call was refused: scripted fault: too many requests; there is room again in 6 h");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

/// A scripted provider under the name of one whose prices are known.
fn priced(script: &str) -> World {
    let mut world = World::scripted(script);
    let settings = settings(|settings| {
        settings.kind = Some("scripted".to_owned());
        settings.script = Some("script.toml".to_owned());
    });
    world.settings.insert("openai".to_owned(), settings);
    world
}

const PRICED: &str = "openai/gpt-4.1";

async fn spend(world: &World, limits: BudgetLimits, requests: usize) -> (Budget, Vec<Answer>) {
    let budget = Budget::new(limits);
    let retry = world.retry.clone();
    let calling = Calling { budget: Some(budget.clone()), ..Calling::retrying(retry, world.listener()) };
    let answers = all(world.build(PRICED).unwrap().answerer(&calling), PRICED, requests).await;
    (budget, answers)
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_calls_is_spent_to_the_last_one_and_counts_failed_attempts() {
    let world = priced("[[rule]]\nlatency = \"1s\"\n").retrying(3);
    let (budget, answers) = spend(&world, BudgetLimits { calls: Some(7), ..BudgetLimits::default() }, 20).await;
    assert_eq!((budget.spent().calls, answers.iter().filter(|answer| answer.result.is_ok()).count()), (7, 7));
    let refused = answers.iter().find_map(|answer| answer.result.as_ref().err()).unwrap();
    assert_eq!(refused.kind, FailureKind::Budget);
    insta::assert_snapshot!(refused, @"the budget of 7 calls is spent: 7 were made");
    let world = priced("[[rule]]\nfault = \"server\"\n").retrying(3);
    let (budget, answers) = spend(&world, BudgetLimits { calls: Some(7), ..BudgetLimits::default() }, 5).await;
    let attempts: u32 = answers.iter().map(|answer| answer.attempts).sum();
    assert_eq!((budget.spent().calls, attempts), (7, 7), "what was refused is no attempt");
}

/// B-8: of two versions that are compared, one may well be answered before the other is asked.
#[tokio::test(start_paused = true)]
async fn what_is_kept_for_the_other_side_of_a_pair_waits_for_it_and_is_free_where_it_does_not_come() {
    let world = priced("[[rule]]\nlatency = \"1ms\"\n");
    let sides = Sides { usual: 2, ..Sides::default() };
    let limits = BudgetLimits { calls: Some(3), ..BudgetLimits::default() };
    let spent = async |comes: bool| {
        let budget = Budget::of_sides(limits, sides.clone());
        let calling =
            Calling { budget: Some(budget.clone()), ..Calling::retrying(RetryPolicy::none(), world.listener()) };
        let answerer = world.build(PRICED).unwrap().answerer(&calling);
        let asked = async |case: &str, text: &str, after_ms: u64| {
            sleep(Duration::from_millis(after_ms)).await;
            answerer.answer(request(PRICED, case, text)).await.result.is_ok()
        };
        let other = async || comes && asked("a", "new", 400).await;
        let (old, new, next) = tokio::join!(asked("a", "old", 0), other(), asked("b", "old", 100));
        (old, new, next, budget.spent().calls)
    };
    assert_eq!(spent(true).await, (true, true, false, 2));
    assert_eq!(spent(false).await, (true, false, true, 2));
}

/// B-8: the second side of a version that is held to itself has the repeats behind those of the first.
#[tokio::test(start_paused = true)]
async fn a_version_that_is_held_to_itself_makes_pairs_of_its_repeats() {
    let world = priced("[[rule]]\nlatency = \"1ms\"\n");
    let limits = BudgetLimits { calls: Some(3), ..BudgetLimits::default() };
    let budget = Budget::of_sides(limits, Sides { usual: 2, again: 5, ..Sides::default() });
    let calling = Calling { budget: Some(budget.clone()), ..Calling::retrying(RetryPolicy::none(), world.listener()) };
    let answerer = world.build(PRICED).unwrap().answerer(&calling);
    let asked = async |case: &str, repeat: u32, after_ms: u64| {
        sleep(Duration::from_millis(after_ms)).await;
        answerer.answer(Request { repeat, ..request(PRICED, case, "old") }).await.result.is_ok()
    };
    let answered = tokio::join!(asked("a", 2, 0), asked("a", 7, 400), asked("b", 1, 100));
    assert_eq!((answered, budget.spent().calls), ((true, true, false), 2));
}

/// B-8: a call of a pair that is tried again needs no room for another pair.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_tried_again_needs_room_for_itself_alone() {
    let world =
        priced("[[rule]]\ncontains = \"new\"\nfault = \"server\"\nfault_times = 1\n[[rule]]\nlatency = \"1ms\"\n");
    let limits = BudgetLimits { calls: Some(3), ..BudgetLimits::default() };
    let budget = Budget::of_sides(limits, Sides { usual: 2, ..Sides::default() });
    let retry = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
    let calling = Calling { budget: Some(budget.clone()), ..Calling::retrying(retry, world.listener()) };
    let answerer = world.build(PRICED).unwrap().answerer(&calling);
    let (old, new) =
        tokio::join!(answerer.answer(request(PRICED, "a", "old")), answerer.answer(request(PRICED, "a", "new")));
    assert!(old.result.is_ok() && new.result.is_ok(), "{old:?} {new:?}");
    assert_eq!((new.attempts, budget.spent().calls), (2, 3));
}

/// B-8: a call that was given up and is asked once more (after an outage, say) takes nothing that is kept for its partner.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_asked_once_more_leaves_its_partner_its_room() {
    let world =
        priced("[[rule]]\ncontains = \"new\"\nfault = \"server\"\nfault_times = 1\n[[rule]]\nlatency = \"1ms\"\n");
    let limits = BudgetLimits { calls: Some(3), ..BudgetLimits::default() };
    let budget = Budget::of_sides(limits, Sides { usual: 2, ..Sides::default() });
    let calling = Calling { budget: Some(budget.clone()), ..Calling::retrying(RetryPolicy::none(), world.listener()) };
    let answerer = world.build(PRICED).unwrap().answerer(&calling);
    let asked = async |text: &str| answerer.answer(request(PRICED, "a", text)).await.result.is_ok();
    let answered = [asked("new").await, asked("new").await, asked("old").await];
    assert_eq!((answered, budget.spent().calls), ([false, true, true], 3));
}

/// B-8: calls that fail are tried again out of what is kept for no other version, also where the budget ends among them.
#[tokio::test(start_paused = true)]
async fn a_budget_that_ends_among_retries_leaves_whole_pairs() {
    let (mut halves, mut pairs) = (0, 0);
    for seed in 0..200_u64 {
        let fails = |text: &str, share: f64, times: u32| {
            format!(
                "[[rule]]\ncontains = \"{text}\"\nshare = {share}\nfault = \"server\"\nfault_times = {times}\nlatency = \"20ms\"\n"
            )
        };
        let rules: String = ["old", "new"].map(|text| fails(text, 0.03, 2) + &fails(text, 0.12, 1)).concat();
        let world = priced(&format!("seed = {seed}\n{rules}[[rule]]\nlatency = [\"1ms\", \"900ms\"]\n"));
        // Fewer would all be promised before the first one has failed.
        let calls = 40 + seed;
        let limits = BudgetLimits { calls: Some(calls), ..BudgetLimits::default() };
        let budget = Budget::of_sides(limits, Sides { usual: 2, ..Sides::default() });
        let retry = RetryPolicy { seed, ..RetryPolicy::default() };
        let calling = Calling { budget: Some(budget.clone()), ..Calling::retrying(retry, world.listener()) };
        let answerer = &world.build(PRICED).unwrap().answerer(&calling);
        let asked = (0..400).map(|number| async move {
            let (case, repeat) = (format!("c{}", number / 6), number / 2 % 3 + 1);
            let side = if number % 2 == 0 { "old" } else { "new" };
            let asked = request(PRICED, &case, &format!("{case} {side}"));
            let answer = answerer.answer(Request { repeat, ..asked }).await;
            answer.result.is_ok().then_some((case, repeat))
        });
        let answered: Vec<_> = futures_util::stream::iter(asked).buffer_unordered(16).collect().await;
        let mut sides: BTreeMap<_, u32> = BTreeMap::new();
        answered.into_iter().flatten().for_each(|pair| *sides.entry(pair).or_default() += 1);
        halves += sides.values().filter(|sides| **sides == 1).count();
        pairs += sides.len();
        let left = calls - budget.spent().calls;
        assert!(left < 4, "seed {seed}: {left} of {calls} calls are left");
    }
    // Three failures in a row of the last calls are more than is kept for.
    assert!(halves <= 2 && pairs > 200 * 30, "{halves} halves of {pairs} pairs");
}

/// B-8: random prices, sizes and failures; the budget is passed by no more than the calls under way could take.
#[tokio::test(start_paused = true)]
async fn a_budget_is_never_passed_by_more_than_the_calls_under_way() {
    let dearest = NanoUsd::of_dollars(0.05);
    let price = *Prices::embedded().of(&ModelId::new(PRICED).unwrap()).unwrap();
    for seed in 0..500_u64 {
        let output = 100 + seed * 37 % 6_000;
        let script = format!(
            "seed = {seed}\n[[rule]]\nshare = 0.3\nfault = \"server\"\n[[rule]]\nshare = 0.5\nlatency = \"2s\"\nusage = {{ input_tokens = 50, output_tokens = {output} }}\n[[rule]]\nlatency = [\"1ms\", \"900ms\"]\nusage = {{ input_tokens = 20, output_tokens = 9 }}\n"
        );
        let world = priced(&script).retrying(2);
        let limit = NanoUsd::of_dollars(0.01 * (1 + seed % 40) as f64);
        let (budget, answers) = spend(&world, BudgetLimits { cost: Some(limit), ..BudgetLimits::default() }, 30).await;
        let usage = promptgate_core::answer::Usage { input_tokens: 50, output_tokens: output, ..Default::default() };
        let excess = price.cost(&usage).0.saturating_sub(dearest.0);
        let spent = budget.spent().cost;
        assert!(spent.0 <= limit.0 + 30 * excess.max(dearest.0), "seed {seed}: {spent} of {limit}");
        // An answer within what was set aside never passes it at all.
        assert!(output > 4_096 || spent <= limit, "seed {seed}: {spent} of {limit}");
        let paid: u64 = answers.iter().filter_map(|answer| answer.result.as_ref().ok()?.cost).map(|cost| cost.0).sum();
        assert_eq!(spent.0, paid, "seed {seed}: all that was answered is counted, once");
    }
}

/// B-8: what a call that broke off took is not known, so a budget takes it for the most it may have.
#[test]
fn a_call_that_broke_off_counts_its_worst_and_a_refused_one_nothing() {
    let spent = |reply: fn() -> Reply, patience: fn(World) -> World| {
        let server = Server::start(move |_| reply());
        let budget = Budget::new(BudgetLimits { tokens: Some(1_000_000), ..BudgetLimits::default() });
        let world = patience(World::openai(&server.base_url()));
        let calling =
            Calling { budget: Some(budget.clone()), ..Calling::retrying(RetryPolicy::none(), world.listener()) };
        let answerer = world.build("openai/m").unwrap().answerer(&calling);
        let failure = ask(&answerer, request("openai/m", "a", "hello")).result.unwrap_err();
        (failure.kind, budget.spent().tokens)
    };
    let patient = |world| world;
    let (kind, tokens) = spent(|| Reply::answer("a whole answer").delivered(Delivery::CutAfter(60)), patient);
    assert_eq!((kind, tokens > 4_096), (FailureKind::Connection, true), "{tokens}");
    let (kind, tokens) = spent(|| Reply::answer("a whole answer").delivered(Delivery::Silence), World::impatient);
    assert_eq!((kind, tokens > 4_096), (FailureKind::Connection, true), "{tokens}");
    assert_eq!(spent(|| Reply::raw("no").status(503), patient), (FailureKind::Server, 0));
}

/// B-3: whatever a connection does, each call ends; none is graded on a part.
#[test]
fn a_thousand_stalled_connections_all_end() {
    let server = Server::start(|received| {
        let reply = Reply::answer("a whole answer");
        match received.number % 5 {
            0 => reply.delivered(Delivery::Silence),
            1 => reply.delivered(Delivery::StallAfter(40)),
            2 => reply.delivered(Delivery::Hangup),
            3 => reply.delivered(Delivery::CutAfter(60)),
            _ => reply.delivered(Delivery::Drip { bytes: 1, every: Duration::from_secs(60) }),
        }
    });
    let world = World::openai(&server.base_url()).impatient();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // On a busy machine some calls give up before they are connected; those count for nothing.
    for _ in 0..25 {
        if server.count() >= 1_000 {
            break;
        }
        let answerer = Arc::new(world.answerer("openai/m"));
        let started = std::time::Instant::now();
        let kinds = runtime.block_on(async {
            let mut calls = JoinSet::new();
            for number in 0..200 {
                let answerer = answerer.clone();
                let request = Request { timeout_ms: 50, ..request("openai/m", "a", &format!("hello {number}")) };
                calls.spawn(
                    async move { answerer.answer(request).await.result.map(drop).map_err(|failure| failure.kind) },
                );
            }
            calls.join_all().await
        });
        // The first twenty that end open the breaker for none of these: all are under way by then.
        assert_eq!(kinds.len(), 200);
        assert!(
            kinds.iter().all(|kind| matches!(kind, Err(FailureKind::Connection | FailureKind::ModelTimeout))),
            "{kinds:?}"
        );
        // The limits are 50 ms; the rest is a busy machine.
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
    assert!(server.count() >= 1_000, "{}", server.count());
}
