//! The complete examples of `fixtures/formats` are read, hold every key that the parsers know, and are documented.

use std::collections::BTreeSet;

use promptgate_core::format::cases::{CasesFormat, read_cases};
use promptgate_core::format::{inputs, project, recording, suite};
use promptgate_core::suite::SuiteDefaults;
use serde_json::Map;

pub(crate) const SUITE: &str = include_str!("../../../../fixtures/formats/suite.toml");
pub(crate) const PROJECT: &str = include_str!("../../../../fixtures/formats/promptgate.toml");
pub(crate) const JSONL: &str = include_str!("../../../../fixtures/formats/cases.jsonl");
pub(crate) const CSV: &str = include_str!("../../../../fixtures/formats/cases.csv");
pub(crate) const TOML: &str = include_str!("../../../../fixtures/formats/cases.toml");
pub(crate) const INPUTS: &str = include_str!("../../../../fixtures/formats/inputs.jsonl");
pub(crate) const RECORDING: &str = concat!(
    include_str!("../../../../fixtures/formats/recordings/gpt-4.1-mini.jsonl"),
    include_str!("../../../../fixtures/formats/recordings/gpt-4.1.jsonl"),
);
const README: &str = include_str!("../../../../fixtures/formats/README.md");

#[test]
fn the_complete_suite_is_read_and_its_cases_are_the_same_in_every_format() {
    let suite = suite::parse(SUITE, "suite.toml", &SuiteDefaults::default()).unwrap();
    assert_eq!(suite.gate.unwrap().checks.len(), 7);
    project::parse(PROJECT, "promptgate.toml").unwrap();
    let read = |format, text: &'static str| {
        let cases = read_cases(format, text.as_bytes(), "cases", Map::new());
        cases.map(Result::unwrap).collect::<Vec<_>>()
    };
    let jsonl = read(CasesFormat::Jsonl, JSONL);
    for other in [read(CasesFormat::Csv, CSV), read(CasesFormat::Toml, TOML)] {
        assert_eq!(other.len(), jsonl.len());
        for (case, same) in other.iter().zip(&jsonl) {
            let part = |case: &promptgate_core::case::Case| {
                (case.id.clone(), case.expected.clone(), case.tags.clone(), case.cluster.clone())
            };
            assert_eq!(part(case), part(same));
        }
    }
    assert!(inputs::Inputs::new(INPUTS.as_bytes(), "inputs.jsonl").all(|input| input.is_ok()));
    for (index, line) in RECORDING.lines().enumerate() {
        recording::parse_line(line.as_bytes(), "r.jsonl", index as u32 + 1).unwrap();
    }
}

#[test]
fn the_suites_that_ship_are_read_without_a_warning() {
    let suites = concat!(env!("CARGO_MANIFEST_DIR"), "/../../suites");
    for name in ["support-triage", "llmbar", "gsm8k"] {
        let text = std::fs::read_to_string(format!("{suites}/{name}/suite.toml")).unwrap();
        let suite = suite::parse(&text, "suite.toml", &SuiteDefaults::default()).unwrap();
        assert_eq!((suite.name.as_str(), suite.warnings), (name, Vec::new()));
    }
    let cases = std::fs::read(format!("{suites}/support-triage/cases.jsonl")).unwrap();
    assert!(read_cases(CasesFormat::Jsonl, &cases[..], "cases.jsonl", Map::new()).all(|case| case.is_ok()));
}

