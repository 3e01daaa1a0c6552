//! What is said before any call: the gate that `check` proposes, and `plan`.

use promptgate_testkit::Project;

use crate::triage::{CASES, SUITE, calls, cases, promptgate, triage};

/// The small project without its gate, and with so many cases.
fn without_gate(number: u32) -> Project {
    let project = triage();
    let text = project.read(SUITE);
    let (head, _) = text.split_once("[gate]").unwrap();
    project.write(SUITE, head);
    project.write(CASES, cases(1..=number));
    project
}

/// What `check` proposes: the line for the top of the suite, and the gate for its end.
fn proposed(printed: &str) -> (String, String) {
    let mut blocks = [String::new(), String::new()];
    let mut block = 0;
    for line in printed.lines() {
        block = if line.contains("at the end of suite.toml") { 1 } else { block };
        if let Some(line) = line.strip_prefix("    ") {
            blocks[block].push_str(&format!("{line}\n"));
        }
    }
    let [top, end] = blocks;
    (top, end)
}

#[test]
fn check_proposes_a_gate_that_can_be_pasted_as_it_is() {
    for number in [1, 12, 25, 60, 100, 300] {
        let project = without_gate(number);
        project.commit("as it is");
        let printed = promptgate(&project, "check").expect_code(0).stdout;
        let (top, end) = proposed(&printed);
        assert!(end.contains("baseline = \"triage@git:main\""), "{printed}");
        assert_eq!(end.contains("these-cases"), number < 100, "{printed}");
        let text = project.read(SUITE);
        project.write(SUITE, format!("{top}{text}{end}"));
        let again = promptgate(&project, "check").expect_code(0).stdout;
        assert!(again.starts_with("suites/triage: right;") && !again.contains("note"), "{again}");
        assert_eq!(calls(&project), [""; 0]);
    }
}

#[test]
fn outside_of_git_the_proposal_holds_to_the_prompt_and_says_that_this_is_the_candidate() {
    let printed = promptgate(&without_gate(25), "check").expect_code(0).stdout;
    insta::assert_snapshot!("check_proposes", printed);
}

#[test]
fn a_plan_says_to_run_next_what_was_planned() {
    let project = with_suite(25, "trials = 3\n", THESE_CASES);
    let flags = "--candidate triage.old --filter !id=c1 --trials 3 --live";
    let printed = promptgate(&project, &format!("plan suites/triage {flags}")).expect_code(0).stdout;
    let told = flags.replace("!id=c1", "'!id=c1'");
    for command in ["plan suites/triage --calibrate", "gate suites/triage"] {
        assert!(printed.contains(&format!("next: promptgate {command} {told}   (")), "{printed}");
    }
}

#[test]
fn a_suite_that_says_its_trials_is_told_to_write_another_number_there() {
    let project = without_gate(25);
    let text = project.read(SUITE);
    project.write(SUITE, format!("trials = 2\n{text}"));
    let printed = promptgate(&project, "check").expect_code(0).stdout;
    assert!(printed.contains("in suite.toml, in place of `trials = 2`:\n\n    trials = 3 "), "{printed}");
}

/// The small project with other lines in its suite.
fn with_suite(number: u32, head: &str, gate: &str) -> Project {
    let project = without_gate(number);
    let text = project.read(SUITE);
    project.write(SUITE, format!("{head}{text}{gate}"));
    project
}

const THESE_CASES: &str = r#"[gate]
baseline = "triage.old"
scope = "these-cases"
[[gate.check]]
metric = "pass_rate"
allowed_drop = "5pt"
[[gate.check]]
rule = "no-new-break"
[[gate.check]]
metric = "tokens"
allowed_rise = "10%"
tier = "advisory"
"#;

/// The project that ships, whole, in a folder of its own.
fn shipped() -> Project {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let project = Project::new().binary(env!("CARGO_BIN_EXE_promptgate")).file("promptgate.toml", "");
    copy(&root.join("suites/support-triage"), &project.path("suites/support-triage"));
    project
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(item.file_name());
        if item.path().is_dir() {
            copy(&item.path(), &place);
        } else {
            std::fs::copy(item.path(), &place).unwrap();
        }
    }
}

