//! The fold to a gate's report: real recordings first, then the edge table of the method, then what is always true.

use std::collections::HashMap;

use serde_json::Value;

use crate::bench::{Bench, Came};

/// The recorded `is_correct` of one judge and version, by case id.
fn recorded(data: &std::path::Path, judge: &str, version: &str) -> HashMap<String, bool> {
    let text = std::fs::read_to_string(data.join(format!("llmbar/recordings/{judge}/{version}.jsonl"))).unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        (value["id"].as_str().unwrap().to_owned(), value["is_correct"].as_bool().unwrap_or(false))
    };
    text.lines().map(line).collect()
}

/// The LLMBar gate: 838 cases in 419 groups, allowed drop 2 points.
fn llmbar(data: &std::path::Path) -> Bench {
    let text = std::fs::read_to_string(data.join("llmbar/cases.jsonl")).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut bench = Bench::gate(cases.len()).drop(0.02);
    for (case, value) in bench.cases.iter_mut().zip(&cases) {
        case.id = promptgate_core::name::CaseId::new(value["id"].as_str().unwrap()).unwrap();
        case.cluster = Some(value["group"].as_str().unwrap().to_owned());
    }
    bench
}

#[test]
fn real_prompt_changes_get_the_verdicts_an_independent_computation_gives() {
    let Some(data) = promptgate_testkit::data_dir() else { return };
    let bench = llmbar(&data);
    let vanilla = recorded(&data, "GPT-4", "Vanilla");
    // Exact p by convolving the cluster totals; ours is a Monte Carlo p, hence the tolerance.
    let exact = [("Metrics_Reference", 0.9984), ("Metrics", 0.9151), ("CoT", 0.0026), ("Vanilla_2shot", 0.1020)];
    let mut found = Vec::new();
    for (version, p) in exact {
        let candidate = recorded(&data, "GPT-4", version);
        let came = |side: usize, at: usize, _| {
            let side = if side == 0 { &candidate } else { &vanilla };
            Came::Out(side[bench.cases[at].id.as_str()])
        };
        let report = bench.report(came);
        let check = &report.comparisons[0].checks[0];
        assert!((check.p_value.unwrap() - p).abs() < 0.01, "{version}: {:?}", check.p_value);
        let counts = format!("{}/{}", check.broken.unwrap(), check.fixed.unwrap());
        let low = check.interval.unwrap()[0];
        found.push(format!("{version}: {counts} {low:+.3} {}", promptgate_core::report::headline(&report)));
    }
    insta::assert_snapshot!(found.join("\n"), @r"
    Metrics_Reference: 15/38 +0.011 PASS: shown not to be worse by 2 pt or more
    Metrics: 22/32 -0.004 PASS: shown not to be worse by 2 pt or more
    CoT: 50/23 -0.051 FAIL: worse, and the drop seen (3.2 pt) is at least the allowed 2 pt
    Vanilla_2shot: 42/29 -0.034 INCONCLUSIVE: not shown to be worse, not shown to be as good
    ");
}
