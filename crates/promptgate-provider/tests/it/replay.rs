//! Replay: a recorded output is served only for the very request it answered.

use std::fs::File;
use std::io::Write;

use promptgate_core::answer::{FailureKind, FinishReason};
use promptgate_core::digest::Digest;
use promptgate_core::format::recording::{RecordedLine, to_json_line};
use promptgate_core::name::{CaseId, ModelId, PromptId};
use promptgate_core::request::{Origin, Request};
use promptgate_provider::{Calling, Lookup, Recording};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{World, ask, failure, of_body, recorded, request, response};

const MODEL: &str = "openai/gpt-4.1-mini";

fn file(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

fn open(text: &str, bound: bool) -> Recording {
    Recording::open("r.jsonl", file(text), bound).unwrap()
}

fn asked(case: &str) -> Request {
    request(MODEL, case, &format!("the input of {case}"))
}

/// The line that answers a request.
fn line(request: &Request, output: &str) -> String {
    let response = promptgate_core::answer::Response::text(output);
    to_json_line(&RecordedLine::of(request, &response)) + "\n"
}

fn lines(cases: std::ops::Range<usize>) -> String {
    cases.map(|case| asked(&format!("c{case}"))).map(|request| line(&request, request.origin.case().as_str())).collect()
}

fn check(recording: &Recording, request: &Request, expected: Lookup) {
    assert_eq!(recording.check(request).unwrap(), expected);
    assert_eq!(recording.respond(request).is_ok(), expected == Lookup::Found, "a plan and a run see the same");
}

#[test]
fn a_recorded_answer_is_served_with_all_that_was_recorded_and_no_call_is_counted() {
    let text = line(&asked("a"), "billing").replace(
        "\"finish_reason\":\"stop\"",
        "\"finish_reason\":\"length\",\"usage\":{\"input_tokens\":1000,\"output_tokens\":0},\"latency_ms\":450",
    );
    let set = World::new().set(vec![recorded(MODEL, open(&text, true))]).unwrap();
    let world = World::new();
    let answer = ask(&set.answerer(&Calling::retrying(world.retry.clone(), world.listener())), asked("a"));
    assert_eq!((answer.attempts, answer.wasted), (0, None));
    let response = response(answer);
    assert_eq!((response.output.as_str(), &response.finish_reason), ("billing", &FinishReason::Length));
    assert_eq!((response.latency_ms, response.cost.map(|cost| cost.0)), (Some(450), Some(400_000)));
    assert!(response.bound);
    let digest = Digest::of_bytes(text.as_bytes());
    assert_eq!(set.source(&ModelId::new(MODEL).unwrap()), Some(format!("replay:{digest}")));
}

#[test]
fn a_miss_is_an_error_and_never_a_call() {
    let set = World::new().set(vec![recorded(MODEL, open(&lines(0..3), true))]).unwrap();
    let world = World::new().retrying(5);
    let answer = ask(&set.answerer(&Calling::retrying(world.retry.clone(), world.listener())), asked("c9"));
    assert_eq!((answer.attempts, world.waits().len()), (0, 0));
    let failed = failure(answer);
    assert_eq!(failed.kind, FailureKind::MissingRecording);
    insta::assert_snapshot!(failed, @"r.jsonl: no answer to case `c9`, trial 1: no line; to record anew: --live --record");
}

#[test]
fn a_miss_names_the_line_that_is_nearest_and_in_what_it_differs() {
    let case = |prompt: &str, model: &str| {
        let case = CaseId::new("refund-17").unwrap();
        let origin = Origin::Trial { prompt: PromptId::new(prompt).unwrap(), case };
        Request { origin, ..request(model, "refund-17", "the same") }
    };
    let held = [case("triage", MODEL), case("triage", "openai/gpt-4.1"), case("triage.terse", "openai/gpt-4.1")];
    let recording = open(&held.each_ref().map(|request| line(request, "kept")).concat(), true);
    let near = |request: &Request| recording.near(request, &recording.check(request).unwrap()).unwrap();
    let other = |id: &str| Request { origin: asked(id).origin, ..case("triage", MODEL) };

    assert_eq!(near(&Request { repeat: 3, ..case("triage", MODEL) }), "; line 1 is nearest: the same case, trial 1");
    assert_eq!(
        near(&case("triage", "openai/gpt-5")),
        format!("; line 1 is nearest: the same case, model `{MODEL}`"),
        "the first of two that are as near"
    );
    let brief = near(&case("triage.brief", "openai/gpt-4.1"));
    assert_eq!(brief, "; line 2 is nearest: the same case, prompt `triage`");
    assert_eq!(near(&other("refund-71")), "; line 1 is nearest: case `refund-17`");
    assert_eq!(near(&other("weather")), "", "nothing is near");
    let edited = Request { digest: Digest::of_bytes(b"edited"), ..case("triage", MODEL) };
    assert_eq!(near(&edited), "", "the reason names the line already");
}

#[test]
fn an_edited_request_makes_its_line_stale_and_names_it() {
    let recording = open(&lines(0..5), true);
    check(&recording, &asked("c3"), Lookup::Found);
    check(&recording, &request(MODEL, "c3", "another input"), Lookup::Stale { line: 4 });
    check(&recording, &asked("c5"), Lookup::Missing);
    check(&recording, &Request { repeat: 2, ..asked("c3") }, Lookup::Missing);
    let mut other_model = asked("c3");
    other_model.body.model = ModelId::new("openai/gpt-4.1").unwrap();
    check(&recording, &of_body(other_model.body, "c3"), Lookup::Missing);
}

#[test]
fn the_answer_of_one_variant_is_not_served_to_another() {
    let variant = |prompt: &str| {
        let origin = Origin::Trial { prompt: PromptId::new(prompt).unwrap(), case: asked("a").origin.case().clone() };
        Request { origin, ..request(MODEL, "a", prompt) }
    };
    let recording = open(&(line(&variant("triage"), "plain") + &line(&variant("triage.cot"), "cot")), true);
    for (prompt, output) in [("triage", "plain"), ("triage.cot", "cot")] {
        assert_eq!(recording.respond(&variant(prompt)).unwrap().output, output);
    }
    check(&recording, &variant("triage.terse"), Lookup::Missing);
    let edited = Request { digest: Digest::of_bytes(b"edited"), ..variant("triage.cot") };
    check(&recording, &edited, Lookup::Stale { line: 2 });
}

#[test]
fn two_cases_that_ask_the_same_keep_an_answer_each() {
    let (a, b) = (request(MODEL, "a", "same"), request(MODEL, "b", "same"));
    assert_eq!(a.digest, b.digest);
    let recording = open(&(line(&a, "of a") + &line(&b, "of b")), true);
    assert_eq!(recording.respond(&a).unwrap().output, "of a");
    assert_eq!(recording.respond(&b).unwrap().output, "of b");
}

#[test]
fn a_judges_question_is_answered_for_its_case_and_repeat_and_what_holds_for_all_for_any() {
    let judged = |case: &str, repeat, shared| {
        let origin = Origin::Ask { assertion: "rubric#1".to_owned(), case: CaseId::new(case).unwrap(), shared };
        Request { origin, repeat, ..request(MODEL, case, "is it polite?") }
    };
    let held = [judged("a", 1, false), judged("a", 2, false)];
    let recording = open(&(line(&held[0], "first") + &line(&held[1], "second")), true);
    let said = |request: &Request| recording.respond(request).map(|response| response.output).unwrap_or_default();
    assert_eq!((said(&held[0]), said(&held[1])), ("first".to_owned(), "second".to_owned()));
    assert_eq!(said(&judged("a", 3, false)), "first", "a recording of one repeat does for more");
    assert_eq!(said(&judged("b", 1, false)), "", "another case was graded");
    assert_eq!(said(&judged("b", 1, true)), "first", "steps hold for all cases");
}

#[test]
fn lines_without_a_digest_are_served_only_where_the_model_says_so() {
    let text = "{\"case\":\"a\",\"output\":\"from elsewhere\"}\n";
    check(&open(text, true), &asked("a"), Lookup::Unbound { line: 1 });
    let loose = open(text, false);
    check(&loose, &asked("a"), Lookup::Found);
    assert!(!loose.respond(&asked("a")).unwrap().bound);
    let both = open(&(text.to_owned() + &line(&asked("a"), "of this very request")), false);
    assert!(both.respond(&asked("a")).unwrap().bound, "a line of this very request comes first");
}

#[test]
fn of_lines_without_a_digest_the_most_specific_wins_and_a_tie_is_an_error() {
    let any = "{\"case\":\"a\",\"output\":\"any\"}\n";
    let model = "{\"case\":\"a\",\"model\":\"gpt-4.1-mini\",\"output\":\"model\"}\n";
    let prompt = "{\"case\":\"a\",\"prompt\":\"triage\",\"output\":\"prompt\"}\n";
    assert_eq!(open(&[any, model].concat(), false).respond(&asked("a")).unwrap().output, "model");
    check(&open(&[any, model, prompt].concat(), false), &asked("a"), Lookup::Ambiguous { lines: [2, 3] });
    let second = "{\"case\":\"a\",\"trial\":2,\"output\":\"second\"}\n";
    let recording = open(&[any, second].concat(), false);
    assert_eq!(recording.respond(&Request { repeat: 2, ..asked("a") }).unwrap().output, "second");
}

fn error(text: &str) -> String {
    Recording::open("r.jsonl", file(text), true).unwrap_err().to_string()
}

#[test]
fn a_recording_that_cannot_be_trusted_is_refused_with_the_lines_named() {
    let (a, b) = (line(&asked("a"), "1"), line(&asked("b"), "2"));
    insta::assert_snapshot!(error(&[a.as_str(), &b, "\n", &a].concat()), @"r.jsonl:4:1: lines 1 and 4 both answer case `a`, trial 1; remove one of the two");
    insta::assert_snapshot!(error(&format!("{a}{{\"case\": \"b\"}}\n")), @"r.jsonl:2:1: a recorded line: missing field `output`; add it");
    insta::assert_snapshot!(error(&format!("{a}not json\n")), @r#"r.jsonl:2:1: a recorded line is one JSON object a line; write {"key": value, ...}"#);
    insta::assert_snapshot!(error("{\"case\":\"a\",\"output\":\"\",\"request_digest\":\"sha256:12\"}"), @"r.jsonl:1:25: `request_digest` of a recorded line: `sha256:12` is not a digest: expected `sha256:` and 64 hex digits; give `request_digest` a value of that form");
    assert_eq!(error(&"x\n".repeat(100)).lines().count(), 20, "the rest is not worth listing");
}

/// One mutation of a recording of cases c0..c20 or of what is asked.
#[derive(Debug, Clone)]
enum Mutation {
    /// A character of the request's text is another one.
    Request {
        at: usize,
        character: char,
    },
    /// A parameter is added.
    Parameter(i64),
    /// A hex digit of the line's digest is another one.
    Forge {
        digit: usize,
    },
    Drop,
    Double,
    Reorder(u64),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (0_usize..15, proptest::char::range('A', 'Z')).prop_map(|(at, character)| Mutation::Request { at, character }),
        any::<i64>().prop_map(Mutation::Parameter),
        (0_usize..64).prop_map(|digit| Mutation::Forge { digit }),
        Just(Mutation::Drop),
        Just(Mutation::Double),
        any::<u64>().prop_map(Mutation::Reorder),
    ]
}

/// What a mutation of one case must come to: for that case, and for the others.
fn survives(case: usize, mutation: &Mutation) {
    let mut all: Vec<String> = (0..20).map(|case| lines(case..case + 1)).collect();
    let mut wanted = asked(&format!("c{case}"));
    let at = case as u64 + 1;
    let expected = match mutation {
        Mutation::Request { at: place, character } => {
            let mut text: Vec<char> = format!("the input of c{case}").chars().collect();
            text[*place] = *character;
            wanted = request(MODEL, &format!("c{case}"), &text.iter().collect::<String>());
            Lookup::Stale { line: at }
        }
        Mutation::Parameter(value) => {
            wanted.body.parameters.insert("seed".to_owned(), (*value).into());
            wanted = of_body(wanted.body, &format!("c{case}"));
            Lookup::Stale { line: at }
        }
        Mutation::Forge { digit } => {
            let digits = all[case].find("sha256:").unwrap() + "sha256:".len() + digit;
            let forged = if &all[case][digits..=digits] == "0" { "1" } else { "0" };
            all[case].replace_range(digits..=digits, forged);
            Lookup::Stale { line: at }
        }
        Mutation::Drop => {
            all[case].clear();
            Lookup::Missing
        }
        Mutation::Double => {
            all.push(all[case].clone());
            let error = Recording::open("r.jsonl", file(&all.concat()), true).unwrap_err().to_string();
            assert!(error.contains(&format!("lines {at} and 21 both answer case `c{case}`")), "{error}");
            return;
        }
        Mutation::Reorder(seed) => {
            all.sort_by_key(|line| Digest::of_bytes(format!("{seed}{line}").as_bytes()));
            Lookup::Found
        }
    };
    let recording = open(&all.concat(), true);
    check(&recording, &wanted, expected);
    for other in (0..20).filter(|other| *other != case) {
        let request = asked(&format!("c{other}"));
        assert_eq!(recording.respond(&request).unwrap().output, format!("c{other}"), "the others are served as before");
    }
}

#[test]
fn after_500_mutations_no_stale_line_is_served_and_every_changed_case_is_named() {
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    runner
        .run(&(0_usize..20, mutation()), |(case, mutation)| {
            survives(case, &mutation);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_index_takes_32_bytes_a_line() {
    let recording = open(&lines(0..2_000), true);
    assert_eq!((recording.lines(), recording.index_bytes()), (2_000, 64_000));
}

#[test]
fn a_file_that_shrinks_underneath_is_an_error_and_never_half_an_answer() {
    let mut path = tempfile::NamedTempFile::new().unwrap();
    path.write_all(lines(0..3).as_bytes()).unwrap();
    let recording = Recording::open("r.jsonl", path.reopen().unwrap(), true).unwrap();
    path.as_file().set_len(40).unwrap();
    let failed = recording.respond(&asked("c2")).unwrap_err();
    assert_eq!(failed.kind, FailureKind::MissingRecording);
    assert!(failed.message.starts_with("read the recording r.jsonl at byte"), "{}", failed.message);
}