#[track_caller]
fn planned(project: &Project, line: &str) -> String {
    let output = promptgate(project, line).expect_code(0);
    assert_eq!(output.stderr, "", "{line}");
    assert_eq!(project.files(".promptgate/runs"), [""; 0]);
    output.stdout
}

/// Prose without its line breaks.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn json(project: &Project, line: &str) -> serde_json::Value {
    serde_json::from_str(&planned(project, &format!("{line} --report json"))).unwrap()
}

#[test]
fn the_suite_that_ships_is_planned_from_its_recordings() {
    insta::assert_snapshot!("plan_of_support_triage", planned(&shipped(), "plan suites/support-triage"));
}

#[test]
fn what_the_suite_that_ships_would_cost_is_reckoned_without_a_key_from_what_its_recordings_counted() {
    let plan = json(&shipped(), "plan suites/support-triage --live --model gpt-4.1-mini");
    let counts = |key: &str| plan["calls"][key].as_u64().unwrap();
    assert_eq!((counts("trials"), counts("replayed"), counts("to_call")), (454, 0, 454));
    // What the recording holds of these very requests, counted by itself.
    let recording = shipped().read("suites/support-triage/recordings/gpt-4.1-mini.jsonl");
    let lines = recording.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let lines: Vec<_> = lines.filter(|line| line["prompt"] == "triage" || line["prompt"] == "triage.guarded").collect();
    let tokens = |key: &str| lines.iter().map(|line| line["usage"][key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(lines.len(), 454);
    let (spend, input, output) = (&plan["spend"], tokens("input_tokens"), tokens("output_tokens"));
    assert_eq!((spend["input_basis"].as_str(), spend["output_basis"].as_str()), (Some("measured"), Some("measured")));
    assert_eq!((spend["input_tokens"].as_u64(), spend["output_tokens"].as_u64()), (Some(input), Some(output)));
    assert_eq!(spend["nano_usd"].as_u64(), Some(input * 400 + output * 1_600));
}

#[test]
fn a_small_suite_of_these_cases_is_told_what_its_repeats_can_show() {
    let project = with_suite(25, "trials = 3\n", THESE_CASES);
    insta::assert_snapshot!("plan_of_25_cases", planned(&project, "plan suites/triage"));
}

#[test]
fn a_suite_that_cannot_pass_is_told_so_first() {
    let gate = THESE_CASES.replace("scope = \"these-cases\"\n", "");
    let project = with_suite(20, "", &gate);
    let printed = planned(&project, "plan suites/triage");
    let line = printed.lines().nth(1).unwrap();
    assert_eq!(
        line,
        "as it is this gate can pass only a candidate that is better: too little is looked at for pass_rate"
    );
    assert!(flowing(&printed).contains("`scope = \"these-cases\"` with `trials = 3`"), "{printed}");
}

#[test]
fn an_unknown_price_is_unknown_and_a_price_of_the_users_is_used() {
    let project = triage();
    let prompt = project.read(crate::triage::PROMPT);
    project.write(crate::triage::PROMPT, prompt.replacen("---\n", "---\nconfig: { maxOutputTokens: 10 }\n", 1));
    let old = project.read(crate::triage::OLD);
    project.write(crate::triage::OLD, old.replacen("---\n", "---\nconfig: { maxOutputTokens: 10 }\n", 1));
    let printed = planned(&project, "plan suites/triage");
    let row = printed.lines().find(|line| line.starts_with("scripted/x ")).unwrap();
    assert!(row.ends_with("at most 400  unknown"), "{row}");
    assert!(flowing(&printed).contains("no price is known for scripted/x: write it under [prices]"), "{printed}");
    let plan = json(&project, "plan suites/triage");
    assert_eq!((&plan["spend"]["nano_usd"], &plan["spend"]["unknown"]), (&serde_json::Value::Null, &"price".into()));
    crate::triage::append(&project, "promptgate.toml", "[prices]\n\"scripted/x\" = { input = 1.0, output = 2.0 }\n");
    let plan = json(&project, "plan suites/triage");
    let tokens = plan["spend"]["input_tokens"].as_u64().unwrap();
    assert_eq!(plan["spend"]["nano_usd"].as_u64(), Some(tokens * 1_000 + 400 * 2_000));
    assert_eq!(plan["spend"]["output_basis"], "at_most");
}

#[test]
fn what_is_stored_is_not_called_again_and_tells_how_long_answers_are() {
    let project = triage();
    let script = project.read("script.toml") + "[[rule]]\nusage = { input_tokens = 20, output_tokens = 7 }\n";
    project.write("script.toml", script);
    let _ = promptgate(&project, "run suites/triage").expect_code(0);
    let output = promptgate(&project, "plan suites/triage --report json").expect_code(0);
    let plan: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let counts = |key: &str| plan["calls"][key].as_u64().unwrap();
    assert_eq!((counts("trials"), counts("stored"), counts("to_call")), (40, 20, 20));
    assert_eq!(plan["spend"]["output_tokens"].as_u64(), Some(140));
    assert_eq!(plan["spend"]["output_basis"], "measured");
    assert_eq!(calls(&project).len(), 20);
}

#[test]
fn a_stored_run_as_the_baseline_is_never_called() {
    let project = triage();
    let _ = promptgate(&project, "run suites/triage --candidate triage.old").expect_code(0);
    let output = promptgate(&project, "plan suites/triage --baseline run:latest --report json").expect_code(0);
    let plan: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&plan["calls"]["stored"], &plan["calls"]["to_call"]), (&20.into(), &20.into()));
}

