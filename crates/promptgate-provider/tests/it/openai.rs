//! `openai` against a real server on loopback: what is sent, what is read, and every way it can go wrong.

use std::time::Duration;

use promptgate_core::answer::{Answer, Failure, FailureKind, FinishReason, Usage};
use promptgate_core::format::project::WireApi;
use promptgate_core::message::{Message, Role};
use promptgate_core::name::ModelId;
use promptgate_core::request::{Request, RequestBody};
use promptgate_mock::{Delivery, Reply, Said, Server, Wire};
use promptgate_provider::Answerer;
use serde_json::{Value, json};

use crate::support::{World, ask, failure, of_body, request, response, settings};

const MODEL: &str = "openai/gpt-4.1-mini";

fn hello() -> Request {
    request(MODEL, "a", "hello")
}

/// What comes of one reply, under one attempt.
fn after(reply: Reply) -> Answer {
    let server = Server::start(move |_| reply.clone());
    ask(&World::openai(&server.base_url()).key("sk-test-0123456789").answerer(MODEL), hello())
}

/// What is posted for a request.
fn posted(change: impl FnOnce(&mut RequestBody)) -> Value {
    let server = Server::answering("hi");
    let mut body = hello().body;
    change(&mut body);
    ask(&World::openai(&server.base_url()).answerer(MODEL), of_body(body, "a")).result.unwrap();
    let received = server.received().remove(0);
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/v1/chat/completions"));
    received.json()
}

fn messages(messages: Value) -> Value {
    posted(|body| body.messages = serde_json::from_value(messages).unwrap())["messages"].take()
}

#[test]
fn a_plain_answer_is_read_with_usage_cost_latency_and_the_returned_model() {
    let answer = after(Reply::answer("billing").after(Duration::from_millis(20)));
    assert_eq!((answer.attempts, answer.wasted), (1, None));
    let response = response(answer);
    assert_eq!((response.output.as_str(), &response.finish_reason), ("billing", &FinishReason::Stop));
    assert_eq!(response.usage, Some(Usage { input_tokens: 11, output_tokens: 7, ..Usage::default() }));
    assert_eq!(response.returned_model.as_deref(), Some("mock-1"));
    assert_eq!(response.cost.unwrap().0, 11 * 400 + 7 * 1_600);
    assert!((20..1_000).contains(&response.latency_ms.unwrap()), "{:?}", response.latency_ms);
    assert!(response.bound);
}

