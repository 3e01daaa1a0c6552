//! `judge calibrate`, and a gate that corrects a judge by what people say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use promptgate_core::Digest;
use promptgate_mock::{Said, Server, Wire};
use promptgate_testkit::Project;
use serde_json::{Value, json};

const SUITE: &str = r#"
name = "judged"
prompt = "say"
[[model]]
id = "echo/any"
[[judge]]
id = "scripted/judge"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "rubric"
name = "polite"
criteria = "It is polite."
metric = "politeness"
calibration = "labels.jsonl"
[[assert]]
kind = "contains"
name = "please"
value = "please"
tier = "advisory"
"#;

/// Lenient: everything is fine but what says "rude".
const JUDGE: &str = r#"
calls_log = "calls.jsonl"
answer = '{"reason": "fine", "score": 5}'
[[rule]]
contains = "rude"
answer = '{"reason": "it is rude", "score": 1}'
[[rule]]
case = "c"
answer = "I rather like it."
"#;

fn label(case: &str, output: &str, label: impl Into<Value>) -> String {
    json!({"case": case, "output": output, "label": label.into()}).to_string()
}

fn project() -> Project {
    let labels = [
        label("a", "please", true),
        label("a", "pleeease", 1),
        label("b", "rude words", 0),
        label("b", "curt words", false),
        label("c", "babble", 0.5),
    ];
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "[provider.scripted]\nscript = \"judge.toml\"\n")
        .file("judge.toml", JUDGE)
        .file("suites/judged/suite.toml", SUITE)
        .file("suites/judged/prompts/say.prompt", "{{text}}")
        .file(
            "suites/judged/cases.jsonl",
            ["a", "b", "c"].map(|id| json!({"id": id, "vars": {"text": "x"}}).to_string() + "\n").concat(),
        )
        .file("suites/judged/labels.jsonl", labels.join("\n") + "\n")
}

const CALIBRATE: [&str; 3] = ["judge", "calibrate", "suites/judged"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    CALIBRATE.iter().chain(more).copied().collect()
}

#[test]
fn a_judge_is_held_against_what_people_say() {
    let project = project();
    let said = project.run(CALIBRATE).expect_code(0);
    insta::assert_snapshot!(said.stdout, @r#"
    judge of `polite` against people: 4 outputs
      unscored          1: no grade of scripted/judge in 3 replies: it is not the JSON object asked for (expected value at line 1 column 1): I rather like it.
      agreement         0.50 (kappa; 1 is perfect, 0 is chance)
      same verdict      3 of 4
      only people pass  0
      only judge passes 1
      judge - people    +25.0 points on average
      with length       r = +0.52
      disagreements, the largest first (1 in all)
        b  people 0.00, judge 1.00: fine
          of "curt words"
    "#);
    let calls = project.read("calls.jsonl").lines().count();
    let said = project.run(with(&["--no-run", "--json"])).expect_code(102);
    let found: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&found[0]["outputs"], &found[0]["unscored"]), (&json!(0), &json!(5)), "nobody may be asked");
    assert_eq!(project.read("calls.jsonl").lines().count(), calls);
    let said = project.run(with(&["--json"])).expect_code(0);
    let found: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&found[0]["outputs"], &found[0]["unscored"]), (&json!(4), &json!(1)), "{found:#}");
    assert_eq!(found[0]["confusion"], json!([2, 0, 1, 1]), "{found:#}");
    assert_eq!((&found[0]["agreement"], &found[0]["bias"]), (&json!(0.5), &json!(0.25)), "{found:#}");
    assert_eq!(found[0]["disagreements"][0]["case"], "b", "{found:#}");
    // A floor on the agreement.
    let _ = project.run(with(&["--min-agreement", "0.5"])).expect_code(0);
    let _ = project.run(with(&["--min-agreement", "0.51"])).expect_code(100);
    // Labels of another file, as CSV, with several people for one output.
    project.write("l.csv", "case,output,label,rater\na,please,1,x\na,please,0.5,y\nb,rude words,0,x\n");
    let said = project.run(with(&["--labels", "l.csv", "--assertion", "polite", "--json"])).expect_code(0);
    let found: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&found[0]["outputs"], &found[0]["disagreements"][0]["people"]), (&json!(2), &json!(0.75)));
}

