//! What every provider must do, whatever is behind it. A new provider is one `Subject`; what it cannot bring about it says
//! by `None`, and then the suite asserts that nobody forgot to say so.

use std::time::Duration;

use promptgate_core::answer::{Answer, FailureKind, FinishReason, Usage};
use promptgate_core::format::project::{ProviderSettings, WireApi};
use promptgate_core::request::Request;
use promptgate_mock::{Called, Delivery, Finish, Reply, Said, Server, Tokens, Wire};
use promptgate_provider::{Answerer, Calling, LocalAnswerer, Recording, kinds};
use serde_json::json;

use crate::support::{World, ask, recorded, request};

/// Something that a provider can be brought to do.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Situation {
    /// Answers "hello" to "hello".
    Plain,
    /// Reports 11 tokens read, 4 of them cached, and 7 written.
    Usage,
    /// Calls a tool twice.
    Tools,
    /// Stops at the token limit.
    Length,
    /// Is held back by a filter.
    ContentFilter,
    /// Declines, in its own way of declining.
    Refusal,
    /// Breaks off in the midst of an answer.
    BrokenOff,
    /// Says that all is well, and then that it is not.
    ErrorInside,
    /// Fails.
    Fault(FailureKind),
    /// Never answers.
    Silence,
}

const SITUATIONS: [Situation; 18] = [
    Situation::Plain,
    Situation::Usage,
    Situation::Tools,
    Situation::Length,
    Situation::ContentFilter,
    Situation::Refusal,
    Situation::BrokenOff,
    Situation::ErrorInside,
    Situation::Silence,
    Situation::Fault(FailureKind::Connection),
    Situation::Fault(FailureKind::RateLimit),
    Situation::Fault(FailureKind::Quota),
    Situation::Fault(FailureKind::Server),
    Situation::Fault(FailureKind::Credential),
    Situation::Fault(FailureKind::BadRequest),
    Situation::Fault(FailureKind::ModelTimeout),
    Situation::Fault(FailureKind::MissingRecording),
    Situation::Fault(FailureKind::Crash),
];

/// A provider brought into a situation, and what keeps it there.
struct Rig {
    answerer: LocalAnswerer,
    _server: Option<Server>,
    _world: Option<World>,
}

impl Rig {
    fn of(answerer: LocalAnswerer) -> Option<Self> {
        Some(Self { answerer, _server: None, _world: None })
    }
}

struct Subject {
    name: &'static str,
    model: &'static str,
    /// How many situations it can be brought into.
    situations: usize,
    rig: fn(Situation) -> Option<Rig>,
}

/// Everything but a missing recording and the end of a program.
const ALL_OF_A_WIRE: usize = SITUATIONS.len() - 2;

const SUBJECTS: [Subject; 15] = [
    Subject { name: "echo", model: "echo/any", situations: 1, rig: echo },
    Subject { name: "exec", model: "exec/m", situations: 8, rig: exec },
    Subject { name: "http", model: "http/m", situations: 11, rig: http },
    Subject { name: "replay", model: "openai/gpt-4.1-mini", situations: 4, rig: replay },
    Subject { name: "scripted", model: "scripted/any", situations: 11, rig: scripted },
    Subject { name: "openai", model: "openai/m", situations: ALL_OF_A_WIRE, rig: |at| wire(CHAT, false, at) },
    Subject { name: "openai, streamed", model: "openai/m", situations: ALL_OF_A_WIRE, rig: |at| wire(CHAT, true, at) },
    Subject {
        name: "openai, responses",
        model: "openai/m",
        situations: ALL_OF_A_WIRE,
        rig: |at| wire(RESPONSES, false, at),
    },
    Subject {
        name: "openai, responses, streamed",
        model: "openai/m",
        situations: ALL_OF_A_WIRE,
        rig: |at| wire(RESPONSES, true, at),
    },
    Subject { name: "azure", model: "azure/m", situations: ALL_OF_A_WIRE, rig: |at| wire(AZURE, false, at) },
    Subject { name: "anthropic", model: "anthropic/m", situations: ALL_OF_A_WIRE, rig: |at| wire(MESSAGES, false, at) },
    Subject {
        name: "anthropic, streamed",
        model: "anthropic/m",
        situations: ALL_OF_A_WIRE,
        rig: |at| wire(MESSAGES, true, at),
    },
    Subject { name: "gemini", model: "gemini/m", situations: ALL_OF_A_WIRE, rig: |at| wire(GEMINI, false, at) },
    Subject {
        name: "gemini, streamed",
        model: "gemini/m",
        situations: ALL_OF_A_WIRE,
        rig: |at| wire(GEMINI, true, at),
    },
    // Converse has a wire for its streams alone; the rest is the same provider.
    Subject { name: "bedrock", model: "bedrock/m", situations: ALL_OF_A_WIRE, rig: |at| wire(CONVERSE, false, at) },
];

