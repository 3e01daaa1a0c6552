//! How trials come out: outcomes, metrics, liveness, asks.

use std::sync::Arc;

use promptgate_core::answer::{Failure, FailureKind, Response};
use promptgate_core::ask::{Ask, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::name::MetricName;
use promptgate_core::record::{MetricKind, TrialError, Unlabelled};
use promptgate_core::score::{Outcome, Scored};
use promptgate_scoring::assertion::{Assertion, AssertionKind, CostClass, Example, Step, Trial, Yields};
use promptgate_scoring::grader::{GradeInput, Graded, Grader, Grading};
use promptgate_testkit::asking::SCRIPTED_ASK;

use crate::trial::{any_case, case, chain, done, grader, grader_with, input, response, specs, word};

/// A suite of three assertions over the output, one of them advisory.
const TRIAGE: &str = r#"
[[assert]]
kind = "json"
[[assert]]
name = "queue"
kind = "equals"
value = "{{expected.queue}}"
extract = { json = "/queue" }
metric = "queue"
weight = 3
[[assert]]
name = "short"
kind = "length"
max = 30
tier = "advisory"
metric = "style"
"#;

fn asserts(toml: &str) -> Vec<AssertionSpec> {
    specs(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

fn grade(toml: &str, case: Case, output: &str) -> Graded {
    let grader = grader(&asserts(toml)).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    done(grader.grade(input(case, response(output, "{}"))))
}

fn billing() -> Case {
    case(r#"{"expected": {"queue": "billing"}}"#)
}

fn metric(graded: &Graded, name: &str) -> Option<Option<f64>> {
    graded.metrics.get(&MetricName::new(name).unwrap()).copied()
}

#[test]
fn a_case_passes_when_each_critical_assertion_passed() {
    let graded = grade(TRIAGE, billing(), r#"{"queue": "billing"}"#);
    assert_eq!((graded.outcome, graded.error.clone(), graded.score), (Outcome::Passed, None, Some(1.0)));
    assert_eq!(graded.assertions.len(), 3);
    assert_eq!((metric(&graded, "queue"), metric(&graded, "style")), (Some(Some(1.0)), Some(Some(1.0))));
}

#[test]
fn one_critical_failure_fails_the_case_and_an_advisory_one_does_not() {
    let graded = grade(TRIAGE, billing(), r#"{"queue": "technical"}"#);
    assert_eq!((graded.outcome, graded.score), (Outcome::Failed, Some(0.25)));
    let graded = grade(TRIAGE, billing(), r#"{"queue": "billing", "because": "of the invoice"}"#);
    assert_eq!((graded.outcome, metric(&graded, "style")), (Outcome::Passed, Some(Some(0.0))));
}

#[test]
fn nothing_to_extract_fails_an_assertion_also_under_not() {
    for not in ["", "not = true"] {
        let toml = format!("[[assert]]\nkind = \"equals\"\nvalue = \"x\"\nextract = {{ json = \"/queue\" }}\n{not}");
        let graded = grade(&toml, any_case(), "no json");
        assert_eq!(graded.outcome, Outcome::Failed, "{not}");
        let note = graded.assertions[0].scored.evidence.note.clone().unwrap();
        assert!(note.starts_with("nothing to extract: the text is not JSON"), "{note}");
    }
}

#[test]
fn nothing_to_extract_fails_an_inverted_set_unless_the_other_members_alone_decide_it() {
    const NOTHING: &str = r#"{ kind = "contains", value = "secret", extract = { json = "/x" } }"#;
    const NOT_NOTHING: &str = r#"{ kind = "contains", value = "secret", extract = { json = "/x" }, not = true }"#;
    const PASSES: &str = r#"{ kind = "contains", value = "plain" }"#;
    const FAILS: &str = r#"{ kind = "contains", value = "fancy" }"#;
    let of = |set: &str, members: &[&str]| {
        let toml = format!("[[assert]]\n{set}\nassert = [{}]", members.join(", "));
        grade(&toml, any_case(), "plain secret text").assertions.remove(0).scored
    };
    let check = |set: &str, members: &[&str], expected: [&str; 2]| {
        let found = ["", "\nnot = true"].map(|not| word(&of(&format!("kind = {set}{not}"), members)));
        assert_eq!(found, expected, "{set} of {members:?}, and inverted");
    };
    for nothing in [NOTHING, NOT_NOTHING] {
        check("\"any-of\"", &[nothing], ["failed", "failed"]);
        check("\"any-of\"", &[nothing, FAILS], ["failed", "failed"]);
        check("\"any-of\"", &[nothing, PASSES], ["passed", "failed"]);
        check("\"all-of\"", &[nothing], ["failed", "failed"]);
        check("\"all-of\"", &[nothing, PASSES], ["failed", "failed"]);
        // One failure decides `all-of` alone.
        check("\"all-of\"", &[nothing, FAILS], ["failed", "passed"]);
        check("\"at-least\"\nk = 2", &[nothing, PASSES, FAILS], ["failed", "failed"]);
        check("\"at-least\"\nk = 2", &[nothing, FAILS, FAILS], ["failed", "passed"]);
        check("\"weighted\"\nthreshold = 0.5", &[nothing, FAILS], ["failed", "failed"]);
        check("\"weighted\"\nthreshold = 0.6", &[nothing, FAILS], ["failed", "passed"]);
        // Sets in sets: it makes the whole fail, however often it is turned around.
        for inner in ["", ", not = true"] {
            let set = format!("{{ kind = \"any-of\", assert = [{nothing}]{inner} }}");
            check("\"all-of\"", &[&set, PASSES], ["failed", "failed"]);
        }
    }
    check("\"any-of\"", &[FAILS], ["failed", "passed"]);
    let told = of("kind = \"any-of\"\nnot = true", &[NOTHING, FAILS]);
    let note = told.evidence.note.unwrap();
    assert!(note.starts_with("against it: `contains") && note.contains("nothing to extract: "), "{note}");
    assert_eq!(told.score.value(), Some(0.0));
}

#[test]
fn nothing_to_extract_is_unscored_where_the_extractor_says_so() {
    for not in ["", "not = true"] {
        let extract = "extract = { json = \"/queue\", on_missing = \"unscored\" }";
        let toml = format!("[[assert]]\nkind = \"equals\"\nvalue = \"x\"\n{extract}\n{not}");
        let graded = grade(&toml, any_case(), "no json");
        assert_eq!((graded.outcome, word(&graded.assertions[0].scored)), (Outcome::Errored, "unscored"), "{not}");
    }
}

#[test]
fn the_versions_answer_is_looked_at_unless_an_assertion_names_its_own() {
    let toml = r#"
        [[assert]]
        kind = "equals"
        value = "a"
        [[assert]]
        kind = "contains"
        value = "because"
        extract = "output"
    "#;
    let answer = Some(chain("{ labels = [{ pattern = \"Output .a.\", label = \"a\" }] }"));
    let grader = grader_with(&asserts(toml), answer, &[]).unwrap();
    let graded = done(grader.grade(input(any_case(), response("Output (a), because", "{}"))));
    assert_eq!(graded.outcome, Outcome::Passed);
}

#[test]
fn an_unscored_critical_assertion_makes_the_case_errored_whatever_the_others_say() {
    let toml = "[[assert]]\nkind = \"equals\"\nvalue = \"x\"\n[[assert]]\nname = \"soon\"\nkind = \"latency\"\nmax = \"1s\"\nmetric = \"soon\"";
    let graded = grade(toml, any_case(), "y");
    assert_eq!(graded.outcome, Outcome::Errored);
    let Some(TrialError::Unscored { assertion, reason }) = &graded.error else { panic!("{:?}", graded.error) };
    assert_eq!((assertion.as_str(), reason.as_str()), ("soon", "the time was not measured"));
    assert_eq!((graded.score, metric(&graded, "soon")), (Some(0.0), Some(None)));
}

#[test]
fn an_unscored_advisory_assertion_changes_no_outcome() {
    let toml = "[[assert]]\nkind = \"equals\"\nvalue = \"y\"\n[[assert]]\nkind = \"latency\"\nmax = \"1s\"\ntier = \"advisory\"";
    let graded = grade(toml, any_case(), "y");
    assert_eq!((graded.outcome, graded.error, graded.score), (Outcome::Passed, None, Some(1.0)));
}

#[test]
fn a_cases_threshold_is_on_the_weighted_mean_of_its_critical_assertions() {
    let with = |threshold: f64| case(&format!(r#"{{"expected": {{"queue": "billing"}}, "threshold": {threshold}}}"#));
    assert_eq!(grade(TRIAGE, with(0.25), r#"{"queue": "technical"}"#).outcome, Outcome::Passed);
    assert_eq!(grade(TRIAGE, with(0.26), r#"{"queue": "technical"}"#).outcome, Outcome::Failed);
}

#[test]
fn the_models_own_failure_fails_and_an_outage_is_missing() {
    let grader = grader(&asserts(TRIAGE)).unwrap();
    let fail = |kind| {
        let response = Err(Failure::new(kind, "took longer than 60s"));
        done(grader.grade(GradeInput { version: 0, case: Arc::new(billing()), response }))
    };
    let timed_out = fail(FailureKind::ModelTimeout);
    assert_eq!((timed_out.outcome, timed_out.error.clone(), timed_out.score), (Outcome::Failed, None, Some(0.0)));
    assert_eq!((metric(&timed_out, "queue"), metric(&timed_out, "style")), (Some(Some(0.0)), Some(Some(0.0))));
    assert!(timed_out.assertions.iter().all(|result| word(&result.scored) == "failed"));
    let outage = fail(FailureKind::Server);
    assert_eq!((outage.outcome, outage.score, outage.assertions.len()), (Outcome::Errored, None, 0));
    assert!(matches!(outage.error, Some(TrialError::Unanswered(_))));
    assert_eq!(metric(&outage, "queue"), Some(None));
}

#[test]
fn a_case_that_no_critical_assertion_looks_at_is_errored_and_counted_before_anything_runs() {
    let toml = "[[assert]]\nkind = \"equals\"\nvalue = \"y\"\nwhen = { tag = \"vip\" }";
    let grader = grader(&asserts(toml)).unwrap();
    let live = grader.check_case(&any_case()).unwrap();
    assert_eq!((live.critical, live.advisory), (0, 0));
    assert_eq!(grader.check_case(&case(r#"{"tags": ["vip"]}"#)).unwrap().critical, 1);
    assert_eq!(grade(toml, any_case(), "y").outcome, Outcome::Errored);
    assert_eq!(grade(toml, case(r#"{"tags": ["vip"]}"#), "y").outcome, Outcome::Passed);
}

#[test]
fn an_undefined_name_is_found_before_anything_runs_also_under_not_and_in_sets() {
    for toml in [
        "kind = \"equals\"\nvalue = \"{{expected.queu}}\"",
        "kind = \"contains\"\nvalue = \"a {{expected.queu}} b\"\nnot = true",
        "kind = \"contains-any\"\nvalues = [\"a\", \"{{expected.queu}}\"]",
        "kind = \"number\"\nvalue = \"{{expected.queu}}\"",
        "kind = \"any-of\"\nassert = [{ kind = \"json\" }, { kind = \"equals\", value = \"{{expected.queu}}\", not = true }]",
    ] {
        let grader = grader(&asserts(&format!("[[assert]]\n{toml}"))).unwrap();
        let error = grader.check_case(&billing()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`{{expected.queu}}` is not defined for case `c1`; did you mean `queue`?"), "{text}");
        assert!(error.0[0].at.is_some(), "{text}");
    }
}

#[test]
fn an_assertion_that_does_not_look_at_a_case_needs_nothing_of_it() {
    let toml = "[[assert]]\nkind = \"equals\"\nvalue = \"{{expected.queue}}\"\nwhen = { tag = \"routing\" }";
    assert!(grader(&asserts(toml)).unwrap().check_case(&any_case()).is_ok());
}

#[test]
fn a_cases_own_assertions_count_beside_the_suites() {
    let case = || {
        case(
            r#"{"expected": {"queue": "billing"}, "assert": [
            {"kind": "contains", "value": "urgent", "metric": "queue"},
            {"kind": "json-schema", "schema": "ticket.schema.json"}]}"#,
        )
    };
    let grader = grader(&asserts(TRIAGE)).unwrap();
    let live = grader.check_case(&case()).unwrap();
    assert_eq!((live.critical, live.advisory), (4, 1));
    assert_eq!(live.files.keys().collect::<Vec<_>>(), ["ticket.schema.json"]);
    let kinds = |case_level| {
        grader
            .metrics(case_level, &Default::default())
            .into_iter()
            .map(|spec| (spec.name.to_string(), spec.kind))
            .collect::<Vec<_>>()
    };
    let named = |queue| vec![("queue".to_owned(), queue), ("style".to_owned(), MetricKind::Binary)];
    assert_eq!(kinds(&live.metrics), named(MetricKind::Score));
    assert_eq!(kinds(&Default::default()), named(MetricKind::Binary));
    let graded = done(grader.grade(input(case(), response(r#"{"queue": "billing"}"#, "{}"))));
    assert_eq!((graded.outcome, graded.assertions.len()), (Outcome::Failed, 5));
    assert_eq!(metric(&graded, "queue"), Some(Some(0.75)));
}

/// A rubric that people labelled, and what else feeds its metric.
const LABELLED: &str = r#"
[[assert]]
kind = "rubric"
criteria = "It is polite."
calibration = "labels.jsonl"
metric = "tone"
"#;

#[test]
fn an_unnamed_assertion_of_a_case_is_not_called_as_one_of_the_suite() {
    let suite = "[[assert]]\nkind = \"contains\"\nvalue = \"o\"\n[[assert]]\nkind = \"length\"\nmax = 30\n";
    let named = |own: &str| {
        let own = case(&format!(r#"{{"assert": [{own}]}}"#));
        grade(suite, own, "good").assertions.into_iter().map(|result| result.name).collect::<Vec<_>>()
    };
    let contains = |name: &str| format!(r#"{{"kind": "contains", "value": "g"{name}}}"#);
    assert_eq!(named(&contains("")), ["contains#1", "length#2", "contains#3"]);
    assert_eq!(named(r#"{"kind": "json"}"#), ["contains#1", "length#2", "json#1"]);
    assert_eq!(named(&contains(r#", "name": "own""#)), ["contains#1", "length#2", "own"]);
}

#[test]
fn no_two_assertions_that_look_at_a_case_have_one_name() {
    let contains = |value: &str, name: &str| format!(r#"{{"kind": "contains", "value": "{value}"{name}}}"#);
    let named = |suite: &str, own: &[String]| {
        let own = case(&format!(r#"{{"assert": [{}]}}"#, own.join(",")));
        grade(suite, own, "good").assertions.into_iter().map(|result| result.name).collect::<Vec<_>>()
    };
    let one = "[[assert]]\nkind = \"contains\"\nvalue = \"o\"\n";
    let two = [contains("g", ""), contains("d", "")];
    assert_eq!(named(one, &two), ["contains#1", "contains#2", "contains#3"]);
    let own = [contains("g", ""), r#"{"kind": "length", "max": 9, "name": "contains#2"}"#.to_owned()];
    assert_eq!(named(one, &own), ["contains#1", "contains#3", "contains#2"]);
    let named_so = format!("{one}[[assert]]\nname = \"contains#3\"\nkind = \"json\"\n");
    assert_eq!(named(&named_so, &two[..1]), ["contains#1", "contains#3", "contains#4"]);
    // A file of cases that meets no such name keeps its own.
    assert_eq!(named("[[assert]]\nkind = \"json\"", &two), ["json#1", "contains#1", "contains#2"]);
}

#[test]
fn what_is_wrong_with_a_cases_assertion_names_it_as_reports_do() {
    let grader = of_toml("[[assert]]\nkind = \"contains\"\nvalue = \"o\"");
    let own = case(r#"{"assert": [{"kind": "contains", "value": "g"}, {"kind": "contains"}]}"#);
    let mistakes = grader.check_case(&own).unwrap_err().to_string();
    assert!(mistakes.contains("assertion `contains#3`"), "{mistakes}");
    let judge = r#"{"kind": "rubric", "criteria": "It is polite."}"#;
    let own = case(&format!(r#"{{"assert": [{judge}, {judge}]}}"#));
    let grader = of_toml("[[assert]]\nkind = \"rubric\"\ncriteria = \"It is short.\"");
    let judges = grader.check_case(&own).unwrap().files;
    assert_eq!(judges.keys().collect::<Vec<_>>(), ["judge of rubric#2", "judge of rubric#3"]);
}

#[test]
fn labels_of_an_assertion_say_nothing_of_a_metric_that_another_feeds_too() {
    let more = "\n[[assert]]\nkind = \"contains\"\nvalue = \"o\"\nmetric = \"tone\"\n";
    let own = r#"{"id": "greeting", "assert": [{"kind": "contains", "value": "o", "metric": "tone"}]}"#;
    let told = |toml: &str, case: Case| {
        let grader = grader(&asserts(toml)).unwrap();
        let live = grader.check_case(&case).unwrap();
        let specs = grader.metrics(&live.metrics, &live.judged);
        let labelled = specs.iter().any(|spec| spec.labels_of.is_some());
        let Grading::Ask(pending, _) = grader.grade(input(case, response("Good morning.", "{}"))) else { panic!() };
        let reply = Reply::Model(Response::text(r#"{"reason": "so", "score": 3}"#));
        let graded = done(grader.resume(pending, vec![reply]));
        (labelled, specs[0].unlabelled, metric(&graded, "tone (people)"))
    };
    let greeting = || case(r#"{"id": "greeting"}"#);
    assert_eq!(told(LABELLED, greeting()), (true, None, Some(Some(1.0))));
    let of_several = (false, Some(Unlabelled::SeveralFeed), None);
    assert_eq!(told(LABELLED, case(own)), of_several, "the case's own assertion feeds it");
    assert_eq!(told(&format!("{LABELLED}{more}"), greeting()), of_several, "the suite's other assertion feeds it");
}

#[test]
fn metrics_and_outcomes_that_judges_decide_are_known_also_where_the_judge_is_a_cases_own() {
    let own = case(r#"{"assert": [{"kind": "rubric", "criteria": "It is polite.", "metric": "tone"}]}"#);
    let grader = of_toml("[[assert]]\nkind = \"json\"\nmetric = \"form\"");
    let live = grader.check_case(&own).unwrap();
    let specs = grader.metrics(&live.metrics, &live.judged);
    let judged: Vec<&str> = specs.iter().filter(|spec| spec.judged).map(|spec| spec.name.as_str()).collect();
    assert_eq!(judged, ["tone"]);
    let tone = || Some(MetricName::new("tone").unwrap());
    assert_eq!(grader.deciding_judges(&live.deciding_judges), [tone()]);
    assert!(grader.deciding_judges(&Default::default()).is_empty());
    let of_suite = |more: &str| of_toml(&format!("{LABELLED}{more}")).deciding_judges(&Default::default());
    assert_eq!(of_suite(""), [tone()]);
    assert!(of_suite("tier = \"advisory\"").is_empty(), "it decides nothing");
    let in_a_set = "kind = \"any-of\"\nassert = [{ kind = \"rubric\", criteria = \"x\" }, { kind = \"python\", file = \"metrics.py\", function = \"tone\" }]";
    assert_eq!(of_toml(&format!("[[assert]]\n{in_a_set}")).deciding_judges(&Default::default()), [None]);
}

fn of_toml(toml: &str) -> Grader {
    grader(&asserts(toml)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_mistake_in_a_cases_own_assertions_is_found_before_anything_runs_with_its_place() {
    let case = case(r#"{"assert": [{"kind": "contans", "value": "x"}]}"#);
    let error = grader(&[]).unwrap().check_case(&case).unwrap_err().to_string();
    assert!(error.starts_with("cases.jsonl:1:"), "{error}");
    assert!(error.contains("there is no assertion `contans`; did you mean `contains`?"), "{error}");
}

#[test]
fn a_metric_is_binary_when_one_pass_fail_assertion_without_when_feeds_it() {
    let kind = |toml: &str| grader(&asserts(toml)).unwrap().metrics(&Default::default(), &Default::default())[0].kind;
    let equals = "[[assert]]\nkind = \"equals\"\nvalue = \"x\"\nmetric = \"m\"\n";
    assert_eq!(kind(equals), MetricKind::Binary);
    assert_eq!(kind(&format!("{equals}not = true")), MetricKind::Binary);
    assert_eq!(kind(&format!("{equals}when = {{ tag = \"a\" }}")), MetricKind::Score);
    assert_eq!(kind(&format!("{equals}{}", equals.replace("\"x\"", "\"y\""))), MetricKind::Score);
    assert_eq!(kind("[[assert]]\nkind = \"contains-all\"\nvalues = [\"x\"]\nmetric = \"m\""), MetricKind::Score);
}

#[test]
fn what_changes_the_grading_changes_its_digest_material() {
    let material = |toml: &str| grader(&asserts(toml)).unwrap().digest_material();
    let base = "[[assert]]\nkind = \"contains\"\nvalue = \"x\"\n";
    for changed in [
        "ignore_case = true",
        "weight = 2",
        "not = true",
        "metric = \"m\"",
        "extract = { trim = true }",
        "tier = \"advisory\"",
    ] {
        assert_ne!(material(base), material(&format!("{base}{changed}")), "{changed}");
    }
    let schema = material("[[assert]]\nkind = \"json-schema\"\nschema = \"ticket.schema.json\"");
    assert!(schema["files"]["ticket.schema.json"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn a_batch_comes_back_in_order_and_equals_one_by_one() {
    let grader = grader(&asserts(TRIAGE)).unwrap();
    let inputs: Vec<GradeInput> = (0..200)
        .map(|n| {
            input(
                billing(),
                response(&format!("{{\"queue\": \"{}\"}}", if n % 3 == 0 { "billing" } else { "x" }), "{}"),
            )
        })
        .collect();
    let one_by_one: Vec<Graded> = inputs.iter().map(|input| done(grader.grade(input.clone()))).collect();
    let batch: Vec<Graded> = grader.grade_batch(inputs).into_iter().map(done).collect();
    assert_eq!(batch, one_by_one);
}

// Asking.

fn asking(toml: &str) -> Grader {
    grader_with(&asserts(toml), None, &[&SCRIPTED_ASK]).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

/// Grades one output, answering every ask in turn with the next reply; says how many rounds of asks there were.
fn converse(toml: &str, output: &str, replies: &[&str]) -> (Graded, usize) {
    let grader = asking(toml);
    let mut replies = replies.iter();
    let mut rounds = 0;
    let mut grading = grader.grade(input(any_case(), response(output, "{}")));
    loop {
        let (pending, asks) = match grading {
            Grading::Done(graded) => {
                assert_eq!(replies.next(), None, "a reply was left over");
                return (graded, rounds);
            }
            Grading::Ask(pending, asks) => (pending, asks),
        };
        rounds += 1;
        assert_eq!(pending.askers().len(), asks.len());
        let answer = |_: &Ask| match replies.next().expect("an ask more than replies") {
            &"outage" => Reply::Failed(Failure::new(FailureKind::Server, "503")),
            reply => Reply::Model(Response::text(*reply)),
        };
        let answers = asks.iter().map(answer).collect();
        grading = grader.resume(pending, answers);
    }
}

#[track_caller]
fn check_asking(toml: &str, output: &str, replies: &[&str], expected: &str) {
    let (graded, _) = converse(&format!("[[assert]]\n{toml}"), output, replies);
    assert_eq!(word(&graded.assertions[0].scored), expected, "{toml}: {:?}", graded.assertions[0]);
}

const POLITE: &str = "kind = \"scripted-ask\"\nquestion = \"polite?\"\n";

#[test]
fn an_assertion_asks_is_answered_and_decides() {
    let grader = asking(&format!("[[assert]]\nname = \"polite\"\n{POLITE}"));
    let Grading::Ask(pending, asks) = grader.grade(input(any_case(), response("hello", "{}"))) else { panic!("done") };
    assert_eq!((pending.askers(), pending.case().id.as_str()), (&["polite".to_owned()][..], "c1"));
    let [Ask::Model(body)] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!(body.messages[1].joined_text(), r#"{"answer":"hello","round":1}"#);
    let graded = done(grader.resume(pending, vec![Reply::Model(Response::text("{\"score\": 0.75}"))]));
    assert_eq!((graded.outcome, graded.score), (Outcome::Passed, Some(0.75)));
}

#[test]
fn replies_decide_and_junk_leaves_unscored() {
    check_asking(POLITE, "x", &["{\"score\": 0.5}"], "passed");
    check_asking(POLITE, "x", &["{\"score\": 0.4}"], "failed");
    check_asking(&format!("{POLITE}not = true"), "x", &["{\"score\": 0.4}"], "passed");
    check_asking(&format!("{POLITE}rounds = 3"), "x", &["", "", "{\"score\": 1}"], "passed");
    for junk in ["score: 1", "{\"score\": 7}", "{\"score\": 1, \"passed\": true}", "{\"score\": null}", "", "outage"] {
        check_asking(POLITE, "x", &[junk], "unscored");
        check_asking(&format!("{POLITE}not = true"), "x", &[junk], "unscored");
    }
}

#[test]
fn a_set_collects_the_asks_of_its_members_and_resumes_each_with_its_own() {
    let member =
        |name: &str, more: &str| format!("{{ name = \"{name}\", kind = \"scripted-ask\", question = \"q\", {more} }}");
    let all = format!(
        "kind = \"all-of\"\nassert = [{}, {{ kind = \"json\" }}, {}]",
        member("a", "rounds = 2"),
        member("b", "")
    );
    let (graded, rounds) = converse(&format!("[[assert]]\n{all}"), "{}", &["", "{\"score\": 1}", "{\"score\": 0.8}"]);
    let scored = &graded.assertions[0].scored;
    assert_eq!((rounds, word(scored)), (2, "passed"));
    let score = scored.score.value().unwrap();
    assert!((score - (0.8 + 1.0 + 1.0) / 3.0).abs() < 1e-12, "{score}");
    // The first member, resumed last, got the reply to its own second ask.
    check_asking(&all, "{}", &["", "{\"score\": 1}", "{\"score\": 0}"], "failed");
    check_asking(&all, "{}", &["", "junk", "{\"score\": 0}"], "failed");
    check_asking(&all, "{}", &["", "junk", "{\"score\": 1}"], "unscored");
    check_asking(&format!("not = true\n{all}"), "{}", &["", "junk", "{\"score\": 1}"], "unscored");
    check_asking(&format!("not = true\n{all}"), "{}", &["", "{\"score\": 1}", "{\"score\": 0}"], "passed");
}

#[test]
fn sets_in_sets_ask_through_each_other() {
    let inner =
        "{ name = \"inner\", kind = \"any-of\", not = true, assert = [{ kind = \"scripted-ask\", question = \"q\" }] }";
    let outer = format!("kind = \"all-of\"\nassert = [{inner}, {{ kind = \"scripted-ask\", question = \"r\" }}]");
    check_asking(&outer, "x", &["{\"score\": 0}", "{\"score\": 1}"], "passed");
    check_asking(&outer, "x", &["{\"score\": 1}", "{\"score\": 1}"], "failed");
}

#[test]
fn a_set_asks_nothing_where_its_result_is_settled_by_cheaper_members() {
    let ask = "{ kind = \"scripted-ask\", question = \"q\" }";
    let any = format!("kind = \"any-of\"\nassert = [{ask}, {{ kind = \"json\" }}]");
    check_asking(&any, "{}", &[], "passed");
    check_asking(&any, "x", &["{\"score\": 1}"], "passed");
    check_asking(&any, "x", &["junk"], "unscored");
    // A failed member decides an all-of, yet its score is the mean of all.
    let all = format!("kind = \"all-of\"\nassert = [{ask}, {{ kind = \"json\" }}]");
    check_asking(&all, "x", &["{\"score\": 1}"], "failed");
}

#[test]
fn a_reply_that_never_came_leaves_its_assertion_unscored_and_the_others_alone() {
    let toml = format!(
        "[[assert]]\nname = \"one\"\n{POLITE}[[assert]]\nname = \"two\"\n{POLITE}[[assert]]\nkind = \"json\"\n"
    );
    let grader = asking(&toml);
    let Grading::Ask(pending, asks) = grader.grade(input(any_case(), response("{}", "{}"))) else { panic!("done") };
    assert_eq!(asks.len(), 2);
    let graded = done(grader.resume(pending, vec![Reply::Model(Response::text("{\"score\": 1}"))]));
    let words: Vec<&str> = graded.assertions.iter().map(|result| word(&result.scored)).collect();
    assert_eq!(words, ["passed", "unscored", "passed"]);
    assert_eq!(graded.outcome, Outcome::Errored);
}

// Panics.

struct Panics;

impl Assertion for Panics {
    fn start(&self, _: &Trial<'_>) -> Step {
        panic!("the table has no row {}", 7)
    }
}

static PANICS: AssertionKind = AssertionKind {
    name: "panics",
    summary: "never",
    cost: CostClass::Pure,
    yields: |_| Yields::PassFail,
    parameters: &[],
    passes: EXAMPLE,
    fails: EXAMPLE,
    build: |_, _| Ok(Box::new(Panics)),
};

const EXAMPLE: Example = Example::of("", "");

#[test]
fn a_panic_in_one_assertion_leaves_it_unscored_and_the_others_alone() {
    for not in ["", "not = true\n"] {
        let toml = format!("[[assert]]\nkind = \"panics\"\n{not}[[assert]]\nkind = \"equals\"\nvalue = \"x\"");
        let grader = grader_with(&asserts(&toml), None, &[&PANICS]).unwrap();
        let graded: Vec<Graded> =
            grader.grade_batch(vec![input(any_case(), response("x", "{}")); 8]).into_iter().map(done).collect();
        for graded in graded {
            assert_eq!(graded.outcome, Outcome::Errored);
            let expected = Scored::unscored("a bug of promptgate: the table has no row 7");
            assert_eq!(graded.assertions[0].scored, expected);
            assert_eq!(word(&graded.assertions[1].scored), "passed");
        }
    }
}

#[test]
fn gradings_can_cross_threads() {
    fn crosses<T: Send + 'static>() {}
    crosses::<Arc<Grader>>();
    crosses::<Vec<GradeInput>>();
    crosses::<Vec<Grading>>();
    fn shared<T: Sync>() {}
    shared::<Grader>();
}
