//! Gates that look more than once, as processes: early stop, cases called again before they count as broken, fresh draws,
//! the baseline against itself, small suites judged on their own cases, and several candidates at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use promptgate_mock::{Reply, Server};
use promptgate_testkit::Project;
use serde_json::Value;

use crate::triage::{CASES, OLD, SUITE, calls, case, cases, edit, promptgate, triage};

/// A script whose answers depend on the prompt and on how often a case was asked.
fn scripted(project: &Project, rules: &str) {
    project.write("script.toml", format!("answer = \"billing\"\nsleep = false\ncalls_log = \"calls.jsonl\"\n{rules}"));
}

fn gate_json(project: &Project, arguments: &str, code: i32) -> Value {
    let _ = promptgate(project, &format!("gate suites/triage {arguments} --report json=gate.json")).expect_code(code);
    serde_json::from_str(&project.read("gate.json")).unwrap()
}

/// Cases of which every fifth is answered wrongly by the candidate.
fn fifth_is_broken(project: &Project, count: u32) {
    let text = |n: u32| if n.is_multiple_of(5) { format!("bad letter {n}") } else { format!("letter {n}") };
    project.write(CASES, (1..=count).map(|n| case(&format!("c{n}"), &text(n), "billing")).collect::<String>());
    scripted(project, "[[rule]]\nprompt = \"triage\"\ncontains = \"bad\"\nanswer = \"other\"\n");
}

#[test]
fn a_gate_that_is_settled_early_asks_no_more_and_says_what_was_saved() {
    for how in ["looks", "anytime"] {
        let project = triage();
        fifth_is_broken(&project, 200);
        let report = gate_json(&project, &format!("--stop-early={how}"), 100);
        let look = &report["comparisons"][0]["look"];
        assert_eq!((look["method"].as_str(), look["settled"].as_bool()), (Some(how), Some(true)));
        let seen = look["units"].as_u64().unwrap();
        assert!(seen < 200, "{how}: {look}");
        assert_eq!(report["saved"]["trials"].as_u64(), Some(400 - 2 * seen), "{how}");
        assert_eq!(calls(&project).len() as u64, 2 * seen, "{how}");
        // A stored run says the same again.
        let again = promptgate(&project, "report latest").expect_code(100);
        assert!(again.stdout.contains("stopped early: "), "{}", again.stdout);
    }
}

#[test]
fn a_gate_that_may_stop_early_goes_on_where_it_was_interrupted() {
    let project = triage();
    fifth_is_broken(&project, 100);
    let whole = gate_json(&project, "--stop-early", 100);
    // The same gate again reuses every answer and stops at the same look.
    let again = gate_json(&project, "--stop-early", 100);
    assert_eq!(whole["comparisons"], again["comparisons"]);
    assert_eq!(again["volatile"]["attempts"], 0);
}

#[test]
fn early_stop_needs_the_whole_plan_and_no_closed_set_of_cases() {
    let project = triage();
    let parts = promptgate(&project, "gate suites/triage --stop-early --partition hash:1/2").expect_code(2);
    assert!(parts.stderr.contains("leave out `--partition`"), "{}", parts.stderr);
    edit(&project, SUITE, "[gate]\n", "[gate]\nscope = \"these-cases\"\n");
    let none = promptgate(&project, "gate suites/triage").expect_code(2);
    assert!(none.stderr.contains("`these-cases` needs at least two trials a case"), "{}", none.stderr);
    edit(&project, SUITE, "prompt = \"triage\"\n", "prompt = \"triage\"\ntrials = 3\n");
    let early = promptgate(&project, "gate suites/triage --stop-early").expect_code(2);
    assert!(early.stderr.contains("none can be left out"), "{}", early.stderr);
    let one = promptgate(&project, "gate suites/triage --trials 1").expect_code(2);
    assert!(one.stderr.contains("leave out `--trials 1`"), "{}", one.stderr);
    let word = promptgate(&project, "gate suites/triage --stop-early=often").expect_code(2);
    assert!(word.stderr.contains("anytime"), "{}", word.stderr);
}

const FAILS_C4: &str = "[[rule]]\nprompt = \"triage\"\ncase = \"c4\"\nanswer = \"other\"\n";

const RULE: &str = "[[gate.check]]\nrule = \"no-new-break\"\n";

