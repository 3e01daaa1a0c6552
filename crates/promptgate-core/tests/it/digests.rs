//! What changes a digest and what does not: the input of a case, and the policy of a gate.

use promptgate_core::Digest;
use promptgate_core::case::{Case, CaseInput};
use promptgate_core::format::cases::parse_json_line;
use promptgate_core::format::suite;
use promptgate_core::suite::SuiteDefaults;
use serde_json::Map;

fn input(line: &str) -> Digest {
    let Case { vars, messages, .. } = parse_json_line(line.as_bytes(), "c", 1, &Map::new()).unwrap();
    CaseInput { vars, messages, files: Vec::new() }.digest()
}

#[test]
fn the_input_digest_covers_variables_and_turns_and_nothing_else_of_a_case() {
    let base = input(r#"{"id":"a","vars":{"x":1,"y":"z"},"messages":[{"role":"user","content":"hi"}]}"#);
    for same in [
        r#"{"id":"b","vars":{"y":"z","x":1.0},"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#,
        r#"{"id":"a","vars":{"x":1,"y":"z"},"messages":[{"role":"user","content":"hi"}],"expected":1,"tags":["t"],"cluster":"c"}"#,
        r#"{"id":"a","vars":{"x":1,"y":"z"},"messages":[{"role":"user","content":"hi"}],"threshold":0.5,"assert":[{"kind":"json"}]}"#,
        r#"{"id":"a","vars":{"x":1,"y":"z"},"messages":[{"role":"user","content":"hi"}],"origin":1,"metadata":{"m":1}}"#,
    ] {
        assert_eq!(input(same), base, "{same}");
    }
    for other in [
        r#"{"id":"a","vars":{"x":2,"y":"z"},"messages":[{"role":"user","content":"hi"}]}"#,
        r#"{"id":"a","vars":{"x":"1","y":"z"},"messages":[{"role":"user","content":"hi"}]}"#,
        r#"{"id":"a","vars":{"x":1,"y":"z","w":null},"messages":[{"role":"user","content":"hi"}]}"#,
        r#"{"id":"a","vars":{"x":1,"y":"z"},"messages":[{"role":"user","content":"hi "}]}"#,
        r#"{"id":"a","vars":{"x":1,"y":"z"},"messages":[{"role":"model","content":"hi"}]}"#,
        r#"{"id":"a","vars":{"x":1,"y":"z"}}"#,
    ] {
        assert_ne!(input(other), base, "{other}");
    }
    let with =
        |text: &[u8]| CaseInput { files: vec![("a.png".into(), Digest::of_bytes(text))], ..CaseInput::default() };
    assert_ne!(with(b"1").digest(), with(b"2").digest());
}

const GATE: &str = "baseline = \"p@git:main\"\n\
    [[gate.check]]\nmetric = \"pass_rate\"\nallowed_drop = \"5pt\"\n\
    [[gate.check]]\nrule = \"must-pass\"\ncases = { tag = \"a\" }\n";

fn policy(head: &str, gate: &str) -> Digest {
    let text = format!("name = \"s\"\nprompt = \"p\"\ncases.file = \"c.jsonl\"\n{head}[gate]\n{gate}");
    suite::parse(&text, "suite.toml", &SuiteDefaults::default()).unwrap().gate.unwrap().digest()
}

#[test]
fn the_policy_digest_covers_the_resolved_gate_and_not_how_it_is_written() {
    let base = policy("", GATE);
    let spelled = "confidence = 0.95\nflips = 9999\nscope = \"population\"\nbaseline =";
    for (head, gate) in [
        ("", GATE.replace("\"5pt\"", "0.05  # five points")),
        ("", GATE.replace("baseline =", spelled)),
        ("", GATE.replace("allowed_drop", "tier = \"critical\"\nallowed_drop")),
        ("", GATE.replace("{ tag = \"a\" }", "{ tag = [\"a\"] }\nconfirm = 0")),
        ("seed = 9\ntrials = 5\n[[assert]]\nkind = \"json\"\n", GATE.to_owned()),
    ] {
        assert_eq!(policy(head, &gate), base, "{head}{gate}");
    }
    for gate in [
        GATE.replace("5pt", "4pt"),
        GATE.replace("pass_rate\"\n", "pass_rate\"\nslice = { tag = \"a\" }\n"),
        GATE.replace("tag = \"a\"", "tag = \"b\""),
        GATE.replace("must-pass", "no-new-break"),
        GATE.replace("p@git:main", "p@git:next"),
        GATE.replace("allowed_drop", "tier = \"advisory\"\nallowed_drop"),
        GATE.replace("baseline =", "require = \"no-regression-found\"\nbaseline ="),
        GATE.replace("baseline =", "max_missing = 0.1\nbaseline ="),
        GATE.replace("baseline =", "max_age = \"14d\"\nbaseline ="),
        GATE.replace("baseline =", "strict = true\nbaseline ="),
    ] {
        assert_ne!(policy("", &gate), base, "{gate}");
    }
}
