//! `real-data`: the suites on recorded public data, judged by the real binary: exact counts, and the verdicts an
//! independent computation gives.

use serde_json::Value;

use crate::chore::{Outcome, command, pass};
use crate::data;

/// Correct cases of 838 by judge and version of the judging prompt, as published.
const LLMBAR_CORRECT: [(&str, &str, u64); 16] = [
    ("gpt-4", "vanilla-norules", 641),
    ("gpt-4", "vanilla", 708),
    ("gpt-4", "vanilla-1shot", 705),
    ("gpt-4", "vanilla-2shot", 695),
    ("gpt-4", "cot", 681),
    ("gpt-4", "metrics", 718),
    ("gpt-4", "reference", 719),
    ("gpt-4", "metrics-reference", 731),
    ("chatgpt", "vanilla-norules", 335),
    ("chatgpt", "vanilla", 335),
    ("chatgpt", "vanilla-1shot", 336),
    ("chatgpt", "vanilla-2shot", 327),
    ("chatgpt", "cot", 338),
    ("chatgpt", "metrics", 384),
    ("chatgpt", "reference", 359),
    ("chatgpt", "metrics-reference", 409),
];

/// Correct solutions of 1,319 by model, as published.
const GSM8K_CORRECT: [(&str, u64); 4] =
    [("6b_finetuning", 286), ("6b_verification", 515), ("175b_finetuning", 458), ("175b_verification", 742)];

/// A gate on GPT-4 against `judge.vanilla`, as an independent computation of the cluster rule decides it.
struct Gate {
    candidate: &'static str,
    verdict: &'static str,
    exit: i32,
    broken: u64,
    fixed: u64,
    p_value: f64,
    /// The one-sided lower bound of the difference.
    lower: f64,
}

const GATES: [Gate; 4] = [
    Gate {
        candidate: "metrics-reference",
        verdict: "pass",
        exit: 0,
        broken: 15,
        fixed: 38,
        p_value: 0.9988,
        lower: 0.011,
    },
    Gate { candidate: "metrics", verdict: "pass", exit: 0, broken: 22, fixed: 32, p_value: 0.914, lower: -0.004 },
    Gate { candidate: "cot", verdict: "fail", exit: 100, broken: 50, fixed: 23, p_value: 0.0027, lower: -0.051 },
    Gate {
        candidate: "vanilla-2shot",
        verdict: "inconclusive",
        exit: 102,
        broken: 42,
        fixed: 29,
        p_value: 0.096,
        lower: -0.034,
    },
];

/// `cargo xtask real-data`.
pub fn run(_arguments: &[String]) -> Outcome {
    check().into()
}

/// Places the data, then runs every check; the first that differs ends it.
pub fn check() -> Result<(), String> {
    data::run(&[]).map_err(|error| error.to_string())?;
    pass(command("cargo", &["build", "--locked", "--package", "promptgate-cli"]))?;
    LLMBAR_CORRECT.iter().try_for_each(|(model, version, correct)| llmbar_count(model, version, *correct))?;
    gsm8k_counts()?;
    GATES.iter().try_for_each(gate)
}

fn promptgate(arguments: &[&str]) -> Result<(i32, Value), String> {
    let mut program = command("target/debug/promptgate", arguments);
    let ended = program.output().map_err(|error| format!("promptgate could not be started: {error}"))?;
    let code = ended.status.code().unwrap_or(-1);
    let report = serde_json::from_slice(&ended.stdout).map_err(|error| {
        format!("promptgate {}: {error}: {}", arguments.join(" "), String::from_utf8_lossy(&ended.stderr))
    })?;
    Ok((code, report))
}

fn llmbar_count(model: &str, version: &str, correct: u64) -> Result<(), String> {
    let candidate = format!("judge.{version}");
    let arguments =
        ["run", "suites/llmbar", "--candidate", &candidate, "--model", model, "--no-fail", "--report", "json"];
    let (_, report) = promptgate(&arguments)?;
    must_be(&format!("llmbar {version} on {model}"), &report["sides"][0]["cases"]["passed"], correct)
}

fn gsm8k_counts() -> Result<(), String> {
    let (_, report) = promptgate(&["run", "suites/gsm8k", "--no-fail", "--report", "json"])?;
    let sides = report["sides"].as_array().ok_or("gsm8k: the report has no sides")?;
    GSM8K_CORRECT.iter().try_for_each(|(model, correct)| {
        let named = |side: &&Value| side["model"].as_str().is_some_and(|id| id.ends_with(model));
        let side = sides.iter().find(named).ok_or_else(|| format!("gsm8k: no side is of {model}"))?;
        must_be(&format!("gsm8k {model}"), &side["cases"]["passed"], *correct)
    })
}

fn gate(expected: &Gate) -> Result<(), String> {
    let candidate = format!("judge.{}", expected.candidate);
    let arguments = ["gate", "suites/llmbar", "--model", "gpt-4", "--candidate", &candidate, "--report", "json"];
    let (code, report) = promptgate(&arguments)?;
    let what = |key: &str| format!("llmbar gate {}, {key}", expected.candidate);
    let check = &report["comparisons"][0]["checks"][0];
    must_be(&what("exit"), &Value::from(code), expected.exit)?;
    must_be(&what("verdict"), &report["verdict"], expected.verdict)?;
    must_be(&what("broken"), &check["broken"], expected.broken)?;
    must_be(&what("fixed"), &check["fixed"], expected.fixed)?;
    // The reference p was drawn with 9,999 flips, its bound is given to three digits; ours is exact.
    must_be_near(&what("p"), &check["p_value"], expected.p_value, 0.0065)?;
    must_be_near(&what("lower bound"), &check["interval"][0], expected.lower, 0.0006)
}

fn must_be(what: &str, found: &Value, expected: impl Into<Value>) -> Result<(), String> {
    let expected = expected.into();
    if *found != expected {
        return Err(format!("{what}: {found}, expected {expected}"));
    }
    println!("{what}: {found}");
    Ok(())
}

fn must_be_near(what: &str, found: &Value, expected: f64, within: f64) -> Result<(), String> {
    let number = found.as_f64().ok_or_else(|| format!("{what}: {found} is not a number"))?;
    if (number - expected).abs() > within {
        return Err(format!("{what}: {number}, expected {expected} within {within}"));
    }
    println!("{what}: {number:.4}");
    Ok(())
}