#[test]
fn a_failing_case_is_called_three_more_times_before_it_counts_as_broken() {
    let project = triage();
    project.write(SUITE, format!("{}{RULE}", project.read(SUITE)));
    // The candidate's first answer to c4 is wrong, the later ones are right.
    scripted(&project, "[[rule]]\nprompt = \"triage\"\ncase = \"c4\"\nrepeat = 1\nanswer = \"other\"\n");
    edit(&project, SUITE, "15pt", "25pt");
    let first = promptgate(&project, "gate suites/triage --report json=gate.json").expect_code(0);
    assert!(first.stderr.contains("; up to 60 calls on top, where cases are about to break a rule"), "{first:?}");
    assert!(first.stderr.contains("3 calls on top: cases that are about to break a rule"), "{first:?}");
    let report: Value = serde_json::from_str(&project.read("gate.json")).unwrap();
    let rule = &report["comparisons"][0]["checks"][1];
    assert_eq!((rule["verdict"].as_str(), rule["broken"].as_u64()), (Some("pass"), Some(0)));
    assert!(rule["reason"].as_str().unwrap().contains("1 failing case was called 3 more times"), "{rule}");
    let made = calls(&project);
    assert_eq!(made.len(), 43, "20 cases on two sides, and one case three more times");
    // What was called to confirm is stored like any answer.
    let again = promptgate(&project, "gate suites/triage --report json=gate.json").expect_code(0);
    assert!(!again.stderr.contains("calls on top: "), "{again:?}");
    let again: Value = serde_json::from_str(&project.read("gate.json")).unwrap();
    assert_eq!(calls(&project).len(), 43);
    assert_eq!(again["comparisons"], report["comparisons"]);
    assert_eq!(again["evidence_digest"], report["evidence_digest"]);
}

#[test]
fn a_case_that_fails_again_is_broken_and_one_that_may_not_be_called_leaves_the_rule_open() {
    let project = triage();
    project.write(SUITE, format!("{}{RULE}", project.read(SUITE)));
    scripted(&project, FAILS_C4);
    let without = |project: &Project| {
        edit(project, SUITE, RULE, &format!("{RULE}confirm = 0\n"));
        let _ = promptgate(project, "gate suites/triage").expect_code(100);
        edit(project, SUITE, &format!("{RULE}confirm = 0\n"), RULE);
    };
    without(&project);
    let open = gate_json(&project, "--no-run", 102);
    let reason = open["comparisons"][0]["checks"][1]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("was to be called 3 more times and got no answer"), "{reason}");
    let broken = gate_json(&project, "", 100);
    assert_eq!(broken["comparisons"][0]["checks"][1]["cases"], serde_json::json!(["c4"]));
}

#[test]
fn enough_failed_cases_end_no_calls_that_confirm() {
    let project = triage();
    project.write(SUITE, format!("{}{RULE}", project.read(SUITE)));
    scripted(&project, FAILS_C4);
    // All 40 trials of the plan, and none on top.
    let _ = promptgate(&project, "gate suites/triage --max-calls 40").expect_code(106);
    let resumed = gate_json(&project, "--resume --max-fail 1 --concurrency 1", 100);
    let rule = &resumed["comparisons"][0]["checks"][1];
    assert_eq!(rule["cases"], serde_json::json!(["c4"]), "{rule}");
    assert_eq!(calls(&project).len(), 43);
}

#[test]
fn rules_are_judged_on_the_calls_of_all_draws() {
    let wrong = Arc::new(AtomicBool::new(true));
    let answers = wrong.clone();
    let server = Server::start(move |request| {
        let asked = request.json()["messages"].to_string();
        let fourth = ["Sort this: letter 4\\n", "Sort this: letter 4\""].iter().any(|text| asked.contains(text));
        let bad = answers.load(Ordering::SeqCst) && fourth;
        Reply::answer(if bad { "other" } else { "billing" })
    });
    let project = triage().variable("OPENAI_API_KEY", "sk-test-1234567890");
    project.write("promptgate.toml", format!("[provider.openai]\nbase_url = \"{}\"\n", server.base_url()));
    edit(&project, SUITE, "scripted/x", "openai/mock");
    edit(&project, SUITE, "15pt", "25pt");
    project.write(SUITE, format!("{}[[gate.check]]\nrule = \"must-pass\"\n", project.read(SUITE)));
    assert_eq!(gate_json(&project, "", 100)["comparisons"][0]["checks"][1]["verdict"], "fail");
    // The model answers rightly now; what it said in the first draw is not forgotten.
    wrong.store(false, Ordering::SeqCst);
    let report = gate_json(&project, "--fresh", 100);
    let comparison = &report["comparisons"][0];
    assert_eq!((&comparison["draw"], &comparison["checks"][1]["verdict"]), (&Value::from(2), &Value::from("fail")));
    assert_eq!(comparison["checks"][0]["verdict"], "pass");
    assert_eq!(comparison["checks"][0]["interval_level"], 0.975);
    // Running it again continues this evidence: it is still the second draw, with the first beside it.
    let again = gate_json(&project, "", 100);
    assert_eq!(again["comparisons"], report["comparisons"]);
}

