//! Programs of the user's own: what a pool of them does beside what every provider does.

use std::time::Duration;

use promptgate_core::ExitCode;
use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::ask::{Consultant, Consultation};
use promptgate_core::python::python_command;
use promptgate_core::request::Request;
use promptgate_core::secret::Secret;
use promptgate_mock::{Reply, Server};
use promptgate_provider::{Answerer, Calling, LocalAnswerer, RetryPolicy};
use promptgate_testkit::has_python;
use serde_json::{Value, json};

use crate::support::{World, ask, request};

fn program(script: &str) -> Consultant {
    Consultant::Program { command: ["sh", "-c", script].map(str::to_owned).to_vec(), folder: String::new() }
}

fn consulted(world: &World, consultant: &Consultant) -> LocalAnswerer {
    let set = world.asking(Vec::new(), Vec::new(), vec![consultant.clone()]).unwrap();
    set.answerer(&Calling::retrying(world.retry.clone(), world.listener()))
}

/// What it says to several questions, one after the other.
fn replies(
    world: &World,
    consultant: &Consultant,
    questions: &[Value],
    timeout_ms: u64,
) -> Vec<Result<Value, Failure>> {
    replies_of(&consulted(world, consultant), consultant, questions, timeout_ms)
}

fn replies_of(
    answerer: &LocalAnswerer,
    consultant: &Consultant,
    questions: &[Value],
    timeout_ms: u64,
) -> Vec<Result<Value, Failure>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut said = Vec::new();
        for input in questions {
            let (whom, input) = (consultant.clone(), input.clone());
            said.push(answerer.consult(Consultation { whom, input, timeout_ms }).await);
        }
        said
    })
}

fn allowed() -> World {
    World { allow_exec: true, ..World::new() }
}

const QUESTIONS: fn() -> Vec<Value> = || vec![json!({"output": "a"}), json!({"output": "b"})];

