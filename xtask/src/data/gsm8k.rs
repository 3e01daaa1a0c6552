//! GSM8K: 1,319 word problems and what four models of 2021 made of them. Becomes `suites/gsm8k`.

use std::fmt;
use std::path::Path;

use promptgate_core::answer::FinishReason;
use serde_json::{Value, json};

use super::place::{Files, Unbound};
use super::{DataError, Source};

/// The models, by upstream's names.
const MODELS: [&str; 4] = ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"];

/// The lines of the prepared data folder.
const PREPARED: &str = "gsm8k/cases.jsonl";

/// The file of the public repository at the pinned commit.
const PUBLIC: &str = "openai/grade-school-math/3101c7d5072418e28b9008a6636bde82a006892c/grade_school_math/data/example_model_solutions.jsonl";

/// One question with what is expected and what was answered, in the order of [`MODELS`].
#[derive(Debug, PartialEq)]
pub struct Problem {
    question: String,
    solution: String,
    expected: String,
    outputs: Vec<String>,
}

/// What was placed.
#[derive(Debug, PartialEq, Eq)]
pub struct Placed {
    cases: usize,
    bound: u64,
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases, {} recorded lines bound", self.cases, self.bound)
    }
}

/// Reads and places.
pub fn place(source: &Source, folder: &Path) -> Result<Placed, DataError> {
    let problems = collect(source)?;
    let bound = convert(&problems)?.place(folder)?;
    Ok(Placed { cases: problems.len(), bound })
}

/// The problems, whichever form they are published in.
pub fn collect(source: &Source) -> Result<Vec<Problem>, DataError> {
    let (path, read): (_, fn(&Value) -> Option<Problem>) = match source {
        Source::Prepared(_) => (PREPARED, prepared),
        Source::Public { .. } => (PUBLIC, public),
    };
    let line = |(number, text): (usize, &str)| {
        let value = serde_json::from_str(text).map_err(|error| DataError::content(path, error))?;
        read(&value).ok_or_else(|| DataError::content(path, format!("line {}: a key is missing", number + 1)))
    };
    source.read(path)?.lines().enumerate().map(line).collect()
}

fn prepared(line: &Value) -> Option<Problem> {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    let outputs = MODELS.iter().map(|model| line["outputs"][model]["output"].as_str().map(str::to_owned));
    Some(Problem {
        question: text("input")?,
        solution: text("reference_solution")?,
        expected: text("expected")?,
        outputs: outputs.collect::<Option<_>>()?,
    })
}

fn public(line: &Value) -> Option<Problem> {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    let outputs = MODELS.iter().map(|model| line[model]["solution"].as_str().map(str::to_owned));
    let solution = text("ground_truth")?;
    let (_, answer) = solution.rsplit_once("A: ")?;
    Some(Problem {
        question: text("question")?,
        expected: answer.trim().replace(',', ""),
        outputs: outputs.collect::<Option<_>>()?,
        solution,
    })
}

/// The files of the suite; its prompt is the question alone, which is ours, and stays.
pub fn convert(problems: &[Problem]) -> Result<Files, DataError> {
    let mut files = Files::default();
    files
        .add_lines("data/cases.jsonl", problems.iter().enumerate().map(|(number, problem)| case_line(number, problem)));
    for (place, model) in MODELS.iter().enumerate() {
        let id = format!("openai/{model}");
        let line = |(number, problem): (usize, &Problem)| {
            let (case, output) = (case_id(number), &problem.outputs[place]);
            Unbound { case: &case, prompt: "solve", model: &id, output, finish_reason: FinishReason::Stop }.line()
        };
        let lines = problems.iter().enumerate().map(line).collect::<Result<Vec<_>, _>>()?;
        files.add_lines(format!("data/{model}.jsonl"), lines);
    }
    Ok(files)
}

fn case_id(number: usize) -> String {
    format!("gsm8k-test-{number:04}")
}

fn case_line(number: usize, problem: &Problem) -> String {
    let Problem { question, solution, expected, .. } = problem;
    let (id, vars, metadata) = (case_id(number), json!({"question": question}), json!({"solution": solution}));
    json!({"id": id, "vars": vars, "expected": expected, "metadata": metadata}).to_string()
}
