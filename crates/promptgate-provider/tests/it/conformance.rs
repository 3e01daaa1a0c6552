//! What every provider must do, whatever is behind it. A new provider is one `Subject`; what it cannot bring about it says
//! by `None`, and then the suite asserts that nobody forgot to say so.

use std::time::Duration;

use promptgate_core::answer::{Answer, FailureKind, FinishReason, Usage};
use promptgate_core::request::Request;
use promptgate_provider::{Answerer, KINDS, LocalAnswerer, Recording};
use promptgate_testkit::model_server::{Delivery, ModelServer, Reply};
use serde_json::json;

use crate::support::{World, ask, recorded, request};

/// Something that a provider can be brought to do.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Situation {
    /// Answers "hello" to "hello".
    Plain,
    /// Reports 11 tokens read, 7 written.
    Usage,
    /// Stops at the token limit.
    Length,
    /// Fails.
    Fault(FailureKind),
    /// Never answers.
    Silence,
}

const SITUATIONS: [Situation; 12] = [
    Situation::Plain,
    Situation::Usage,
    Situation::Length,
    Situation::Silence,
    Situation::Fault(FailureKind::Connection),
    Situation::Fault(FailureKind::RateLimit),
    Situation::Fault(FailureKind::Quota),
    Situation::Fault(FailureKind::Server),
    Situation::Fault(FailureKind::Credential),
    Situation::Fault(FailureKind::BadRequest),
    Situation::Fault(FailureKind::ModelTimeout),
    Situation::Fault(FailureKind::MissingRecording),
];

/// A provider brought into a situation, and what keeps it there.
struct Rig {
    answerer: LocalAnswerer,
    _server: Option<ModelServer>,
}

impl Rig {
    fn of(answerer: LocalAnswerer) -> Option<Self> {
        Some(Self { answerer, _server: None })
    }
}

struct Subject {
    name: &'static str,
    model: &'static str,
    /// How many situations it can be brought into.
    situations: usize,
    rig: fn(Situation) -> Option<Rig>,
}

const SUBJECTS: [Subject; 4] = [
    Subject { name: "echo", model: "echo/any", situations: 1, rig: echo },
    Subject { name: "openai", model: "openai/gpt-4.1-mini", situations: 11, rig: openai },
    Subject { name: "replay", model: "openai/gpt-4.1-mini", situations: 4, rig: replay },
    Subject { name: "scripted", model: "scripted/any", situations: 11, rig: scripted },
];

fn echo(situation: Situation) -> Option<Rig> {
    (situation == Situation::Plain).then(|| Rig::of(World::new().answerer("echo/any")))?
}

fn scripted(situation: Situation) -> Option<Rig> {
    let fault = |word: &str| format!("fault = \"{word}\"");
    let rule = match situation {
        Situation::Plain => "answer = \"{{input}}\"".to_owned(),
        Situation::Usage => "usage = { input_tokens = 11, output_tokens = 7 }".to_owned(),
        Situation::Length => "finish_reason = \"length\"".to_owned(),
        Situation::Silence => "latency = \"60m\"".to_owned(),
        Situation::Fault(FailureKind::Connection) => fault("connection"),
        Situation::Fault(FailureKind::RateLimit) => fault("rate-limit"),
        Situation::Fault(FailureKind::Quota) => fault("quota"),
        Situation::Fault(FailureKind::Server) => fault("server"),
        Situation::Fault(FailureKind::Credential) => fault("credential"),
        Situation::Fault(FailureKind::BadRequest) => fault("bad-request"),
        Situation::Fault(FailureKind::ModelTimeout) => fault("model-timeout"),
        Situation::Fault(_) => return None,
    };
    Rig::of(World::scripted(&format!("[[rule]]\n{rule}")).answerer("scripted/any"))
}

fn openai(situation: Situation) -> Option<Rig> {
    let drip = Delivery::Drip { bytes: 1, every: Duration::from_millis(10) };
    let reply = match situation {
        Situation::Plain | Situation::Usage => Reply::answer("hello"),
        Situation::Length => {
            Reply::json(&json!({"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]}))
        }
        Situation::Silence => Reply::answer("x").delivered(Delivery::Silence),
        Situation::Fault(FailureKind::Connection) => Reply::answer("x").delivered(Delivery::CutAfter(20)),
        Situation::Fault(FailureKind::RateLimit) => Reply::error(429, "rate_limit_exceeded", "x"),
        Situation::Fault(FailureKind::Quota) => Reply::error(429, "insufficient_quota", "x"),
        Situation::Fault(FailureKind::Server) => Reply::error(500, "x", "x"),
        Situation::Fault(FailureKind::Credential) => Reply::error(401, "x", "x"),
        Situation::Fault(FailureKind::BadRequest) => Reply::error(400, "x", "x"),
        Situation::Fault(FailureKind::ModelTimeout) => Reply::answer("x").delivered(drip),
        Situation::Fault(_) => return None,
    };
    let server = ModelServer::start(move |_| reply.clone());
    Some(Rig { answerer: World::openai(&server.base_url()).answerer("openai/gpt-4.1-mini"), _server: Some(server) })
}

fn replay(situation: Situation) -> Option<Rig> {
    let model = "openai/gpt-4.1-mini";
    let rest = match situation {
        Situation::Plain => "",
        Situation::Usage => ",\"usage\":{\"input_tokens\":11,\"output_tokens\":7}",
        Situation::Length => ",\"finish_reason\":\"length\"",
        Situation::Fault(FailureKind::MissingRecording) => ",\"trial\":2",
        Situation::Silence | Situation::Fault(_) => return None,
    };
    let digest = request(model, "a", "hello").digest;
    let line = format!("{{\"case\":\"a\",\"output\":\"hello\",\"request_digest\":\"{digest}\"{rest}}}\n");
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let world = World::new();
    let set = world.set(vec![recorded(model, Recording::open("r.jsonl", file, true).unwrap())]).unwrap();
    Rig::of(set.answerer(&world.retry, &world.listener(), None))
}

fn asked(subject: &Subject) -> Request {
    Request { timeout_ms: 80, ..request(subject.model, "a", "hello") }
}

fn holds(subject: &Subject, situation: Situation, rig: &Rig) {
    let name = subject.name;
    if situation == Situation::Silence {
        return can_be_cancelled(subject, rig);
    }
    let answer: Answer = ask(&rig.answerer, asked(subject));
    assert!(answer.attempts <= 1, "{name}: one attempt is one attempt");
    let text = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer, "{name}: an answer travels as JSON");
    match (situation, answer.result) {
        (Situation::Plain, Ok(response)) => {
            assert_eq!((response.output.as_str(), &response.finish_reason), ("hello", &FinishReason::Stop), "{name}");
        }
        (Situation::Usage, Ok(response)) => {
            assert_eq!(
                response.usage,
                Some(Usage { input_tokens: 11, output_tokens: 7, ..Usage::default() }),
                "{name}"
            );
        }
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

#[test]
fn every_kind_of_the_registry_is_a_subject_of_the_suite() {
    let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(kinds, SUBJECTS.map(|subject| subject.name));
}