#[test]
fn a_process_is_asked_again_and_a_broken_one_is_replaced() {
    let check = |script: &str, expected: [&str; 2]| {
        let said: Vec<String> = replies(&allowed(), &program(script), &QUESTIONS(), 2_000)
            .into_iter()
            .map(|reply| reply.map_or_else(|failure| failure.message, |value| value.to_string()))
            .collect();
        assert_eq!(said, expected, "{script}");
    };
    let count = |said: &str| {
        format!(
            r#"n=0; while read -r line; do n=$((n+1)); id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/'); {said}; done"#
        )
    };
    check(&count(r#"echo "{\"id\": $id, \"n\": $n}""#), [r#"{"n":1}"#, r#"{"n":2}"#]);
    // One that is over after each answer is started anew.
    check(&count(r#"echo "{\"id\": $id, \"n\": $n}"; exit 0"#), [r#"{"n":1}"#, r#"{"n":1}"#]);
    check(&count("echo nonsense"), ["`sh` printed a line that is no JSON object: nonsense"; 2]);
    check(&count(r#"echo '{"id": 7}'"#), ["`sh` answered with the id 7, which is not that of the question"; 2]);
    check(&count(r#"echo '{"score": 1}'"#), ["`sh` answered with the id (none), which is not that of the question"; 2]);
    check(
        &count(r#"echo "{\"id\": $id, \"error\": \"no idea $n\"}""#),
        ["`sh` reports: no idea 1", "`sh` reports: no idea 2"],
    );
    check(
        &count(r#"echo "{\"id\": $id, \"score\": 0, \"score\": 1}""#),
        ["`sh` answered with the key `score` twice"; 2],
    );
    // Half of a surrogate pair, as of a text that was cut inside an emoji, hides no key that stands twice.
    check(&count(r#"echo "{\"id\": $id, \"reason\": \"Hi \\ud83d\"}""#), ["{\"reason\":\"Hi \u{fffd}\"}"; 2]);
    check(
        &count(r#"echo "{\"id\": $id, \"reason\": \"\\ud83d\", \"score\": 0, \"score\": 1}""#),
        ["`sh` answered with the key `score` twice"; 2],
    );
    // What it said of an earlier question is not of this one.
    check(
        &count(r#"echo "of $n" >&2; if [ $n = 2 ]; then sleep 30; fi; echo "{\"id\": $id, \"n\": $n}""#),
        [r#"{"n":1}"#, "`sh` took longer than 2000 ms; it said: of 2"],
    );
    check("echo so >&2; exit 3", ["`sh` ended without an answer (exit status: 3); it said: so"; 2]);
    check(&count("sleep 30"), ["`sh` took longer than 2000 ms"; 2]);
}

/// A line that nobody asked for must not become the answer to the next question.
#[test]
fn an_answer_too_many_never_reaches_another_question() {
    let doubled = r#"while read -r line; do id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/');
        echo "{\"id\": $id, \"of\": \"first\"}"; echo "{\"id\": 2, \"of\": \"stray\"}"; done"#;
    let said = replies(&allowed(), &program(doubled), &QUESTIONS(), 2_000);
    assert_eq!(said[0].as_ref().unwrap(), &json!({"of": "first"}));
    // Seen in time or not, the process is replaced.
    assert_eq!(said[1].as_ref().unwrap(), &json!({"of": "first"}));
}

/// Answers `reply`, then does what `then` says; `$id` is the id of the question.
fn answering(reply: &str, then: &str) -> Consultant {
    program(&format!(
        r#"while read -r line; do id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/'); echo "{reply}"; {then}; done"#
    ))
}

const RIGHT: &str = r#"{\"id\": $id, \"n\": 1}"#;

#[test]
fn a_process_that_ends_or_speaks_late_costs_no_other_question() {
    let ends = [
        "exit 0",
        "(sleep 0.02; echo stray) & :",
        // The next id cannot be told from this one.
        r#"echo "{\"id\": $((id+1)), \"forged\": true}""#,
        r#"(sleep 0.02; echo "{\"id\": $((id+1)), \"forged\": true}") & :"#,
    ];
    for then in ends {
        let questions: Vec<Value> = (0..10).map(|n| json!({"output": n})).collect();
        for said in replies(&allowed(), &answering(RIGHT, then), &questions, 20_000) {
            assert_eq!(said.unwrap(), json!({"n": 1}), "{then}");
        }
    }
}

#[test]
fn what_a_program_says_is_scrubbed_before_it_is_cut() {
    let key = "sk-canary-0123456789abcdef";
    let world = allowed();
    world.scrubber.learn(&Secret::new(key));
    let check = |script: &str| {
        let failure = replies(&world, &program(script), &QUESTIONS()[..1], 20_000).remove(0).unwrap_err();
        assert!(!failure.message.contains("canary"), "{failure}");
        failure.message
    };
    // As the end of what was said would begin with all of the key but its first character.
    let filled = |count: usize| format!("$(printf 'B%.0s' $(seq {count}))");
    let said =
        check(&format!("read -r line; echo '{} {key}'{} >&2; exit 3", "A".repeat(50), filled(2_001 - key.len())));
    assert!(said.contains("[secret]"), "{said}");
    // Much more than is kept.
    let long = "x ".repeat(5_000);
    check(&format!("read -r line; for n in $(seq 30); do echo '{long}{key}'; done >&2; exit 3"));
    let said = check(&format!("read -r line; echo '{}{key} and more'", "A".repeat(190)));
    assert!(said.contains("A[secret]"), "{said}");
}

#[test]
fn starting_up_is_no_part_of_an_answer() {
    let slow = r#"sleep 2; while read -r line; do
        id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/'); echo "{\"id\": $id, \"output\": \"a\"}"; done"#;
    let world = World::exec(&["sh", "-c", slow]);
    let asked = Request { timeout_ms: 1_500, ..request("exec/m", "a", "hello") };
    let response = ask(&world.answerer("exec/m"), asked).result.unwrap();
    assert!(response.latency_ms.is_some_and(|latency| latency < 1_500), "{:?}", response.latency_ms);
}

#[test]
fn an_endpoint_is_asked_again_as_a_model_is() {
    let server = Server::start(|received| match received.number {
        1 => Reply::raw("busy").status(503),
        2 => Reply::error(429, "x", "too many").header("retry-after", "1"),
        3 => Reply::json(&json!({"score": 1.0})),
        _ => Reply::raw("busy").status(503),
    });
    let whom = Consultant::Endpoint(server.origin());
    let said = replies(&allowed().retrying(5), &whom, &QUESTIONS()[..1], 20_000).remove(0);
    assert_eq!((said.unwrap(), server.count()), (json!({"score": 1.0}), 3));
    let said = replies(&allowed().retrying(1), &whom, &QUESTIONS()[..1], 20_000).remove(0);
    assert_eq!((said.unwrap_err().kind, server.count()), (FailureKind::Server, 4));
}

#[test]
fn what_an_endpoint_says_wrongly_is_told_as_a_scorers_and_asked_for_once() {
    let check = |reply: Reply, kind: FailureKind, said: &str| {
        let server = Server::start(move |_| reply.clone());
        let whom = Consultant::Endpoint(server.origin());
        let failure = replies(&allowed().retrying(2), &whom, &QUESTIONS()[..1], 20_000).remove(0).unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str(), server.count()), (kind, said, 1));
    };
    let number = |text: &str| format!("the endpoint answered with a score that is no finite number: {text}");
    for text in [
        "{\"score\": NaN}",
        "{\"score\": Infinity}",
        "{\"score\": -Infinity}",
        "{\"reason\": \"a\",\n\"score\":NaN}",
        "{\"score\": 1e400}",
    ] {
        check(Reply::raw(text), FailureKind::Crash, &number(&text.replace('\n', " ")));
    }
    let twice = "{\"score\": 0.1, \"score\": 0.9}";
    let told = format!("the endpoint answered with the key `score` twice: {twice}");
    check(Reply::raw(twice), FailureKind::Crash, &told);
    check(
        Reply::raw("no").status(404),
        FailureKind::NotFound,
        "HTTP 404: a body of 2 bytes (no content type) that is not JSON; the API is not there, look at the `url` of the \
         assertion",
    );
    check(
        Reply::error(401, "no_key", "who are you?"),
        FailureKind::Credential,
        "HTTP 401: who are you? (no_key); no key is sent to an endpoint that scores, so it must take calls without one",
    );
}

#[test]
fn a_reason_that_was_cut_inside_an_emoji_is_read() {
    let server = Server::start(|_| Reply::raw(r#"{"score": 1, "reason": "Hi \ud83d"}"#));
    let whom = Consultant::Endpoint(server.origin());
    let said = replies(&allowed(), &whom, &QUESTIONS()[..1], 20_000).remove(0);
    assert_eq!(said.unwrap(), json!({"score": 1, "reason": "Hi \u{fffd}"}));
}

#[test]
fn an_endpoint_that_answers_nothing_is_not_asked_on_and_on() {
    let server = Server::start(|_| Reply::raw("busy").status(503));
    let whom = Consultant::Endpoint(server.origin());
    let world = allowed();
    let calling = Calling { fail_fast: true, ..Calling::retrying(RetryPolicy::none(), world.listener()) };
    let answerer = world.asking(Vec::new(), Vec::new(), vec![whom.clone()]).unwrap().answerer(&calling);
    let said = replies_of(&answerer, &whom, &QUESTIONS()[..2], 20_000);
    assert_eq!(server.count(), 1);
    let second = said[1].as_ref().unwrap_err();
    assert!(second.message.starts_with("not called, since an earlier request failed: "), "{second}");
}

#[test]
fn what_a_program_started_ends_with_it() {
    let world = allowed();
    let mark = world.root.path().join("alive");
    let script = format!("read -r line; (sleep 1; touch {}) & sleep 30", mark.display());
    let said = replies(&world, &program(&script), &QUESTIONS()[..1], 100);
    assert_eq!(said[0].as_ref().unwrap_err().kind, FailureKind::ModelTimeout);
    std::thread::sleep(Duration::from_millis(1_200));
    assert!(!mark.exists());
}

#[test]
fn programs_are_off_unless_they_are_allowed() {
    let world = World::new();
    let refused = world.asking(Vec::new(), Vec::new(), vec![program("true")]).err().unwrap().to_string();
    assert!(refused.contains("programs are off") && refused.contains("--allow-exec"), "{refused}");
    let mut target = World::exec(&["true"]);
    target.allow_exec = false;
    let refused = target.build("exec/m").err().unwrap().to_string();
    assert!(refused.contains("[provider.exec] runs a program, and programs are off"), "{refused}");
}

const METRICS: &str = r#"
from __future__ import annotations
import asyncio
from dataclasses import dataclass

print("a line that would break the protocol")

def tone(output):
    return 1.0 if "please" in output else 0.25

def keyed(output, context):
    print("noise")
    return {"score": 0.5, "reason": context["case"]["id"]}

async def slow(output):
    return output == "a"

def broken(output):
    raise ValueError("no tone\nin here")

def nothing_like_a_score(output):
    return float("nan")

def text(output):
    return "0.5"

def raw(output):
    return b"1"

@dataclass
class Scalar:
    value: float = 0.5

    def __float__(self):
        return self.value

def scalar(output):
    return Scalar()

kept = None

async def keeps(output):
    global kept
    kept = kept or asyncio.get_running_loop()
    return kept is asyncio.get_running_loop()
"#;

#[test]
fn a_python_function_is_a_scorer() {
    if !has_python() {
        return;
    }
    let world = allowed();
    std::fs::write(world.root.path().join("metrics.py"), METRICS).unwrap();
    let check = |function: &str, expected: &str| {
        let whom = Consultant::Program { command: python_command("metrics.py", function), folder: String::new() };
        let question = json!({"ask": "score", "output": "a", "case": {"id": "c-1"}});
        let said = replies(&world, &whom, &[question.clone(), question], 20_000);
        for reply in said {
            let said = reply.map_or_else(|failure| failure.message, |value| value.to_string());
            assert!(said.starts_with(expected), "{function}: {said}");
        }
    };
    check("tone", r#"{"score":0.25}"#);
    check("keyed", r#"{"score":0.5,"reason":"c-1"}"#);
    check("slow", r#"{"score":1.0,"passed":true}"#);
    check("broken", "`broken of metrics.py` reports: ValueError: no tone | in here (metrics.py:19)");
    check("nothing_like_a_score", "`nothing_like_a_score of metrics.py` reports: ValueError");
    check(
        "text",
        "`text of metrics.py` reports: TypeError: a scorer returns True, False, a number or a dict, and not 'str'",
    );
    check("raw", "`raw of metrics.py` reports: TypeError");
    check("scalar", r#"{"score":0.5}"#);
    // A client that the first question made belongs to the loop that it was made in.
    check("keeps", r#"{"score":1.0,"passed":true}"#);
    check("tune", "`tune of metrics.py` ended without an answer (exit status: 1); it said: ");
}

/// A world with an application that is a function of a Python file.
fn python_application(code: &str) -> World {
    let mut world = allowed();
    std::fs::write(world.root.path().join("app.py"), code).unwrap();
    let settings = crate::support::settings(|settings| {
        settings.file = Some("app.py".to_owned());
        settings.function = Some("answer".to_owned());
    });
    world.settings.insert("python".to_owned(), settings);
    world
}

fn answer_of(world: &World, asked: Request) -> Result<String, Failure> {
    let asked = Request { timeout_ms: 20_000, ..asked };
    ask(&world.answerer("python/app"), asked).result.map(|response| response.output)
}

#[test]
fn a_python_function_is_an_application_under_test() {
    if !has_python() {
        return;
    }
    let world = python_application("def answer(input, context):\n    return context['system'] + ' ' + input.upper()\n");
    assert_eq!(answer_of(&world, request("python/app", "a", "hello")).unwrap(), "Sort. HELLO");
}

#[test]
fn a_python_file_that_is_not_there_is_told_before_anything_is_asked() {
    let world = python_application("def answer(input):\n    return input\n");
    assert!(world.build("python/app").is_ok());
    std::fs::remove_file(world.root.path().join("app.py")).unwrap();
    let told = world.build("python/app").err().unwrap();
    assert_eq!(told.exit_code(), ExitCode::Usage);
    insta::assert_snapshot!(told, @"`file` of [provider.python]: there is no file `app.py`; name it as seen from the folder of promptgate.toml");
}

#[test]
fn a_python_application_sees_an_image_or_says_that_it_does_not() {
    if !has_python() {
        return;
    }
    let mut asked = request("python/app", "a", "What is it?");
    let image = json!({"media": {"url": "https://images.example/cat.png"}});
    asked.body.messages[1].content.push(serde_json::from_value(image).unwrap());
    let sees = "def answer(input, context):\n    return context['messages'][1]['content'][1]['media']['url']\n";
    assert_eq!(answer_of(&python_application(sees), asked.clone()).unwrap(), "https://images.example/cat.png");
    let blind = "def answer(input):\n    return 'a dog'\n";
    let told = answer_of(&python_application(blind), asked).unwrap_err().message;
    assert!(told.contains("the messages hold more than texts: take a second argument"), "{told}");
}
