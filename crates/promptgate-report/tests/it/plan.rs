//! A plan for people and as JSON: what it says, and that no text of it acts.

use promptgate_core::report::plan::PlanReport;
use promptgate_report::PLAN_FORMATS;
use promptgate_report::escape::acts;
use serde_json::{Value, json};

fn spend(output: Value, basis: &str, cost: Value, unknown: Value) -> Value {
    json!({"input_tokens": 12_345, "input_basis": "assumed", "characters_per_token": 4.0, "output_tokens": output,
        "output_basis": basis, "nano_usd": cost, "unknown": unknown})
}

fn scenario(source: &str, drop: Value, passes: Value) -> Value {
    json!({"source": source, "discordant": 0.1, "sd": 0.316, "smallest_drop": drop, "chance_to_pass": passes,
        "cases_to_pass": 248, "trials_to_pass": null})
}

fn plan(name: &str) -> PlanReport {
    let digest = format!("sha256:{}", "0".repeat(64));
    let calls = json!({"trials": 50, "stored": 4, "replayed": 6, "to_call": 40});
    let check = |metric: Value, rule: Value, kind: &str, scenarios: Value, words: Value| {
        json!({"metric": metric, "rule": rule, "slice": name, "tier": "critical", "kind": kind, "limit": -0.05,
            "limit_key": "allowed_drop", "cases": 25, "clusters": null, "level": 0.05,
            "fewest": {"unit": "case", "needed": 52, "have": 25}, "scenarios": scenarios, "repeats": [], "flakes": [],
            "words": words})
    };
    let scenarios =
        json!([scenario("assumed", json!(0.235), Value::Null), scenario("calibrated", Value::Null, json!(0.4))]);
    let checks = json!([
        check(json!("queue"), Value::Null, "binary", scenarios, json!([format!("what {name} says")])),
        check(Value::Null, json!("no-new-break"), "rule", json!([]), json!(["said of a rule"])),
    ]);
    let model = |id: &str, spend: Value| {
        json!({"model": format!("openai/{id}"), "tier": "critical", "cases": 25, "clusters": null, "calls": calls,
            "spend": spend, "checks": checks})
    };
    let known = spend(json!(500), "at_most", json!(1_230_000_000_u64), Value::Null);
    let unknown = spend(Value::Null, "unknown", Value::Null, json!("price"));
    serde_json::from_value(json!({
        "schema": "promptgate.plan/1", "suite": "triage", "suite_path": name, "plan_digest": digest, "cases": 25,
        "clusters": null, "trials": 1, "scope": "population", "requirement": "shown-not-worse", "confidence": 0.95,
        "candidate": {"ref": name, "digest": digest}, "baselines": [{"ref": name, "digest": digest}], "calls": calls,
        "spend": unknown, "models": [model("one", known), model("other", unknown)],
        "calibration": {"used": true, "baseline": {"ref": name, "digest": digest}, "started": name, "age_days": 3.0,
            "cases": 20, "trials": 2, "words": format!("measured: {name}")},
        "notes": [format!("a note on {name}")], "next": [{"command": ["gate", name], "words": name}],
    }))
    .unwrap()
}

fn rendered(format: &str, report: &PlanReport, colour: bool) -> String {
    let format = PLAN_FORMATS.iter().find(|each| each.name == format).unwrap();
    let mut bytes = Vec::new();
    (format.render)(report, colour, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_plan_says_what_it_takes_then_what_it_can_tell_then_what_to_do() {
    insta::assert_snapshot!(rendered("terminal", &plan("queue"), false));
}

#[test]
fn the_json_of_a_plan_reads_back() {
    let report = plan("queue");
    assert_eq!(serde_json::from_str::<PlanReport>(&rendered("json", &report, false)).unwrap(), report);
}

#[test]
fn no_text_of_a_plan_acts() {
    let hostile = plan("\u{1b}]0;x\u{7}a\u{202e}b\u{9b}31m; rm -rf $(x) | `y`");
    for format in ["terminal", "json"] {
        let text = rendered(format, &hostile, false);
        assert_eq!(text.chars().find(|c| acts(*c) && *c != '\n'), None, "{format}: {text}");
    }
}

#[test]
fn colour_only_repeats_what_a_plan_says() {
    let (plain, coloured) = (rendered("terminal", &plan("queue"), false), rendered("terminal", &plan("queue"), true));
    assert!(coloured.contains('\x1b'));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}
