//! `judge calibrate`, and a gate that corrects a judge by what people say.

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
    let said = project.run(with(&["--no-run", "--json"])).expect_code(0);
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
        report.to_string().contains("6 answers are labelled by people, and at least 7 are asked for"),
        "{}",
        said.stdout
    );
    assert!(report.to_string().contains("(6 labels, 3 pairs labelled on both sides"), "{report:#}");
}