#[test]
fn a_missing_baseline_leaves_what_needs_none_and_is_said() {
    let gate = "[gate]\nbaseline = \"triage.gone\"\n[[gate.check]]\nrule = \"must-pass\"\n[[gate.check]]\nmetric = \
                \"pass_rate\"\nallowed_drop = \"15pt\"\n";
    let printed = planned(&with_suite(20, "", gate), "plan suites/triage");
    assert!(flowing(&printed).contains("note: no comparison can be made, the baseline `triage.gone`"), "{printed}");
    assert!(printed.contains("must-pass"), "{printed}");
}

#[test]
fn several_baselines_each_take_their_risk_and_the_plan_says_so() {
    let printed = planned(&triage(), "plan suites/triage --baseline triage.old --baseline triage");
    assert!(flowing(&printed).contains("2 comparisons decide, each with its own risk"), "{printed}");
}

#[test]
fn the_json_of_a_plan_is_the_contract() {
    let project = with_suite(25, "trials = 3\n", THESE_CASES);
    let output = promptgate(&project, "plan suites/triage --report json=plan.json --report terminal").expect_code(0);
    assert!(output.stdout.starts_with("PLAN  triage against triage.old"), "{}", output.stdout);
    insta::assert_snapshot!("plan_json", project.read("plan.json"));
}

/// Puts a calibration of the small project's baseline beside it.
fn calibrate(project: &Project, cases: u64, digest: &str) {
    let text = format!(
        r#"{{"schema": "promptgate.calibration/1", "suite": "triage", "baseline": {{"ref": "triage.old", "digest": "{digest}"}},
        "run": "r1", "started": "2026-01-14T10:00:00Z", "trials": 2, "cases": {cases}, "metrics": [{{"model": "scripted/x",
        "metric": "pass_rate", "kind": "binary", "n": {cases}, "discordant": 0.06, "sd": 0.18, "within": 0.03,
        "between": 0.0, "flaky": 4}}]}}"#
    );
    project.write(".promptgate/calibrations/triage.json", text);
}

#[test]
fn a_calibration_of_the_same_baseline_takes_the_place_of_what_is_assumed() {
    let project = with_suite(25, "trials = 3\n", THESE_CASES);
    let digest = json(&project, "plan suites/triage")["baselines"][0]["digest"].as_str().unwrap().to_owned();
    calibrate(&project, 20, &digest);
    let printed = planned(&project, "plan suites/triage");
    assert!(flowing(&printed).contains("calibrated with 20 of today's 25 cases"), "{printed}");
    assert!(flowing(&printed).contains("measured: about 5 of 25 cases do not always pass"), "{printed}");
    let row = printed.lines().find(|line| line.trim_start().starts_with("pass_rate")).unwrap();
    assert!(row.contains(" 6% ") && !row.contains("assumed"), "{row}");
    // An edited baseline is another version.
    crate::triage::edit(&project, crate::triage::OLD, "Where does this go", "Where should this go");
    let printed = planned(&project, "plan suites/triage");
    assert!(flowing(&printed).contains("not used: the baseline is another version by now"), "{printed}");
    assert!(printed.contains("10% assumed"), "{printed}");
}