/// The keys that a parser knows, as it lists them when it meets one it does not know.
fn known(mistake: &str) -> Vec<String> {
    let (_, list) = mistake.split_once("known: ").unwrap_or_else(|| panic!("no list of keys in: {mistake}"));
    let list = list.lines().next().unwrap_or_default();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn suite_keys(text: &str) -> Vec<String> {
    known(&suite::parse(text, "suite.toml", &SuiteDefaults::default()).unwrap_err().to_string())
}

fn project_keys(text: &str) -> Vec<String> {
    known(&project::parse(text, "promptgate.toml").unwrap_err().to_string())
}

/// Every key of a TOML document as a dotted path, list positions left out.
fn keys_of(text: &str) -> BTreeSet<String> {
    fn walk(value: &toml::Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => table.iter().for_each(|(key, value)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(value, &path, found);
                found.insert(path);
            }),
            toml::Value::Array(items) => items.iter().for_each(|item| walk(item, path, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(&toml::Value::Table(text.parse().unwrap()), "", &mut found);
    found
}

fn is_documented(key: &str) -> bool {
    README.lines().any(|line| line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{key}`"))))
}

/// Each key stands in the example below `path`, and in the README.
fn check(example: &str, path: &str, keys: &[String]) {
    assert!(!keys.is_empty(), "`{path}`: {keys:?}");
    let found = keys_of(example);
    for key in keys {
        assert!(found.contains(&format!("{path}{key}")), "the example has no `{path}{key}`");
        assert!(is_documented(key), "the README has no `{key}`");
    }
}

#[test]
fn every_key_a_suite_knows_is_in_the_example_and_in_the_readme() {
    let z = "zzzzzzzzzzzz = 1\n";
    check(SUITE, "", &suite_keys(z));
    check(SUITE, "model.", &suite_keys(&format!("[[model]]\n{z}")));
    check(SUITE, "model.recording.", &suite_keys(&format!("[[model]]\nid = \"a/b\"\nrecording.{z}")));
    check(SUITE, "judge.", &suite_keys(&format!("[[judge]]\n{z}")));
    check(SUITE, "metric.", &suite_keys(&format!("[[metric]]\n{z}")));
    check(SUITE, "cases.", &suite_keys(&format!("[cases]\n{z}")));
    check(SUITE, "report.", &suite_keys(&format!("[report]\nby = \"cluster\"\n{z}")));
    check(SUITE, "gate.", &suite_keys(&format!("[gate]\n{z}")));
    check(SUITE, "gate.check.", &suite_keys(&format!("[[gate.check]]\n{z}")));
    let of_assertions = ["kind", "name", "not", "weight", "threshold", "extract", "metric", "tier", "when", "assert"];
    check(SUITE, "assert.", &of_assertions.map(str::to_owned));
}

#[test]
fn every_key_a_project_file_knows_is_in_the_example_and_in_the_readme() {
    let z = "zzzzzzzzzzzz = 1\n";
    check(PROJECT, "", &project_keys(z));
    check(PROJECT, "retries.", &project_keys(&format!("[retries]\n{z}")));
    let price = format!("[prices.\"a/b\"]\ninput = 1\noutput = 1\n{z}");
    check(PROJECT, "prices.openai/gpt-4.1-mini.", &project_keys(&price));
    check(PROJECT, "suite.", &project_keys(&format!("[suite]\n{z}")));
    check(PROJECT, "suite.gate.", &project_keys(&format!("[suite.gate]\n{z}")));
    let provider = project_keys(&format!("[provider.x]\n{z}"));
    let (script, others): (Vec<String>, Vec<String>) = provider.into_iter().partition(|key| key == "script");
    check(PROJECT, "provider.local.", &others);
    assert!(script == ["script"] && keys_of(PROJECT).contains("provider.scripted.script") && is_documented("script"));
}

#[test]
fn every_key_of_a_line_is_in_the_example_and_in_the_readme() {
    let check = |example: &str, mistake: promptgate_core::Diagnostic| {
        for key in known(&mistake.to_string()) {
            assert!(example.contains(&format!("\"{key}\":")), "the example has no `{key}`");
            assert!(is_documented(&key), "the README has no `{key}`");
        }
    };
    let line = b"{\"zzzzzzzzzzzzzzzzzzz\":1}";
    let case = read_cases(CasesFormat::Jsonl, &line[..], "c", Map::new()).next().unwrap();
    check(JSONL, case.unwrap_err());
    check(INPUTS, inputs::parse_line(line, "i", 1).unwrap_err());
    check(RECORDING, recording::parse_line(line, "r", 1).unwrap_err());
}
