//! Keys stay where they belong: 16 shapes of canaries through every failure, and nothing of a body in any log.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use promptgate_core::answer::Answer;
use promptgate_core::secret::Scrubber;
use promptgate_mock::{Delivery, Received, Reply, Server};

use serde_json::json;

use crate::support::{World, ask, request};

const MODEL: &str = "openai/gpt-4.1-mini";

/// Keys of differing shape, each a value that a header can carry.
const CANARIES: [&str; 16] = [
    "sk-canary-0123456789abcdef",
    "sk-proj-canary_ABCdef0123456789",
    "c4n4ry-8",
    "0123456789abcdef0123456789abcdef",
    "canary/with/slashes==",
    "canary+plus+signs",
    "canary with spaces",
    "canary\"quotes\"inside",
    "canary\\back\\slashes",
    "canary%25percent",
    "canary<angle>&amp;",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl",
    "CANARYUPPERCASE12345",
    "canary.dots.and-dashes_",
    "'canary single quotes'",
    "canary:colons:user:pass@host",
];

/// A server that repeats the key it was sent in every way that servers do.
fn echoing(received: &Received) -> Reply {
    let header = received.header("authorization").unwrap_or_default().to_owned();
    let key = header.strip_prefix("Bearer ").unwrap_or_default();
    match received.number % 6 {
        0 => Reply::error(401, "invalid_api_key", &format!("Incorrect API key provided: {key}.")),
        1 => Reply::error(400, key, &header),
        2 => Reply::raw(format!("no such key: {key}")).header("content-type", "text/plain").status(500),
        3 => Reply::error(429, "x", "x").header("x-request-id", key),
        4 => {
            Reply::raw("").status(302).header("location", &format!("http://elsewhere/?key={}", key.replace(' ', "%20")))
        }
        _ => Reply::json(&json!({"error": {"message": header, "code": 500}})),
    }
}

fn shown(answer: &Answer) -> String {
    format!("{answer:?} {}", serde_json::to_string(answer).unwrap())
}

#[test]
fn no_failure_holds_a_key_that_a_server_repeats() {
    for canary in CANARIES {
        let server = Server::start(echoing);
        let world = World::openai(&server.base_url()).key(canary);
        for _ in 0..6 {
            // A new one each time: after a refusal the next call has to wait.
            let answer = ask(&world.answerer(MODEL), request(MODEL, "a", "hello"));
            assert!(answer.result.is_err());
            let shown = shown(&answer);
            assert!(!shown.contains(canary) && !world.scrubber.finds(&shown), "{canary}: {shown}");
        }
        assert_eq!(server.received()[0].header("authorization"), Some(format!("Bearer {canary}").as_str()));
    }
}

#[test]
fn a_text_is_scrubbed_before_it_is_cut() {
    let key = CANARIES[0];
    for before in (270..300).step_by(5) {
        let message = format!("{}{key}", "x".repeat(before));
        let server = Server::start(move |_| Reply::error(400, "x", &message));
        let answerer = World::openai(&server.base_url()).key(key).answerer(MODEL);
        let shown = shown(&ask(&answerer, request(MODEL, "a", "hello")));
        assert!(!shown.contains(&key[..4]), "{shown}");
    }
}

#[test]
fn an_answer_that_repeats_a_key_comes_without_it() {
    let server = Server::start(|received| {
        let key = received.header("authorization").unwrap_or_default().to_owned();
        let call = json!({"id": key, "function": {"name": key, "arguments": json!({"a": [key]}).to_string()}});
        let message = json!({"content": key, "tool_calls": [call]});
        Reply::json(&json!({"model": key, "choices": [{"finish_reason": key, "message": message}]}))
    });
    let answerer = World::openai(&server.base_url()).key(CANARIES[1]).answerer(MODEL);
    let answer = shown(&ask(&answerer, request(MODEL, "a", "hello")));
    assert_eq!(answer.to_lowercase().matches("canary").count(), 0, "{answer}");
    assert!(answer.contains("Bearer [secret]"), "{answer}");
}