#[test]
fn a_judge_of_whom_no_grade_is_had_did_not_disagree() {
    let project = project();
    project.write("judge.toml", "answer = 'I rather like it.'\n");
    let _ = project.run(CALIBRATE).expect_code(102);
    let _ = project.run(with(&["--min-agreement", "0.5"])).expect_code(102);
    project.write("promptgate.toml", "[retries]\nattempts = 2\nfirst_wait = \"1ms\"\n");
    let unreachable = project.variable("OPENAI_BASE_URL", "http://127.0.0.1:9/v1").variable("OPENAI_API_KEY", "k");
    unreachable.write("suites/judged/suite.toml", SUITE.replace("scripted/judge", "openai/judge"));
    let _ = unreachable.run(with(&["--min-agreement", "0.5"])).expect_code(104);
}

#[test]
fn what_cannot_be_calibrated_is_said() {
    let refused = |change: &dyn Fn(&Project), args: &[&str], code: u8, says: &str| {
        let project = project();
        change(&project);
        let said = project.run(with(args)).expect_code(i32::from(code));
        let words: Vec<&str> = said.stderr.split_whitespace().collect();
        assert!(words.join(" ").contains(says), "{args:?} {says}: {}", said.stderr);
    };
    let nothing = |_: &Project| {};
    let labels = |text: &'static str| move |project: &Project| project.write("suites/judged/labels.jsonl", text);
    let suite = |from: &'static str, to: &'static str| {
        move |project: &Project| project.write("suites/judged/suite.toml", SUITE.replace(from, to))
    };
    refused(&nothing, &["--assertion", "nice"], 2, "the suite has no such assertion");
    refused(&nothing, &["--assertion", "please"], 2, "no judged assertion has labels of people");
    refused(&nothing, &["--labels", "l.csv"], 2, "--labels needs to know which assertion they are for");
    refused(&nothing, &["--labels", "l.csv", "--assertion", "polite"], 2, "cannot read l.csv");
    refused(&nothing, &["--min-agreement", "2"], 2, "write a number from -1 to 1");
    refused(&suite("calibration = \"labels.jsonl\"\n", ""), &[], 2, "no judged assertion has labels of people");
    refused(&suite("labels.jsonl", "lables.jsonl"), &[], 2, "lables.jsonl");
    refused(&suite("labels.jsonl", "../../../labels.jsonl"), &[], 2, "labels.jsonl");
    refused(&labels(""), &[], 4, "holds no label");
    refused(&labels("{\"case\": \"a\"}\n"), &[], 2, "labels.jsonl:1");
    refused(&labels("{\"case\": \"a\", \"output\": \"x\", \"label\": 7}\n"), &[], 2, "which is not from 0 to 1");
    refused(&labels("{\"case\": \"a\", \"output\": \"x\", \"label\": \"nice\"}\n"), &[], 2, "gives no such label");
    refused(&labels("{\"case\": \"z\", \"output\": \"x\", \"label\": 1}\n"), &[], 2, "the case `z`");
    let twice =
        "{\"case\": \"a\", \"output\": \"x\", \"label\": 1}\n{\"case\": \"a\", \"output\": \"x\", \"label\": 0}\n";
    refused(&labels(twice), &[], 2, "are of one person for one output");
}

#[test]
fn a_label_that_the_judge_cannot_give_is_refused_everywhere() {
    let project = project();
    let rows = [label("a", "please", true), label("a", "pleeease", "Polite")].join("\n");
    project.write("suites/judged/labels.jsonl", rows);
    for command in ["check", "run"] {
        let said = project.run([command, "suites/judged"]).expect_code(2);
        assert!(said.stderr.contains("labels.jsonl:2"), "{}", said.stderr);
    }
    let said = project.run(CALIBRATE).expect_code(2);
    assert!(said.stderr.contains("labels.jsonl:2"), "{}", said.stderr);
    assert!(said.stderr.contains("gives no such label"), "{}", said.stderr);
}