#[test]
fn a_plan_without_a_gate_counts_calls_and_says_where_a_gate_comes_from() {
    let project = without_gate(20);
    let printed = planned(&project, "plan suites/triage");
    assert!(printed.contains("next: promptgate check suites/triage"), "{printed}");
    assert_eq!(json(&project, "plan suites/triage")["calls"]["to_call"], 20);
    assert_eq!(json(&project, "plan suites/triage --baseline triage.old")["calls"]["to_call"], 40);
}

#[test]
fn flags_change_what_is_planned() {
    let project = triage();
    let to_call = |flags: &str| json(&project, &format!("plan suites/triage {flags}"))["calls"]["to_call"].clone();
    assert_eq!(to_call(""), 40);
    assert_eq!(to_call("--trials 5"), 200);
    assert_eq!(to_call("--filter id=c1*"), 22);
    assert_eq!(to_call("--candidate triage.old"), 20);
    assert_eq!(to_call("--baseline triage.old --baseline triage"), 40);
    assert_eq!(to_call("--model x --live"), 40);
}

#[test]
fn a_plan_held_wrong_says_what_is_wrong_and_calls_nothing() {
    let project = triage();
    let wrong = [
        ("plan", 2, "<SUITE>"),
        ("plan nope", 2, "there is no suite `nope`"),
        ("plan suites/triag", 2, "did you mean `suites/triage`?"),
        ("plan suites", 2, "`suites` holds no suite.toml"),
        ("plan suites/triage --model gpt", 2, "known: `scripted/x`"),
        ("plan suites/triage --trials 0", 2, "0 is not in 1..=1000"),
        ("plan suites/triage --trials many", 2, "--trials"),
        ("plan suites/triage --filter vip", 2, "there is no `=`"),
        ("plan suites/triage --filter tag=nothing", 4, "tag=nothing"),
        ("plan suites/triage --report pdf", 2, "known: `terminal`, `json`"),
        ("plan suites/triage --report junit=x.xml", 2, "a plan has no `junit` report"),
        ("plan suites/triage --report out.csv", 2, "known: `terminal`, `json`"),
        ("plan suites/triage --report json --report terminal", 2, "two reports are for standard output"),
        ("plan suites/triage --report json=", 2, "write FORMAT=FILE"),
        ("plan suites/triage --candidate nope", 2, "known: `triage`, `triage.old`"),
        ("plan suites/triage --candidate a..b", 2, "not a reference"),
        ("plan suites/triage --baseline nope", 103, "baseline_missing"),
        ("plan suites/triage --baseline triage@git:main", 2, "not in a git repository"),
        ("plan suites/triage --no-run", 2, "unexpected argument"),
        ("plan suites/triage suites/triage", 2, "unexpected argument"),
    ];
    for (line, code, words) in wrong {
        let output = promptgate(&project, line).expect_code(code);
        assert!(output.stderr.contains("error: ") && output.stderr.contains(words), "{line}: {}", output.stderr);
        assert_eq!(output.stdout, "", "{line}");
    }
    assert_eq!((calls(&project), project.files(".promptgate")), (Vec::new(), Vec::new()));
}

#[test]
fn a_calibration_that_cannot_be_read_is_an_error_and_not_an_assumption() {
    let project = triage();
    project.write(".promptgate/calibrations/triage.json", "{\"schema\": \"promptgate.calibration/9\"}");
    let output = promptgate(&project, "plan suites/triage").expect_code(2);
    assert!(output.stderr.contains("the schema is `promptgate.calibration/9`"), "{}", output.stderr);
    assert!(output.stderr.contains("remove the file"), "{}", output.stderr);
}

#[test]
fn a_report_that_cannot_be_written_is_said() {
    let output = promptgate(&triage(), "plan suites/triage --report json=/proc/nowhere/plan.json").expect_code(110);
    assert!(output.stdout.starts_with("PLAN"), "{}", output.stdout);
}