/// A provider that speaks a wire.
#[derive(Clone, Copy)]
struct Spoken {
    wire: Wire,
    provider: &'static str,
    base_url: &'static str,
    api: Option<WireApi>,
}

const CHAT: Spoken = Spoken { wire: Wire::Chat, provider: "openai", base_url: "OPENAI_BASE_URL", api: None };
const RESPONSES: Spoken = Spoken { wire: Wire::Responses, api: Some(WireApi::Responses), ..CHAT };
const AZURE: Spoken = Spoken { provider: "azure", base_url: "AZUREAI_OPENAI_BASE_URL", ..CHAT };
const MESSAGES: Spoken =
    Spoken { wire: Wire::Messages, provider: "anthropic", base_url: "ANTHROPIC_BASE_URL", api: None };
const GEMINI: Spoken =
    Spoken { wire: Wire::GenerateContent, provider: "gemini", base_url: "GOOGLE_BASE_URL", api: None };
const CONVERSE: Spoken =
    Spoken { wire: Wire::Converse, provider: "bedrock", base_url: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", api: None };

fn wire(spoken: Spoken, streamed: bool, situation: Situation) -> Option<Rig> {
    let reply = reply(spoken.wire, streamed, situation)?;
    let server = Server::start(move |_| reply.clone());
    let mut world = World::new();
    world.environment.insert(spoken.base_url.to_owned(), server.origin());
    let settings = ProviderSettings { stream: Some(streamed), api: spoken.api, ..ProviderSettings::default() };
    world.settings.insert(spoken.provider.to_owned(), settings);
    let answerer = world.answerer(&format!("{}/m", spoken.provider));
    Some(Rig { answerer, _server: Some(server), _world: None })
}

fn reply(wire: Wire, streamed: bool, situation: Situation) -> Option<Reply> {
    let sent = |said: Said| if streamed { wire.streamed(&said, true) } else { wire.whole(&said) };
    let tokens = Tokens { input: 11, output: 7, cached: 4, reasoning: 0 };
    let hello = Said { tokens, ..Said::text("m-1", "hello") };
    let ended = |finish: Finish| sent(Said { finish, ..Said::text("m-1", "sorry") });
    let error = |status: u16| wire.error(status, wire.word(status), "as it is");
    let drip = Delivery::Drip { bytes: 1, every: Duration::from_millis(10) };
    Some(match situation {
        Situation::Plain | Situation::Usage => sent(hello),
        Situation::Tools => sent(Said {
            text: String::new(),
            finish: Finish::ToolCalls,
            calls: ["Paris", "Zürich"]
                .map(|city| Called { name: "weather".into(), arguments: json!({"city": city}) })
                .into(),
            ..hello
        }),
        Situation::Length => ended(Finish::Length),
        Situation::ContentFilter => ended(Finish::ContentFilter),
        Situation::Refusal => ended(Finish::Refusal),
        Situation::BrokenOff => {
            let whole = sent(Said::text("m-1", "a long answer"));
            let most = whole.body().len() * 2 / 3;
            whole.delivered(Delivery::CutAfter(most))
        }
        Situation::ErrorInside if streamed => wire.error_in_stream("overloaded", "too much"),
        Situation::ErrorInside => error(500).status(200),
        Situation::Silence => sent(hello).delivered(Delivery::Silence),
        Situation::Fault(FailureKind::Connection) => sent(hello).delivered(Delivery::Hangup),
        Situation::Fault(FailureKind::RateLimit) => error(429),
        Situation::Fault(FailureKind::Quota) => {
            wire.error(429, "insufficient_quota", "You exceeded your current quota")
        }
        Situation::Fault(FailureKind::Server) => error(503),
        Situation::Fault(FailureKind::Credential) => error(401),
        Situation::Fault(FailureKind::BadRequest) => error(400),
        Situation::Fault(FailureKind::ModelTimeout) => sent(hello).delivered(drip),
        Situation::Fault(_) => return None,
    })
}

fn echo(situation: Situation) -> Option<Rig> {
    (situation == Situation::Plain).then(|| Rig::of(World::new().answerer("echo/any")))?
}

/// A program that says the same to every line.
fn exec(situation: Situation) -> Option<Rig> {
    let said = |rest: &str| format!("\"output\": \"hello\"{rest}");
    let reply = match situation {
        Situation::Plain => said(""),
        Situation::Usage => said(
            r#", "usage": {"input_tokens": 11, "output_tokens": 7, "cached_input_tokens": 4, "reasoning_tokens": 0}"#,
        ),
        Situation::Tools => r#""output": "", "finish_reason": "tool_calls", "tool_calls": [
            {"name": "weather", "arguments": {"city": "Paris"}}, {"name": "weather", "arguments": {"city": "Zürich"}}]"#
            .replace('\n', ""),
        Situation::Length => said(r#", "finish_reason": "length""#),
        Situation::ContentFilter => r#""output": "sorry", "finish_reason": "content_filter""#.to_owned(),
        Situation::Silence | Situation::Fault(FailureKind::ModelTimeout) => "sleep".to_owned(),
        Situation::Fault(FailureKind::Crash) => "crash".to_owned(),
        _ => return None,
    };
    let world = World::exec(&["sh", "-c", PROGRAM, "sh", &reply]);
    Some(Rig { answerer: world.answerer("exec/m"), _server: None, _world: Some(world) })
}

const PROGRAM: &str = r#"while read -r line; do
    case "$1" in
        sleep) sleep 60 ;;
        crash) echo "it broke" >&2; echo "twice" >&2; exit 3 ;;
    esac
    id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
    printf '{"id": %s, %s}\n' "$id" "$1"
