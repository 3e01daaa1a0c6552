//! A run's metrics by the values of fields (`[report] by`).

use promptgate_testkit::Project;
use serde_json::{Value, json};

const SUITE: &str = r#"name = "greet"
prompt = "say"
report.by = ["metadata.lang", "vars.tier"]
[[model]]
id = "echo/any"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "contains"
value = "good"
"#;

/// Twelve languages, `l00` the one that fails most; half of the cases have a tier.
fn project() -> Project {
    let cases = (0..48).map(|at| {
        let (lang, tier) = (at % 12, at / 12);
        let text = if tier > lang { "bad" } else { "good" };
        let mut case =
            json!({"id": format!("c{at:02}"), "vars": {"text": text}, "metadata": {"lang": format!("l{lang:02}")}});
        if at < 24 {
            case["vars"]["tier"] = json!(tier);
        }
        case.to_string() + "\n"
    });
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "")
        .file("suites/greet/suite.toml", SUITE)
        .file("suites/greet/prompts/say.prompt", "{{text}}")
        .file("suites/greet/cases.jsonl", cases.collect::<String>())
}

const RUN: [&str; 7] = ["run", "suites/greet", "--no-fail", "--report", "json=out.json", "--report", "terminal"];

#[test]
fn a_run_tells_its_metrics_by_the_values_of_fields_and_a_stored_one_the_same() {
    let project = project();
    let said = project.run(RUN).expect_code(0);
    let from = said.stdout.find("  lowest by metadata.lang").unwrap_or_else(|| panic!("{}", said.stdout));
    let told: Vec<&str> = said.stdout[from..].lines().take_while(|line| !line.contains("contains")).collect();
    insta::assert_snapshot!(told.join("\n"), @"
      lowest by metadata.lang  pass_rate  cases
      l00                          25.0%      4
      l01                          50.0%      4
      l02                          75.0%      4
      l03                         100.0%      4
      l04                         100.0%      4
      l05                         100.0%      4
      l06                         100.0%      4
      l07                         100.0%      4
      l08                         100.0%      4
      l09                         100.0%      4
      metadata.lang: 2 more values in the JSON report
      by vars.tier  pass_rate  cases
      1                 91.7%     12
      0                100.0%     12
      vars.tier: 24 cases without a value
    ");
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    let fields = &report["sides"][0]["fields"];
    assert_eq!(fields[0]["values"].as_array().unwrap().len(), 12, "{fields:#}");
    assert_eq!(fields[0]["values"][0]["metrics"][0], json!({"name": "pass_rate", "n": 4, "value": 0.25}));
    assert_eq!((&fields[1]["field"], &fields[1]["without"]), (&json!("vars.tier"), &json!(24)));
    let id = report["volatile"]["run"].as_str().unwrap();
    let stored = project.run(["report", id, "--report", "terminal"]).expect_code(100);
    assert_eq!(stored.stdout, said.stdout);
}

#[test]
fn a_field_that_no_case_has_is_an_error_at_its_place_and_under_a_filter_a_note() {
    let project = project();
    project.write("suites/greet/suite.toml", SUITE.replace("metadata.lang", "metadata.lagn"));
    let said = project.run(RUN).expect_code(2);
    let words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "the report is to group by `metadata.lagn`, and no case has a value there --> suites/greet/suite.toml:3:14 \
                help: did you mean `metadata.lang`?";
    assert!(words.contains(told), "{words}");
    project.write("suites/greet/suite.toml", SUITE);
    let said = project.run(RUN.into_iter().chain(["--filter", "id=c4*"])).expect_code(0);
    assert!(said.stdout.contains("no selected case has a value at `vars.tier`"), "{}", said.stdout);
}

#[test]
fn a_run_is_not_resumed_under_another_grouping() {
    let project = project();
    let said = project.run(RUN.into_iter().chain(["--max-calls", "20"])).expect_code(106);
    let resume = said.stderr.split_whitespace().find(|word| word.starts_with("--resume=")).unwrap();
    let resume = || project.run(RUN.into_iter().chain([resume]));
    project.write("suites/greet/suite.toml", SUITE.replace(", \"vars.tier\"", ""));
    assert!(resume().expect_code(2).stderr.contains("was started with another plan"));
    project.write("suites/greet/suite.toml", SUITE);
    let whole = resume().expect_code(0);
    assert!(whole.stdout.contains("by vars.tier"), "{}", whole.stdout);
}

#[test]
fn check_tells_a_field_that_no_case_has() {
    let project = project();
    let _ = project.run(["check", "suites/greet"]).expect_code(0);
    project.write("suites/greet/suite.toml", SUITE.replace("vars.tier", "vars.teir"));
    let said = project.run(["check", "suites/greet"]).expect_code(2);
    assert!(format!("{}{}", said.stdout, said.stderr).contains("did you mean `vars.tier`?"), "{}", said.stderr);
}

#[test]
fn a_comparison_tells_where_it_is_worse_by_the_values_of_fields() {
    let cases = (0..60).map(|at| {
        let lang = if at % 3 == 0 { "de" } else { "en" };
        let word = json!({"de": lang == "de"});
        json!({"id": format!("c{at:02}"), "vars": word, "metadata": {"lang": lang}, "tags": ["any"]}).to_string() + "\n"
    });
    let project = Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "")
        .file("suites/greet/suite.toml", SUITE.replace(", \"vars.tier\"", ""))
        .file("suites/greet/prompts/say.prompt", "{{#if de}}bad{{else}}good{{/if}}")
        .file("suites/greet/prompts/say.old.prompt", "good")
        .file("suites/greet/cases.jsonl", cases.collect::<String>());
    let said = project
        .run([
            "compare",
            "say.old",
            "say",
            "--suite",
            "suites/greet",
            "--report",
            "json=out.json",
            "--report",
            "terminal",
        ])
        .expect_code(0);
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    let notes = report["comparisons"][0]["look_here"].as_array().unwrap();
    let names: Vec<&str> = notes.iter().filter_map(|note| note["slice"].as_str()).collect();
    assert_eq!(names, ["metadata.lang=de", "tag=any"], "{report:#}");
    assert!(said.stdout.contains("metadata.lang=de"), "{}", said.stdout);
}