/// A suite whose judge chooses a label, with labels of people as CSV.
fn classifying(labels: &str, scores: &str, judge: &str, rows: &str) -> Project {
    let project = project();
    let rubric = "kind = \"rubric\"\nname = \"polite\"\ncriteria = \"It is polite.\"";
    let classify =
        format!("kind = \"classify\"\nname = \"polite\"\ntask = \"Which?\"\nlabels = {labels}\nscores = {scores}");
    let suite = SUITE.replace(rubric, &classify).replace("labels.jsonl", "labels.csv");
    project.write("suites/judged/suite.toml", suite);
    project.write("suites/judged/labels.csv", format!("case,output,label\n{rows}"));
    project.write("judge.toml", judge);
    project
}

/// Says what stands in the answer.
fn echoing(labels: &[&str]) -> String {
    let rule = |label: &&str| {
        let answer = json!({"reason": "so", "label": label});
        format!("[[rule]]\ncontains = \"says {label}\"\nanswer = '{answer}'\n")
    };
    labels.iter().map(rule).collect()
}

#[test]
fn a_label_that_reads_as_a_number_or_a_truth_is_the_judges_label_first() {
    for (labels, scores) in [(["true", "false"], "{ false = 1 }"), (["0", "1"], "{ 0 = 1 }"), (["2", "3"], "{ 2 = 1 }")]
    {
        let [one, other] = labels;
        let rows = format!("a,says {one},{one}\nb,says {other},{other}\n");
        let project = classifying(&json!(labels).to_string(), scores, &echoing(&labels), &rows);
        let said = project.run(with(&["--json"])).expect_code(0);
        let found: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!((&found[0]["outputs"], &found[0]["agreement"]), (&json!(2), &json!(1.0)), "{labels:?} {found:#}");
    }
}