done"#;

/// An application that answers in a shape of its own, and fails as servers do.
fn http(situation: Situation) -> Option<Rig> {
    let answer = || Reply::json(&json!({"data": {"said": "hello"}}));
    let reply = match situation {
        Situation::Plain => answer(),
        Situation::Silence => answer().delivered(Delivery::Silence),
        Situation::Usage | Situation::Tools | Situation::Length | Situation::ContentFilter => return None,
        Situation::Refusal => return None,
        // What it says of quotas and limits it says as everybody does.
        other => reply(Wire::Chat, false, other)?,
    };
    let server = Server::start(move |received| {
        assert_eq!(received.json()["ask"]["text"], "Sort. hello");
        reply.clone()
    });
    let mut world = World::new();
    world.environment.insert("HTTP_TARGET_URL".to_owned(), server.origin());
    world.files.insert(
        "request.json".to_owned(),
        r#"{"ask": {"text": "{{system}} {{input}}", "all": "{{messages}}"}}"#.to_owned(),
    );
    let (request, answer) = (Some("request.json".to_owned()), Some("/data/said".to_owned()));
    world.settings.insert("http".to_owned(), ProviderSettings { request, answer, ..ProviderSettings::default() });
    Some(Rig { answerer: world.answerer("http/m"), _server: Some(server), _world: None })
}

fn scripted(situation: Situation) -> Option<Rig> {
    let fault = |word: &str| format!("fault = \"{word}\"");
    let rule = match situation {
        Situation::Plain => "answer = \"{{input}}\"".to_owned(),
        Situation::Usage => "usage = { input_tokens = 11, output_tokens = 7, cached_input_tokens = 4 }".to_owned(),
        Situation::Length => "finish_reason = \"length\"".to_owned(),
        Situation::Silence => "latency = \"60m\"".to_owned(),
        Situation::Fault(FailureKind::Connection) => fault("connection"),
        Situation::Fault(FailureKind::RateLimit) => fault("rate-limit"),
        Situation::Fault(FailureKind::Quota) => fault("quota"),
        Situation::Fault(FailureKind::Server) => fault("server"),
        Situation::Fault(FailureKind::Credential) => fault("credential"),
        Situation::Fault(FailureKind::BadRequest) => fault("bad-request"),
        Situation::Fault(FailureKind::ModelTimeout) => fault("model-timeout"),
        Situation::Tools | Situation::Refusal | Situation::ContentFilter => return None,
        Situation::BrokenOff | Situation::ErrorInside | Situation::Fault(_) => return None,
    };
    Rig::of(World::scripted(&format!("[[rule]]\n{rule}")).answerer("scripted/any"))
}

fn replay(situation: Situation) -> Option<Rig> {
    let model = "openai/gpt-4.1-mini";
    let rest = match situation {
        Situation::Plain => "",
        Situation::Usage => ",\"usage\":{\"input_tokens\":11,\"output_tokens\":7,\"cached_input_tokens\":4}",
        Situation::Length => ",\"finish_reason\":\"length\"",
        Situation::Fault(FailureKind::MissingRecording) => ",\"trial\":2",
        _ => return None,
    };
    let digest = request(model, "a", "hello").digest;
    let line = format!("{{\"case\":\"a\",\"output\":\"hello\",\"request_digest\":\"{digest}\"{rest}}}\n");
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let world = World::new();
    let set = world.set(vec![recorded(model, Recording::open("r.jsonl", file, true).unwrap())]).unwrap();
    Rig::of(set.answerer(&Calling::retrying(world.retry.clone(), world.listener())))
}