#[test]
fn the_requests_of_a_provider_differ_in_their_bodies_alone() {
    let server = Server::answering("hi");
    let answerer = World::openai(&server.base_url()).key("sk-test-0123456789").answerer(MODEL);
    for text in ["hello", "good evening"] {
        ask(&answerer, request(MODEL, "a", text)).result.unwrap();
    }
    let received = server.received();
    let head = |at: usize| {
        let mut headers = received[at].headers.clone();
        headers.retain(|(name, _)| name != "content-length");
        headers.sort();
        (received[at].method.clone(), received[at].path.clone(), headers)
    };
    assert_eq!(head(0), head(1));
    assert!(head(1).2.contains(&("authorization".to_owned(), "Bearer sk-test-0123456789".to_owned())));
    let last = |at: usize| received[at].json()["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!([last(0), last(1)], [json!("hello"), json!("good evening")]);
}

#[test]
fn parameters_go_by_the_names_of_the_wire_and_unknown_ones_as_they_are() {
    let body = posted(|body| {
        body.parameters = serde_json::from_value(json!({
            "temperature": 0, "maxOutputTokens": 300, "topP": 0.5, "stopSequences": ["END"], "seed": 7, "logit_bias": {"1": 2},
        }))
        .unwrap();
    });
    insta::assert_json_snapshot!(body, @r#"
    {
      "model": "gpt-4.1-mini",
      "messages": [
        {
          "role": "system",
          "content": "Sort."
        },
        {
          "role": "user",
          "content": "hello"
        }
      ],
      "stream": false,
      "temperature": 0,
      "max_tokens": 300,
      "top_p": 0.5,
      "stop": [
        "END"
      ],
      "seed": 7,
      "logit_bias": {
        "1": 2
      }
    }
    "#);
}

#[test]
fn a_parameter_that_the_request_itself_decides_is_refused_and_nothing_is_sent() {
    for name in ["stream", "messages", "model", "n"] {
        let server = Server::answering("hi");
        let mut body = hello().body;
        body.parameters.insert(name.to_owned(), json!(1));
        let failed = failure(ask(&World::openai(&server.base_url()).answerer(MODEL), of_body(body, "a")));
        assert_eq!((failed.kind, server.count()), (FailureKind::BadRequest, 0));
        assert!(failed.message.contains(name), "{}", failed.message);
    }
}

#[test]
fn messages_take_the_shapes_of_the_wire() {
    let sent = messages(json!([
        {"role": "system", "content": "Sort."},
        {"role": "user", "content": [{"text": "See"}, {"media": {"url": "data:image/png;base64,AA==", "contentType": "image/png"}}]},
        {"role": "model", "content": [{"toolRequest": {"name": "find", "input": {"q": 1}, "ref": "call_1"}}]},
        {"role": "tool", "content": [{"toolResponse": {"name": "find", "output": {"hits": 2}, "ref": "call_1"}}]},
        {"role": "user", "content": [{"data": {"x": 1}}, {"metadata": {"pending": true}}]},
    ]));
    insta::assert_json_snapshot!(sent, @r#"
    [
      {
        "role": "system",
        "content": "Sort."
      },
      {
        "role": "user",
        "content": [
          {
            "type": "text",
            "text": "See"
          },
          {
            "type": "image_url",
            "image_url": {
              "url": "data:image/png;base64,AA=="
            }
          }
        ]
      },
      {
        "role": "assistant",
        "content": null,
        "tool_calls": [
          {
            "id": "call_1",
            "type": "function",
            "function": {
              "name": "find",
              "arguments": "{\"q\":1}"
            }
          }
        ]
      },
      {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": "{\"hits\":2}"
      },
      {
        "role": "user",
        "content": "{\"x\":1}"
      }
    ]
    "#);
}

#[test]
fn tools_and_the_form_of_the_answer_are_asked_for() {
    let body = posted(|body| {
        body.tools = vec![json!({"name": "find", "description": "Finds.", "inputSchema": {"type": "object"}})];
        body.output = serde_json::from_value(json!({"format": "json", "schema": {"type": "object"}})).unwrap();
    });
    insta::assert_json_snapshot!(json!([body["tools"], body["response_format"]]), @r#"
    [
      [
        {
          "type": "function",
          "function": {
            "name": "find",
            "description": "Finds.",
            "parameters": {
              "type": "object"
            }
          }
        }
      ],
      {
        "type": "json_schema",
        "json_schema": {
          "name": "output",
          "schema": {
            "type": "object"
          }
        }
      }
    ]
    "#);
    let plain = posted(|body| body.output = serde_json::from_value(json!({"format": "json"})).unwrap());
    assert_eq!(plain["response_format"], json!({"type": "json_object"}));
    let text = posted(|body| body.output = serde_json::from_value(json!({"format": "text"})).unwrap());
    assert_eq!(text.get("response_format"), None);
}

#[test]
fn media_that_cannot_be_sent_is_refused() {
    for media in [json!({"url": "cat.png"}), json!({"url": "data:audio/wav;base64,AA==", "contentType": "audio/wav"})] {
        let body = RequestBody {
            messages: vec![serde_json::from_value(json!({"role": "user", "content": [{"media": media}]})).unwrap()],
            ..hello().body
        };
        let server = Server::answering("hi");
        let failed = failure(ask(&World::openai(&server.base_url()).answerer(MODEL), of_body(body, "a")));
        assert_eq!((failed.kind, server.count()), (FailureKind::BadRequest, 0));
    }
}

/// The output and finish reason of a choice.
fn choice(message: Value, reason: &str) -> (String, FinishReason) {
    let reply = json!({"choices": [{"message": message, "finish_reason": reason}]});
    let response = response(after(Reply::json(&reply)));
    (response.output, response.finish_reason)
}

#[test]
fn cut_and_withheld_answers_say_so() {
    assert_eq!(choice(json!({"content": "half"}), "length"), ("half".into(), FinishReason::Length));
    assert_eq!(choice(json!({"content": null}), "content_filter"), (String::new(), FinishReason::ContentFilter));
    assert_eq!(choice(json!({"content": null, "refusal": "No."}), "stop"), ("No.".into(), FinishReason::ContentFilter));
    assert_eq!(choice(json!({"content": [{"type": "text", "text": "a"}, {"text": "b"}]}), "stop").0, "ab");
    assert_eq!(choice(json!({"content": "x"}), "weird").1, FinishReason::Other("weird".into()));
}

#[test]
fn tool_calls_and_detailed_usage_are_read() {
    let reply = json!({
        "choices": [{"finish_reason": "tool_calls", "message": {"content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{\"q\": 1}"}},
            {"id": "", "function": {"name": "find", "arguments": "not json"}},
        ]}}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8},
                  "completion_tokens_details": {"reasoning_tokens": 4}},
    });
    let response = response(after(Reply::json(&reply)));
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    assert_eq!(
        response.usage,
        Some(Usage {
            input_tokens: 20,
            output_tokens: 9,
            cached_input_tokens: 8,
            reasoning_tokens: 4,
            ..Usage::default()
        })
    );
    assert_eq!(response.tool_calls[0].arguments, json!({"q": 1}));
    assert_eq!((&response.tool_calls[1].arguments, &response.tool_calls[1].id), (&json!("not json"), &None));
}

fn check_failure(reply: Reply, expected: FailureKind) {
    let shown = format!("{reply:?}").chars().take(200).collect::<String>();
    assert_eq!(failure(after(reply)).kind, expected, "{shown}");
}

#[test]
fn every_status_has_its_class() {
    for (status, kind) in [
        (400, FailureKind::BadRequest),
        (401, FailureKind::Credential),
        (402, FailureKind::Quota),
        (403, FailureKind::Credential),
        (404, FailureKind::NotFound),
        (408, FailureKind::Server),
        (409, FailureKind::Server),
        (422, FailureKind::BadRequest),
        (429, FailureKind::RateLimit),
        (500, FailureKind::Server),
        (503, FailureKind::Server),
        (529, FailureKind::Server),
    ] {
        check_failure(Reply::error(status, "some_code", "some words"), kind);
        let of_page = if status == 403 { FailureKind::BadRequest } else { kind };
        check_failure(Reply::raw("<html>no</html>").header("content-type", "text/html").status(status), of_page);
        check_failure(Reply::raw("").status(status), kind);
    }
    check_failure(Reply::error(429, "insufficient_quota", "You exceeded your quota."), FailureKind::Quota);
    check_failure(Reply::error(429, "rate_limit_exceeded", "Max parallel requests."), FailureKind::RateLimit);
}

#[test]
fn replies_that_are_not_answers_are_never_graded() {
    let bad = [
        "",
        "null",
        "[]",
        "{}",
        "7",
        "\"text\"",
        "{\"choices\": []}",
        "{\"choices\": [{}]}",
        "{\"choices\": [{\"message\": 7}]}",
        "{\"choices\": {\"0\": 1}}",
        "{\"choices\": [{\"message\": {\"content\": \"half",
        "{\"a\": 1e999}",
        "{\"a\": \"\\ud800\"}",
        "data: {\"choices\": []}\n\ndata: [DONE]\n\n",
    ];
    for body in bad {
        check_failure(Reply::raw(body), FailureKind::Server);
    }
    check_failure(Reply::raw(vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']), FailureKind::Server);
    check_failure(Reply::raw("[".repeat(10_000) + &"]".repeat(10_000)), FailureKind::Server);
    check_failure(
        Reply::raw(format!("{{\"choices\": {}1{}}}", "[".repeat(9_999), "]".repeat(9_999))),
        FailureKind::Server,
    );
}

#[test]
fn a_text_that_was_cut_inside_an_emoji_and_a_mark_of_the_encoding_are_read() {
    let whole = |text: &str| format!(r#"{{"choices": [{{"message": {{"content": "{text}"}}}}]}}"#);
    let event = r#"data: {"choices": [{"delta": {"content": "Hi \ud83d"}, "finish_reason": "length"}]}"#;
    for body in
        [whole(r"Hi \ud83d"), format!("\u{feff}{}", whole(r"Hi \ud83d")), format!("{event}\n\ndata: [DONE]\n\n")]
    {
        let is_streamed = body.contains("[DONE]");
        let reply = Reply::raw(body);
        let server = Server::start(move |_| reply.clone());
        let mut world = World::openai(&server.base_url());
        world.settings.insert("openai".to_owned(), settings(|settings| settings.stream = Some(is_streamed)));
        assert_eq!(response(ask(&world.answerer(MODEL), hello())).output, "Hi \u{fffd}");
    }
}

#[test]
fn a_reply_of_200_that_holds_an_error_is_that_error_and_what_it_cost_is_counted() {
    let error = json!({"error": {"message": "upstream is busy", "code": 429}, "usage": {"prompt_tokens": 1000, "completion_tokens": 0}});
    let answer = after(Reply::json(&error));
    assert_eq!((answer.wasted.unwrap().0, answer.wasted_unpriced), (400_000, 0));
    let refused = after(Reply::error(503, "overloaded", "busy"));
    assert_eq!((refused.wasted, refused.wasted_unpriced), (None, 0), "a refusal costs nothing");
    insta::assert_snapshot!(failure(answer), @"a reply that holds an error: upstream is busy");
    check_failure(Reply::json(&json!({"error": {"message": "x", "type": "server_error"}})), FailureKind::Server);
    check_failure(Reply::json(&json!({"error": "plain words"})), FailureKind::Server);
}

/// B-4: what is not finished is no answer, and another attempt may find it so.
#[test]
fn a_response_that_is_not_finished_is_asked_for_again_and_never_graded() {
    for status in ["queued", "in_progress", "cancelled"] {
        let begun = json!([{"type": "message", "content": [{"type": "output_text", "text": "The ans"}]}]);
        let call = json!([{"type": "function_call", "call_id": "c", "name": "look", "arguments": "{"}]);
        for output in [json!([]), begun, call] {
            let reply = json!({"object": "response", "status": status, "output": output, "error": null});
            let server = Server::start(move |_| Reply::json(&reply));
            let mut world = World::openai(&server.base_url()).retrying(2);
            world.retry.first_wait = Duration::from_millis(1);
            world.settings.insert("openai".to_owned(), settings(|settings| settings.api = Some(WireApi::Responses)));
            let answer = ask(&world.answerer(MODEL), hello());
            assert_eq!((answer.attempts, failure(answer).kind), (2, FailureKind::Server), "{status}");
        }
    }
}

#[test]
fn an_endless_body_is_cut_at_32_megabytes() {
    let failed = failure(after(Reply::raw(vec![b' '; 33 << 20])));
    assert_eq!(failed.kind, FailureKind::Server);
    insta::assert_snapshot!(failed, @"127.0.0.1 sent more than 32 MB");
}

#[test]
fn failures_say_what_the_server_said_on_one_line() {
    let reply = Reply::error(429, "rate_limit_exceeded", "Slow\ndown\u{1b}[31m.")
        .header("x-request-id", "req_1")
        .header("retry-after", "7");
    let failed = failure(after(reply));
    assert_eq!((failed.status, failed.retry_after_ms), (Some(429), Some(7_000)));
    insta::assert_snapshot!(failed, @"HTTP 429: Slow down [31m. (rate_limit_exceeded) [request req_1]; there is room again in 7 s");
    insta::assert_snapshot!(failure(after(Reply::raw("<b>no</b>").header("content-type", "text/html").status(502))), @"HTTP 502: a body of 9 bytes (text/html) that is not JSON");
    insta::assert_snapshot!(failure(after(Reply::raw("upstream gone").header("content-type", "text/plain").status(503))), @"HTTP 503: upstream gone");
    insta::assert_snapshot!(failure(after(Reply::json(&json!({"detail": "Not Found"})).status(404))), @"HTTP 404: Not Found; `promptgate doctor` tells whether the model and its API are there");
    insta::assert_snapshot!(failure(after(Reply::raw("not json"))), @"a reply that is not JSON of 8 bytes: expected ident at line 1 column 2");
    let long = failure(after(Reply::error(400, "x", &"word ".repeat(10_000))));
    assert!(long.message.len() < 1_000);
}

#[test]
fn a_refusal_that_asks_for_no_wait_is_waited_for_until_its_limit_is_reset() {
    let limited = |status: u16| {
        Reply::error(status, "rate_limit_exceeded", "slow down")
            .header("x-ratelimit-remaining-requests", "0")
            .header("x-ratelimit-reset-requests", "2.5s")
    };
    let asked = |reply: Reply| failure(after(reply)).retry_after_ms;
    assert_eq!(asked(limited(429)), Some(2_500));
    assert_eq!(asked(limited(429).header("retry-after", "1")), Some(1_000));
    assert_eq!(asked(limited(500)), None, "a limit of requests is not what is wrong");
    let gone = Reply::error(429, "insufficient_quota", "pay").header("x-ratelimit-reset-requests", "2.5s");
    assert_eq!(asked(gone), None, "nor is it here");
    let headers = json!({"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "784111780000"});
    let inside = json!({"error": {"code": 429, "message": "slow down", "metadata": {"headers": headers}}});
    assert_eq!(asked(Reply::json(&inside).status(429)), Some(3_000));
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Server::answering("leaked");
    let target = other.base_url();
    let failed = failure(after(Reply::raw("").status(307).header("location", &target)));
    assert_eq!((failed.kind, other.count()), (FailureKind::BadRequest, 0));
    assert!(failed.message.contains("redirected"), "{}", failed.message);
}

#[test]
fn a_connection_that_misbehaves_is_infrastructure() {
    for delivery in [Delivery::Hangup, Delivery::CutAfter(0), Delivery::CutAfter(40)] {
        check_failure(Reply::answer("never seen").delivered(delivery), FailureKind::Connection);
    }
    let refused = World::openai("http://127.0.0.1:1/v1");
    let failed = failure(ask(&refused.answerer(MODEL), hello()));
    assert_eq!(failed.kind, FailureKind::Connection);
    insta::assert_snapshot!(failed, @"cannot connect to 127.0.0.1:1: Connection refused (os error 111)");
}

/// What comes of a reply that stalls, under limits of 50 ms and this timeout of the model.
fn stalled(delivery: Delivery, timeout_ms: u64) -> Failure {
    let server = Server::start(move |_| Reply::answer("never seen").delivered(delivery));
    let answerer = World::openai(&server.base_url()).impatient().answerer(MODEL);
    failure(ask(&answerer, Request { timeout_ms, ..hello() }))
}

#[test]
fn a_silent_connection_ends_at_its_limit_also_where_the_model_may_take_longer() {
    let before = stalled(Delivery::Silence, 60_000);
    let after = stalled(Delivery::StallAfter(40), 60_000);
    assert_eq!((before.kind, after.kind), (FailureKind::Connection, FailureKind::Connection));
    insta::assert_snapshot!(before, @"127.0.0.1 sent nothing for 50ms");
    insta::assert_snapshot!(after, @"127.0.0.1 fell silent for 50ms");
}

#[test]
fn an_answer_that_drips_beyond_the_models_timeout_is_the_models_failure() {
    let drip = Delivery::Drip { bytes: 1, every: Duration::from_millis(10) };
    let server = Server::start(move |_| Reply::answer("never graded").delivered(drip));
    let world = World::openai(&server.base_url()).retrying(3);
    let answer = ask(&world.answerer(MODEL), Request { timeout_ms: 80, ..hello() });
    assert_eq!((answer.attempts, server.count()), (1, 1), "the model's own failure is not tried again");
    assert_eq!((answer.wasted, answer.wasted_unpriced), (None, 1), "what it wrote is not known, and not nothing");
    let failed = failure(answer);
    assert_eq!(failed.kind, FailureKind::ModelTimeout);
    insta::assert_snapshot!(failed, @"the model took longer than its timeout of 80ms");
}

#[test]
fn what_follows_the_end_of_a_streamed_answer_is_no_part_of_its_time() {
    let server = Server::start(|_| {
        let whole = Wire::Chat.streamed(&Said::text("m-1", "hello"), true);
        let all = whole.body().len();
        whole.delivered(Delivery::StallAfter(all))
    });
    let mut world = World::openai(&server.base_url());
    world.settings.insert("openai".to_owned(), settings(|settings| settings.stream = Some(true)));
    let answerer = world.answerer(MODEL);
    let started = std::time::Instant::now();
    let response = response(ask(&answerer, hello()));
    let waited = started.elapsed().saturating_sub(Duration::from_millis(response.latency_ms.unwrap()));
    assert_eq!(response.output, "hello");
    assert!(waited >= Duration::from_millis(100), "{waited:?}");
}

/// B-3: suspended time is not the model's.
#[test]
fn a_time_limit_that_ran_out_while_the_machine_stood_still_is_not_the_models_failure() {
    let server = Server::start(|_| Reply::answer("late").delivered(Delivery::StallAfter(40)));
    let answerer = World::openai(&server.base_url()).answerer(MODEL);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stands_still = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // Nothing of this runtime goes on meanwhile.
        std::thread::sleep(Duration::from_millis(2_000));
    };
    let asked = Request { timeout_ms: 500, ..hello() };
    let (answer, ()) = runtime.block_on(async { tokio::join!(answerer.answer(asked), stands_still) });
    let failed = failure(answer);
    assert_eq!(failed.kind, FailureKind::Connection);
    insta::assert_snapshot!(failed, @"the answer of 127.0.0.1 was cut off, since this machine stood still");
}

#[test]
fn an_attempt_is_one_request_and_is_counted_once() {
    let server = Server::start(|received| match received.number {
        1 => Reply::error(429, "rate_limit_exceeded", "slow down").header("retry-after-ms", "1"),
        2 => Reply::answer("lost").delivered(Delivery::Hangup),
        3 => Reply::raw("<html>").status(503),
        _ => Reply::answer("at last"),
    });
    let mut world = World::openai(&server.base_url()).retrying(5);
    world.retry.first_wait = Duration::from_millis(1);
    let answer = ask(&world.answerer(MODEL), hello());
    assert_eq!((answer.attempts, server.count(), world.waits().len()), (4, 4, 3));
    assert_eq!(response(answer).output, "at last");
}

#[test]
fn a_dropped_call_is_cancelled() {
    let server = Server::start(|_| Reply::answer("late").delivered(Delivery::Silence));
    let answerer = World::openai(&server.base_url()).answerer(MODEL);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let call = answerer.answer(hello());
        assert!(tokio::time::timeout(Duration::from_millis(80), call).await.is_err());
    });
    assert_eq!(server.count(), 1);
}

#[test]
fn connections_are_kept_and_a_thousand_calls_at_once_are_answered() {
    let server = Server::start(|_| Reply::answer("hi").after(Duration::from_millis(30)));
    let answerer = World::openai(&server.base_url()).answerer(MODEL);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let call =
        |case: usize| answerer.answer(Request { timeout_ms: 60_000, ..request(MODEL, &format!("c{case}"), "hello") });
    let answers = runtime.block_on(futures_util::future::join_all((0..1_000).map(call)));
    let failed = answers.into_iter().find_map(|answer| answer.result.err());
    assert_eq!((server.count(), failed), (1_000, None));
}

#[test]
fn the_model_is_named_without_its_provider_and_roles_are_the_wires() {
    let body = posted(|body| {
        body.model = ModelId::new(MODEL).unwrap();
        body.messages.push(Message::text(Role::Model, "earlier"));
    });
    assert_eq!((&body["model"], &body["stream"]), (&json!("gpt-4.1-mini"), &json!(false)));
    assert_eq!(body["messages"][2], json!({"role": "assistant", "content": "earlier"}));
}

/// B-5, as design.md section 5 has it: what a prompt is refused for is the prompt's, and about no other request.
#[test]
fn a_prompt_that_a_filter_refuses_is_answered_with_nothing() {
    let refused = json!({"error": {
        "code": "content_filter", "status": 400, "message": "The response was filtered",
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }});
    let flagged = json!({"error": {"code": 403, "message": "forbidden", "metadata": {"flagged_input": "x"}}});
    for (status, body) in [(400, refused), (403, flagged)] {
        let server = Server::start(move |_| Reply::json(&body).status(status));
        let answer = ask(&World::openai(&server.base_url()).answerer("openai/m"), request("openai/m", "a", "hello"));
        let response = answer.result.unwrap();
        assert_eq!((response.output.as_str(), response.finish_reason), ("", FinishReason::ContentFilter));
    }
}

/// As design.md section 5 has it: a model that fails to answer has failed. Others hand on what it wrote.
#[test]
fn what_a_model_wrote_in_another_form_is_its_own_failure_and_is_told() {
    let said = "Failed to validate JSON. Please adjust your prompt. See 'failed_generation' for more details.";
    let refused = json!({"error": {"message": said, "type": "invalid_request_error", "code": "json_validate_failed",
        "failed_generation": "{\"key\": sk-test-0123456789}"}});
    let event = format!("data: {refused}\n\n");
    let streamed = Reply::raw(event).header("content-type", "text/event-stream");
    for reply in [Reply::json(&refused).status(400), streamed] {
        let server = Server::start(move |_| reply.clone());
        let mut world = World::openai(&server.base_url()).key("sk-test-0123456789").retrying(3);
        world.settings.insert("openai".to_owned(), settings(|settings| settings.stream = Some(true)));
        let answer = ask(&world.answerer(MODEL), hello());
        assert_eq!((answer.attempts, server.count()), (1, 1), "the model's own failure is not tried again");
        let failed = failure(answer);
        assert!(failed.kind.is_the_models(), "{failed:?}");
        assert!(failed.message.ends_with("(json_validate_failed); the model wrote: {\"key\": [secret]}"), "{failed}");
    }
}

/// What comes of so many requests, one after another: the failures, and how many were called.
fn one_after_another(requests: usize, reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Vec<Failure>, usize) {
    let server = Server::start(move |received| reply(received.number));
    let answerer = World::openai(&server.base_url()).key("sk-test-0123456789").answerer(MODEL);
    let ask = |number: usize| ask(&answerer, request(MODEL, "a", &format!("hello {number}")));
    let failures = (0..requests).filter_map(|number| ask(number).result.err()).collect();
    (failures, server.count())
}

#[test]
fn a_call_that_is_forbidden_once_the_key_had_an_answer_is_missing_alone() {
    let page = || Reply::raw("<!DOCTYPE html><title>Sorry, you have been blocked</title>").status(403);
    let forbidden = || Reply::error(403, "permission_denied", "no");
    // A firewall's page is never about the key, also before the first answer.
    let (failed, called) = one_after_another(4, move |number| if number == 1 { page() } else { Reply::answer("hi") });
    assert_eq!((failed.len(), called), (1, 4));
    insta::assert_snapshot!(failed[0], @"HTTP 403: a body of 58 bytes (no content type) that is not JSON: a web page, as of a firewall before the API; it holds back this call and is not about the key");
    let (failed, called) =
        one_after_another(6, move |number| if number % 2 == 0 { forbidden() } else { Reply::answer("hi") });
    assert_eq!((failed.len(), called), (3, 6));
    assert!(failed.iter().all(|failed| failed.message == "HTTP 403: no (permission_denied)"), "{failed:?}");
}

#[test]
fn a_key_that_is_refused_is_not_shown_again() {
    let forbidden = || Reply::error(403, "permission_denied", "no");
    let (failed, called) = one_after_another(4, move |_| forbidden());
    assert_eq!((failed.len(), called), (4, 1));
    let refused = || Reply::error(401, "invalid_api_key", "no");
    let (failed, called) =
        one_after_another(4, move |number| if number == 2 { refused() } else { Reply::answer("hi") });
    assert_eq!((failed.len(), called), (3, 2));
    // One that has lost its rights since.
    let (failed, called) =
        one_after_another(30, move |number| if number == 1 { Reply::answer("hi") } else { forbidden() });
    assert_eq!((failed.len(), called), (29, 21));
}