#[test]
fn labels_of_one_score_are_still_different_labels() {
    let rows = "a,says x,x\nb,says y,z\nc,says z,z\n";
    let project = classifying(r#"["x", "y", "z"]"#, "{ x = 1 }", &echoing(&["x", "y", "z"]), rows);
    let said = project.run(with(&["--json"])).expect_code(0);
    let found: Value = serde_json::from_str(&said.stdout).unwrap();
    // Seen 2/3, expected 1/3 * 1/3 + 2/3 * 1/3: (2/3 - 1/3) / (1 - 1/3).
    assert_eq!((&found[0]["agreement"], &found[0]["statistic"]), (&json!(0.5), &json!("kappa_of_labels")), "{found:#}");
    assert_eq!(found[0]["disagreements"][0]["labels"], json!({"people": {"": "z"}, "judge": "y"}), "{found:#}");
    let said = project.run(CALIBRATE).expect_code(0);
    assert!(said.stdout.contains("b  people z, judge y: y: so"), "{}", said.stdout);
}

#[test]
fn a_gate_reads_what_people_say_of_the_answers_it_compares() {
    let project = project();
    project.write("suites/judged/prompts/say.old.prompt", "{{text}}!");
    let gate = "[gate]\nbaseline = \"say.old\"\njudge_labels_min = 7\n\
                [[gate.check]]\nmetric = \"politeness\"\nallowed_drop = 0.05\n";
    project.write("suites/judged/suite.toml", format!("{SUITE}{gate}"));
    let rows = ["a", "b", "c"].map(|case| [label(case, "x", 1), label(case, "x!", 0.5)].join("\n") + "\n");
    project.write("suites/judged/labels.jsonl", rows.concat());
    let judge = project.read("judge.toml");
    project.write("judge.toml", judge.replace("case = \"c\"", "case = \"none\""));
    let said = project.run(["gate", "suites/judged", "--report", "json=out.json"]);
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    assert!(
        report.to_string().contains("3 pairs are labelled by people on both sides, and at least 7 are asked for"),
        "{}",
        said.stdout
    );
    assert!(report.to_string().contains("(6 labels, 3 pairs labelled on both sides"), "{report:#}");
}

/// Outputs that people have labelled, half of them good.
const LABELLED: u64 = 60;

/// A judge that agrees with people, but for one reply in four that is a grade beside; in the nights from the 100th on it is
/// stricter by two grades and says that it is another model.
fn noisy_judge(night: Arc<AtomicU64>) -> Server {
    Server::start(move |received| {
        let (asked, night) = (received.json()["messages"].to_string(), night.load(Ordering::Relaxed));
        let at: u64 = asked.split("text-").nth(1).and_then(|rest| rest[..2].parse().ok()).unwrap();
        let drawn = (Digest::of_bytes(format!("{night} {at}").as_bytes()).prefix128() % 8) as i64;
        let beside = [1, -1].get(drawn as usize).copied().unwrap_or(0);
        let (harsh, model) = if night < 100 { (0, "judge-1") } else { (2, "judge-2") };
        let grade = (if at.is_multiple_of(2) { 5 } else { 3 } + beside - harsh).clamp(1, 5);
        Wire::Chat.whole(&Said::text(model, &json!({"reason": "r", "score": grade}).to_string()))
    })
}

fn with_judge(server: &Server) -> Project {
    let labels: Vec<String> = (0..LABELLED)
        .map(|at| label("a", &format!("text-{at:02}"), if at.is_multiple_of(2) { 1.0 } else { 0.5 }))
        .collect();
    let project = project().variable("OPENAI_BASE_URL", &server.base_url()).variable("OPENAI_API_KEY", "k");
    project.write("suites/judged/suite.toml", SUITE.replace("scripted/judge", "openai/judge"));
    project.write("suites/judged/labels.jsonl", labels.join("\n") + "\n");
    project
}

#[test]
fn over_nights_a_judge_that_changes_raises_an_alarm_at_once_and_one_that_does_not_raises_none() {
    let night = Arc::new(AtomicU64::new(0));
    let server = noisy_judge(night.clone());
    let project = with_judge(&server);
    let first = project.run(with(&["--json"])).expect_code(0);
    let asked = server.count();
    let _ = project.run(with(&["--save", "judge.json"])).expect_code(0);
    let kept = project.read("judge.json");
    for unchanged in 1..=20 {
        night.store(unchanged, Ordering::Relaxed);
        let said = project.run(with(&["--against", "judge.json"])).expect_code(0);
        assert!(said.stdout.contains("held against judge.json: no drift found"), "{}", said.stdout);
    }
    // Each night the judge was asked, and what is kept of its replies is still what the first night got.
    assert_eq!(server.count(), 22 * asked);
    assert_eq!(project.run(with(&["--no-run", "--json"])).expect_code(0).stdout, first.stdout);
    night.store(100, Ordering::Relaxed);
    let said = project.run(with(&["--against", "judge.json", "--save", "judge.json"])).expect_code(103);
    for part in [
        "held against judge.json: ALARM, it grades otherwise than it did",
        "answered by judge-2, was by judge-1",
        "from 0.5% by chance on, for either: in at most 1% of nights falsely",
        "moved, the largest first",
        "people 1.00, judge 1.00 -> 0.25",
        "next: put the judge's earlier model or prompt back; or accept it",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    // What the alarm is measured by stays.
    assert!(said.stderr.contains("judge.json is not written"), "{}", said.stderr);
    assert_eq!(project.read("judge.json"), kept);
    let said = project.run(with(&["--against", "judge.json", "--json"])).expect_code(103);
    let drift = serde_json::from_str::<Value>(&said.stdout).unwrap()[0]["drift"].take();
    assert_eq!((&drift["finding"], &drift["outputs"]), (&json!("drifted"), &json!(LABELLED)), "{drift:#}");
    assert!(drift["shift"].as_f64().unwrap() < -0.25 && drift["shift_p_value"].as_f64().unwrap() < 0.001, "{drift:#}");
    // Below a floor it fails first; once accepted, the judge as it is now is steady.
    let floor = ["--against", "judge.json", "--save", "judge.json", "--min-agreement", "0.99"];
    let _ = project.run(with(&floor)).expect_code(100);
    assert_eq!(project.read("judge.json"), kept);
    let _ = project.run(with(&["--save", "judge.json"])).expect_code(0);
    night.store(101, Ordering::Relaxed);
    let _ = project.run(with(&["--against", "judge.json"])).expect_code(0);
}

#[test]
fn another_prompt_of_a_judge_is_told_and_what_cannot_be_compared_is_not_steady() {
    let server = noisy_judge(Arc::default());
    let project = with_judge(&server);
    let _ = project.run(with(&["--save", "judge.json"])).expect_code(0);
    let suite = project.read("suites/judged/suite.toml");
    project.write("suites/judged/suite.toml", suite.replace("It is polite.", "It is short."));
    let said = project.run(with(&["--against", "judge.json"])).expect_code(0);
    assert!(said.stdout.contains("the judge itself changed (prompt, parameters or models)"), "{}", said.stdout);
    project.write("suites/judged/suite.toml", &suite);
    let labels = project.read("suites/judged/labels.jsonl");
    project.write("suites/judged/labels.jsonl", labels.lines().take(8).collect::<Vec<_>>().join("\n"));
    let said = project.run(with(&["--against", "judge.json"])).expect_code(102);
    let few = "not decided, 8 outputs are graded both times, and drift can be found from 9 on";
    assert!(said.stdout.contains(few), "{}", said.stdout);
    // A judge that gives no grade leaves nothing to be held against.
    let babbles =
        project.read("judge.toml").replace("answer = '{\"reason\": \"fine\", \"score\": 5}'", "answer = \"Nice.\"");
    project.write("judge.toml", babbles);
    project.write("suites/judged/suite.toml", SUITE);
    let said = project.run(with(&["--save", "empty.json"])).expect_code(102);
    assert!(said.stderr.contains("empty.json is not written: no output of `polite` got a grade"), "{}", said.stderr);
    assert!(!project.path("empty.json").exists());
    project.write("suites/judged/suite.toml", &suite);
    let refused = |args: &[&str], says: &str| {
        let count = server.count();
        let said = project.run(with(args)).expect_code(2);
        let words: Vec<&str> = said.stderr.split_whitespace().collect();
        assert!(words.join(" ").contains(says), "{args:?} {says}: {}", said.stderr);
        assert_eq!(server.count(), count, "{says}");
    };
    refused(&["--against", "none.json"], "cannot read none.json");
    refused(&["--against", "judge.json", "--no-run"], "cannot be used with");
    project.write("broken.json", "{\"schema\": 3");
    refused(&["--against", "broken.json"], "broken.json:1:");
    project.write("other.json", project.read("judge.json").replace("\"suite\": \"judged\"", "\"suite\": \"others\""));
    refused(&["--against", "other.json"], "other.json is of the suite `others`, not of `judged`");
    project.write("none.json", project.read("judge.json").replace("\"polite\"", "\"nice\""));
    refused(&["--against", "none.json"], "none.json has no grades of `polite`");
    project.write("suites/judged/labels.jsonl", label("b", "text-00", 1));
    refused(&["--against", "judge.json"], "judge.json shares no labelled output with those of `polite`");
    project.write("suites/judged/labels.jsonl", &labels);
    let recorded = suite.replace("id = \"openai/judge\"", "id = \"openai/judge\"\nrecording = \"judge.jsonl\"");
    project.write("suites/judged/suite.toml", recorded);
    refused(&["--against", "judge.json"], "a recording stands in for openai/judge, which cannot drift");
}