fn asked(subject: &Subject) -> Request {
    Request { timeout_ms: 80, ..request(subject.model, "a", "hello") }
}

fn holds(subject: &Subject, situation: Situation, rig: &Rig) {
    let name = subject.name;
    if situation == Situation::Silence {
        return can_be_cancelled(subject, rig);
    }
    let mut request = asked(subject);
    // A busy machine takes longer than that to start a program.
    if subject.name == "exec" && situation != Situation::Fault(FailureKind::ModelTimeout) {
        request.timeout_ms = 20_000;
    }
    let answer: Answer = ask(&rig.answerer, request);
    assert!(answer.attempts <= 1, "{name}: one attempt is one attempt");
    let text = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer, "{name}: an answer travels as JSON");
    match (situation, answer.result) {
        (Situation::Plain, Ok(response)) => {
            assert_eq!((response.output.as_str(), &response.finish_reason), ("hello", &FinishReason::Stop), "{name}");
            let is_streamed = name.ends_with("streamed");
            assert_eq!(response.first_token_ms.is_some(), is_streamed, "{name}: the time to the first token");
        }
        (Situation::Usage, Ok(response)) => {
            assert_eq!(
                response.usage,
                Some(Usage { input_tokens: 11, output_tokens: 7, cached_input_tokens: 4, ..Usage::default() }),
                "{name}"
            );
        }
        (Situation::Tools, Ok(response)) => {
            let called: Vec<_> = response.tool_calls.iter().map(|call| (call.name.as_str(), &call.arguments)).collect();
            let expected = [json!({"city": "Paris"}), json!({"city": "Zürich"})];
            assert_eq!(called, [("weather", &expected[0]), ("weather", &expected[1])], "{name}");
            assert_eq!((response.output.as_str(), &response.finish_reason), ("", &FinishReason::ToolCalls), "{name}");
        }
        (Situation::ContentFilter | Situation::Refusal, Ok(response)) => {
            assert_eq!(
                (response.output.as_str(), &response.finish_reason),
                ("sorry", &FinishReason::ContentFilter),
                "{name}"
            );
        }
        (Situation::BrokenOff, Err(failure)) => assert_eq!(failure.kind, FailureKind::Connection, "{name}: {failure}"),
        (Situation::ErrorInside, Err(failure)) => assert_eq!(failure.kind, FailureKind::Server, "{name}: {failure}"),
        (Situation::Length, Ok(response)) => assert_eq!(response.finish_reason, FinishReason::Length, "{name}"),
        (Situation::Fault(kind), Err(failure)) => {
            assert_eq!(failure.kind, kind, "{name}: {failure}");
            assert!(!failure.message.is_empty() && !failure.message.contains('\n'), "{name}: {failure}");
        }
        (_, result) => panic!("{name} in {situation:?}: {result:?}"),
    }
}

/// Dropping the future ends the call: nothing hangs on, and the next call is made.
fn can_be_cancelled(subject: &Subject, rig: &Rig) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..2 {
        runtime.block_on(async {
            let patient = Request { timeout_ms: 60_000, ..asked(subject) };
            let call = rig.answerer.answer(patient);
            assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err(), "{}", subject.name);
        });
    }
}

#[test]
fn every_provider_passes_the_same_suite() {
    for subject in &SUBJECTS {
        let mut shown = 0;
        for situation in SITUATIONS {
            if let Some(rig) = (subject.rig)(situation) {
                holds(subject, situation, &rig);
                shown += 1;
            }
        }
        assert_eq!(shown, subject.situations, "{}", subject.name);
    }
}

/// The servers of OpenAI's shape are lines of one table over one wire; the suite is run over that. Python is run as a
/// program is.
#[test]
fn every_kind_of_the_registry_is_a_subject_of_the_suite() {
    let subjects = SUBJECTS.map(|subject| subject.name);
    let without: Vec<&str> = kinds().map(|kind| kind.name).filter(|name| !subjects.contains(name)).collect();
    let shaped = "deepseek fireworks groq litellm llamacpp lmstudio mistral moonshot ollama openrouter sglang together vllm xai python";
    assert_eq!(without.join(" "), shaped);
}