#[test]
fn a_key_is_learnt_before_the_first_call() {
    let world = World::openai("https://gateway.example/v1").key("sk-canary-0123456789abcdef");
    world.build(MODEL).unwrap();
    assert!(world.scrubber.finds("Bearer sk-canary-0123456789abcdef"));
}

#[test]
fn a_proxy_never_sees_plain_http() {
    let server = Server::answering("hi");
    let proxy = Server::answering("through the proxy");
    let mut world = World::openai(&server.base_url()).key("sk-canary-0123456789abcdef");
    let address = proxy.base_url().replace("http://", "http://user:hunter2hunter2@");
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        world.environment.insert(name.to_owned(), address.clone());
    }
    ask(&world.answerer(MODEL), request(MODEL, "a", "hello")).result.unwrap();
    assert_eq!((server.count(), proxy.count()), (1, 0));
}

#[test]
fn what_the_environment_says_of_proxies_is_learnt_whoever_takes_them() {
    let environment = |name: &str| {
        let value = match name {
            "HTTPS_PROXY" => "http://me:swordfish%40sea@proxy.example:3128",
            "http_proxy" => "https://me:hunter2hunter2@proxy.example",
            "ALL_PROXY" => "token-0123456789@proxy.example:3128",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let scrubber = Scrubber::new();
    promptgate_provider::learn_keys(&BTreeMap::new(), &environment, &scrubber);
    for secret in ["swordfish%40sea", "swordfish@sea", "hunter2hunter2", "token-0123456789"] {
        assert_eq!(scrubber.scrub(&format!("at {secret}!")), "at [secret]!");
    }
    assert!(!scrubber.finds("http://me@proxy.example:3128"));
}

#[test]
fn a_proxy_of_another_kind_is_refused_where_it_would_be_needed_alone() {
    let mut world = World::openai("https://gateway.example/v1").key("sk-canary-0123456789abcdef");
    world.environment.insert("ALL_PROXY".to_owned(), "socks5://127.0.0.1:1080".to_owned());
    let refused = world.build(MODEL).err().unwrap().to_string();
    assert!(refused.contains("`ALL_PROXY` names a proxy of the kind `socks5`"), "{refused}");
    world.environment.insert("NO_PROXY".to_owned(), String::new());
    world.environment.insert("no_proxy".to_owned(), "elsewhere.example, .example".to_owned());
    world.build(MODEL).unwrap();
    let server = Server::answering("hi");
    let mut world = World::openai(&server.base_url()).key("sk-canary-0123456789abcdef");
    world.environment.insert("ALL_PROXY".to_owned(), "socks5://127.0.0.1:1080".to_owned());
    ask(&world.answerer(MODEL), request(MODEL, "a", "hello")).result.unwrap();
}

/// Collects what is logged at every level, from every target.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn neither_bodies_nor_keys_are_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!("the log works");
        let replies = [
            Reply::answer("body-canary"),
            Reply::raw("body-canary is not JSON"),
            Reply::raw("{\"choices\": \"body-canary"),
            Reply::raw("{\"body-canary\": 1e999}"),
            Reply::raw(format!("{{\"body-canary\": {}1{}}}", "[".repeat(500), "]".repeat(500))),
            Reply::raw(b"{\"body-canary\": \"\xff\"}".to_vec()),
            Reply::raw("<html>body-canary</html>").status(429),
            Reply::raw("body-canary").status(500),
            Reply::error(503, "x", "body-canary"),
            Reply::answer("body-canary").delivered(Delivery::CutAfter(90)),
        ];
        for reply in replies {
            let server = Server::start(move |_| reply.clone());
            let answerer = World::openai(&server.base_url()).key("sk-canary-0123456789abcdef").answerer(MODEL);
            let _ = ask(&answerer, request(MODEL, "a", "prompt-canary"));
        }
    });
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("the log works"));
    for canary in ["body-canary", "prompt-canary", "sk-canary"] {
        assert!(!logged.contains(canary), "{canary} in:\n{logged}");
    }
}
