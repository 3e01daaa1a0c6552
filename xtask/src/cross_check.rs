//! `cross-check`: every pair of the judging prompts of suites/llmbar, on both judges, as the real binary compares them,
//! held against an independent computation in Python (scipy, statsmodels) from the raw recordings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::chore::{Outcome, command, output, pass, root};
use crate::data;
use crate::python::python;

/// The versions, as the suite and as the public data name them.
const VERSIONS: [(&str, &str); 8] = [
    ("vanilla-norules", "Vanilla_NoRules"),
    ("vanilla", "Vanilla"),
    ("vanilla-1shot", "Vanilla_1shot"),
    ("vanilla-2shot", "Vanilla_2shot"),
    ("cot", "CoT"),
    ("metrics", "Metrics"),
    ("reference", "Reference"),
    ("metrics-reference", "Metrics_Reference"),
];

const JUDGES: [(&str, &str); 2] = [("openai/gpt-4", "GPT-4"), ("openai/chatgpt", "ChatGPT")];

/// `cargo xtask cross-check`.
pub fn run(_arguments: &[String]) -> Outcome {
    check().into()
}

/// Places the data, compares every pair with and without clusters, and has Python judge the numbers.
pub fn check() -> Result<(), String> {
    data::run(&[]).map_err(|error| error.to_string())?;
    pass(command("cargo", &["build", "--locked", "--package", "promptgate-cli"]))?;
    let python = python("independent", "xtask/independent/requirements.txt")?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let results = compared(folder.path())?;
    let file = folder.path().join("results.json");
    fs::write(&file, Value::from(results).to_string()).map_err(|error| error.to_string())?;
    let mut judged = Command::new(python);
    judged.arg(root().join("xtask/independent/llmbar.py")).arg(&file).arg(data_folder());
    pass(judged)
}

/// The folder of public data, where the tests look for it too.
fn data_folder() -> PathBuf {
    std::env::var_os("PROMPTGATE_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from)
}

/// All pairs, on both judges.
fn compared(folder: &Path) -> Result<Vec<Value>, String> {
    let whole = project(&folder.join("clustered"), |line| line)?;
    let flat = project(&folder.join("flat"), |mut line| {
        if let Some(case) = line.as_object_mut() {
            case.shift_remove("cluster");
        }
        line
    })?;
    let mut results = Vec::new();
    for (at, baseline) in VERSIONS.iter().enumerate() {
        for candidate in &VERSIONS[at + 1..] {
            let (clustered, flat) =
                (compare(&whole, baseline.0, candidate.0)?, compare(&flat, baseline.0, candidate.0)?);
            for (model, judge) in JUDGES {
                results.push(json!({
                    "judge": judge, "baseline": baseline.1, "candidate": candidate.1,
                    "clustered": pass_rate(&clustered, model)?, "flat": pass_rate(&flat, model)?,
                }));
            }
        }
    }
    Ok(results)
}

/// A project that holds the suite alone, each of its cases edited.
fn project(folder: &Path, edit: impl Fn(Value) -> Value) -> Result<PathBuf, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let suite = folder.join("suites/llmbar");
    copy(&root().join("suites/llmbar"), &suite).map_err(failed)?;
    fs::write(folder.join("promptgate.toml"), "").map_err(failed)?;
    let cases = suite.join("data/cases.jsonl");
    let text = fs::read_to_string(&cases).map_err(failed)?;
    let line = |line: &str| serde_json::from_str(line).map(|case| format!("{}\n", edit(case)));
    let edited: String = text.lines().map(line).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    fs::write(&cases, edited).map_err(failed)?;
    Ok(folder.to_owned())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), target).map(|_| ())?
        }
    }
    Ok(())
}

/// The report of one comparison. What it stored is removed, so that the next one reads nothing of it.
fn compare(project: &Path, baseline: &str, candidate: &str) -> Result<Value, String> {
    let mut promptgate = Command::new(root().join("target/debug/promptgate"));
    let (before, after) = (format!("judge.{baseline}"), format!("judge.{candidate}"));
    promptgate.args(["compare", &before, &after, "--suite", "suites/llmbar", "--report", "json"]).current_dir(project);
    let report = output(promptgate)?;
    let _ = fs::remove_dir_all(project.join(".promptgate"));
    serde_json::from_str(&report).map_err(|error| format!("{before} -> {after}: {error}"))
}

fn pass_rate(report: &Value, model: &str) -> Result<Value, String> {
    let comparisons = report["comparisons"].as_array().ok_or("the report has no comparisons")?;
    let comparison = comparisons.iter().find(|comparison| comparison["model"] == model);
    let check = comparison.map(|comparison| comparison["checks"][0].clone());
    check.ok_or_else(|| format!("the report has no comparison on {model}"))
}