#[test]
fn the_baseline_against_itself_shows_the_noise_without_a_fresh_draw() {
    let project = triage();
    // The model wavers: its second answers are wrong on one case.
    scripted(&project, "[[rule]]\nprompt = \"triage.old\"\ncase = \"c4\"\nrepeat = 2\nanswer = \"other\"\n");
    let report = gate_json(&project, "--aa", 0);
    let noise = &report["comparisons"][0]["noise"][0];
    assert_eq!((noise["metric"].as_str(), noise["discordant"].as_f64()), (Some("pass_rate"), Some(0.05)));
    assert_eq!((calls(&project).len(), report["comparisons"][0]["draw"].as_u64()), (60, Some(1)));
    let shown = promptgate(&project, "gate suites/triage --aa").expect_code(0);
    assert!(shown.stdout.contains("baseline against itself: pass_rate differs on 5% of 20 pairs"), "{}", shown.stdout);
    let stored = promptgate(&project, "gate suites/triage --aa --baseline run:latest").expect_code(2);
    assert!(stored.stderr.contains("cannot be run against itself"), "{}", stored.stderr);
}

#[test]
fn a_small_suite_is_judged_on_its_own_cases_and_says_so_first() {
    let project = triage();
    project.write(CASES, cases(1..=25));
    edit(&project, SUITE, "prompt = \"triage\"\n", "prompt = \"triage\"\ntrials = 3\n");
    edit(&project, SUITE, "[gate]\n", "[gate]\nscope = \"these-cases\"\n");
    edit(&project, SUITE, "15pt", "5pt");
    let output = promptgate(&project, "gate suites/triage").expect_code(0);
    assert!(
        output.stdout.contains("GATE  PASS on these 25 cases: shown not to be worse by 5 pt or more"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("Other inputs were not looked at."), "{}", output.stdout);
    assert_eq!(calls(&project).len(), 150);
}

#[test]
fn several_candidates_stand_in_one_table_and_share_the_error_rate() {
    let project = triage();
    project.write("suites/triage/prompts/triage.new.prompt", project.read(OLD).replace("Where", "Now where"));
    let output = promptgate(&project, "compare triage.old triage triage.new --suite suites/triage").expect_code(0);
    assert!(output.stdout.contains("2 candidates side by side"), "{}", output.stdout);
    let rows = output.stdout.lines().filter(|line| line.starts_with("pass_rate "));
    assert_eq!(rows.count(), 2, "{}", output.stdout);
    let twice = promptgate(&project, "compare triage.old triage triage --suite suites/triage").expect_code(2);
    assert!(twice.stderr.contains("the candidate `triage` is there twice"), "{}", twice.stderr);
    let none = promptgate(&project, "compare triage.old --suite suites/triage").expect_code(2);
    assert!(none.stderr.contains("CANDIDATES"), "{}", none.stderr);
}

#[test]
fn floors_are_judged_where_the_baseline_cannot_be_had() {
    let project = triage();
    let floor = "[[gate.check]]\nmetric = \"pass_rate\"\nmin = 0.9\n";
    project.write(SUITE, format!("{}{floor}", project.read(SUITE)));
    let report = gate_json(&project, "--baseline triage.odl", 103);
    assert_eq!(report["comparisons"][0]["reason"], "baseline_missing");
    assert_eq!(report["comparisons"][0]["checks"][1]["verdict"], "pass");
    scripted(&project, "[[rule]]\nprompt = \"triage\"\nanswer = \"other\"\n");
    let report = gate_json(&project, "--baseline triage.odl --fresh", 100);
    assert_eq!(report["comparisons"][0]["checks"][1]["verdict"], "fail");
}

#[test]
fn a_plan_is_calibrated_by_running_the_baseline_against_itself_and_keeps_what_it_found() {
    let project = triage();
    scripted(&project, "[[rule]]\nprompt = \"triage.old\"\ncase = \"c4\"\nrepeat = 3\nanswer = \"other\"\n");
    let output = promptgate(&project, "plan suites/triage --calibrate --trials 2").expect_code(0);
    assert!(output.stderr.contains("triage.old against itself"), "{}", output.stderr);
    assert_eq!(
        calls(&project).len(),
        80,
        "20 cases, two trials on each of two arms, and not one call of the candidate"
    );
    let kept: Value = serde_json::from_str(&project.read(".promptgate/calibrations/triage.json")).unwrap();
    let rate = &kept["metrics"][0];
    assert_eq!(
        (rate["metric"].as_str(), rate["n"].as_u64(), rate["flaky"].as_u64()),
        (Some("pass_rate"), Some(20), Some(1))
    );
    assert_eq!(rate["discordant"].as_f64(), Some(0.5 / 20.0));
    assert!(!output.stdout.contains("assumed"), "{}", output.stdout);
    // The baseline's own trials are stored: planning again, and the gate itself, call nothing of it anew.
    let _ = promptgate(&project, "plan suites/triage --calibrate --trials 2").expect_code(0);
    assert_eq!(calls(&project).len(), 80);
    let nothing = promptgate(&project, "plan suites/triage --calibrate --baseline run:latest").expect_code(2);
    assert!(nothing.stderr.contains("cannot be run against itself"), "{}", nothing.stderr);
}

#[test]
fn a_verdict_is_explained_so_that_it_can_be_checked_with_paper() {
    let project = triage();
    project.write(CASES, cases(1..=200));
    edit(&project, SUITE, "15pt", "5pt");
    let wrong = |prompt: &str, cases: &[&str]| {
        let rule = |case: &&str| format!("[[rule]]\nprompt = \"{prompt}\"\ncase = \"{case}\"\nanswer = \"other\"\n");
        cases.iter().map(rule).collect::<String>()
    };
    // 12 cases are broken and 9 fixed, as in the example of the documentation.
    let broken = wrong("triage", &["c1?", "c2", "c3"]);
    let fixed = wrong("triage.old", &["c5?", "c20"]);
    scripted(&project, &format!("{broken}{}", fixed.replace("c5?", "c5[1-8]")));
    let _ = promptgate(&project, "gate suites/triage").expect_code(102);
    let shown = promptgate(&project, "explain latest pass_rate").expect_code(0).stdout;
    let line = |what: &str| {
        let line = shown.lines().find(|line| line.trim_start().starts_with(what)).unwrap_or_else(|| panic!("{shown}"));
        line.split_whitespace().find_map(|word| word.parse::<f64>().ok()).unwrap()
    };
    assert_eq!((line("fixed (b)"), line("broken (c)"), line("estimate")), (9.0, 12.0, -0.015));
    assert!((line("p of a result") - 0.261_733_53).abs() < 1e-7);
    // z from the numbers that stand above it.
    let [a, b, c, q, z] = ["A ", "B ", "C ", "q ", "z "].map(line);
    assert!(((f64::sqrt(b * b - 4.0 * a * c) - b) / (2.0 * a) - q).abs() < 1e-7, "{shown}");
    let theta = -0.05_f64;
    assert!(((-3.0 - 200.0 * theta) / (200.0 * (2.0 * q + theta * (1.0 - theta))).sqrt() - z).abs() < 1e-6, "{shown}");
    let json = promptgate(&project, "explain latest --json").expect_code(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["schema"], "promptgate.explain/1");
    for (arguments, code, words) in [
        ("explain latest pas_rate", 2, "did you mean `pass_rate`?"),
        ("explain nope", 2, "no run `nope`"),
        ("explain suites/triage/cases.jsonl", 2, "cases.jsonl"),
        ("explain latest pass_rate more", 2, "unexpected argument"),
    ] {
        let output = promptgate(&project, arguments).expect_code(code);
        assert!(output.stderr.contains(words), "{arguments}: {}", output.stderr);
    }
    let _ = promptgate(&project, "run suites/triage --no-fail").expect_code(0);
    assert!(promptgate(&project, "explain").expect_code(2).stderr.contains("is no gate"));
    let none = promptgate(&triage(), "explain").expect_code(2);
    assert!(none.stderr.contains("no run is stored there yet"), "{}", none.stderr);
}
