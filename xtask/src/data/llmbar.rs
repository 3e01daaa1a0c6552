//! LLMBar: a judge model says which of two outputs follows an instruction better. Eight versions of the judging prompt,
//! two judges, 838 cases, all completions published. Becomes `suites/llmbar`.

mod prepared;
mod prompt;
mod proof;
mod public;

use std::fmt;
use std::path::Path;

use promptgate_core::answer::FinishReason;
use promptgate_core::case::JoinedInput;
use promptgate_core::format::inputs;
use promptgate_core::name::CaseId;
use serde_json::{Map, Value, json};

use super::place::{Files, Unbound};
use super::{DataError, Source};

/// The versions of the judging prompt: upstream's name, and the variant it becomes.
const VERSIONS: [(&str, &str); 8] = [
    ("Vanilla", "vanilla"),
    ("Vanilla_NoRules", "vanilla-norules"),
    ("Vanilla_1shot", "vanilla-1shot"),
    ("Vanilla_2shot", "vanilla-2shot"),
    ("CoT", "cot"),
    ("Metrics", "metrics"),
    ("Reference", "reference"),
    ("Metrics_Reference", "metrics-reference"),
];

/// The judges: upstream's name, and the model's.
const JUDGES: [(&str, &str); 2] = [("GPT-4", "gpt-4"), ("ChatGPT", "chatgpt")];

/// An instance as it is shown to the judge, in one of both orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// `<subset>-<number>-<order>`.
    id: String,
    /// The instance: two cases each.
    group: String,
    /// `natural` or one of four adversarial ones.
    subset: String,
    /// `ab` as published, `ba` swapped.
    order: String,
    /// The instruction and both outputs.
    vars: Map<String, Value>,
    /// `a` or `b`.
    expected: String,
}

/// One completion.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The case.
    id: String,
    /// What the judge said.
    output: String,
    /// Upstream's word for why it stopped.
    finish_reason: String,
    /// Outputs of the earlier step.
    vars: Map<String, Value>,
    /// The digest of the filled template, where it was published with the data.
    rendered: Option<String>,
}

/// One version with all that was recorded of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The template's text.
    template: String,
    /// The settings, for each judge.
    settings: Vec<String>,
    /// The completions, for each judge.
    completions: Vec<Vec<Completion>>,
}

/// The whole collection; versions and judges in the order of the constants.
#[derive(Debug, Clone, PartialEq)]
pub struct Collection {
    cases: Vec<Shown>,
    versions: Vec<Judged>,
}

/// What was placed.
#[derive(Debug, PartialEq, Eq)]
pub struct Placed {
    cases: usize,
    proved: usize,
    bound: u64,
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, proved, bound } = self;
        write!(f, "{cases} cases, {proved} renderings equal to the published ones, {bound} recorded lines bound")
    }
}

/// Reads, proves, places.
pub fn place(source: &Source, folder: &Path) -> Result<Placed, DataError> {
    let collection = collect(source)?;
    let (files, proved) = convert(&collection)?;
    let bound = files.place(folder)?;
    Ok(Placed { cases: collection.cases.len(), proved, bound })
}

/// The collection, whichever form it is published in.
pub fn collect(source: &Source) -> Result<Collection, DataError> {
    match source {
        Source::Prepared(_) => prepared::collect(source),
        Source::Public { .. } => public::collect(source),
    }
}

/// The files of the suite, and how many renderings proved equal.
pub fn convert(collection: &Collection) -> Result<(Files, usize), DataError> {
    let mut files = Files::default();
    files.add_lines("data/cases.jsonl", collection.cases.iter().map(case_line));
    let (mut joined, mut proved) = (Vec::new(), 0);
    let mut recorded = [const { Vec::new() }; JUDGES.len()];
    for (judged, (upstream, variant)) in collection.versions.iter().zip(VERSIONS) {
        let prompt = prompt::convert(upstream, judged)?;
        proved += proof::prove(variant, &prompt, judged, &collection.cases)?;
        files.add(format!("prompts/judge.{variant}.prompt"), prompt);
        for (judge, completions) in judged.completions.iter().enumerate() {
            joined.extend(joined_lines(variant, JUDGES[judge].1, completions)?);
            recorded[judge].extend(recorded_lines(variant, JUDGES[judge].1, completions)?);
        }
    }
    files.add_lines("data/inputs.jsonl", joined);
    for ((_, model), lines) in JUDGES.iter().zip(recorded) {
        files.add_lines(format!("data/{model}.jsonl"), lines);
    }
    Ok((files, proved))
}

fn case_line(case: &Shown) -> String {
    let family = case.subset.split('-').next().unwrap_or_default();
    let mut tags = vec![family, &case.subset, &case.order];
    tags.dedup();
    let (id, vars, expected, cluster) = (&case.id, &case.vars, &case.expected, &case.group);
    json!({"id": id, "vars": vars, "expected": expected, "tags": tags, "cluster": cluster}).to_string()
}

fn joined_lines(variant: &str, model: &str, completions: &[Completion]) -> Result<Vec<String>, DataError> {
    let line = |completion: &Completion| {
        let case = CaseId::new(&completion.id).map_err(|error| DataError::content(variant, error))?;
        let (prompt, model) = (Some(format!("judge.{variant}")), Some(format!("openai/{model}")));
        Ok(inputs::to_json_line(&JoinedInput { case, prompt, model, vars: completion.vars.clone() }))
    };
    completions.iter().filter(|completion| !completion.vars.is_empty()).map(line).collect()
}

fn recorded_lines(variant: &str, model: &str, completions: &[Completion]) -> Result<Vec<String>, DataError> {
    let (prompt, model) = (format!("judge.{variant}"), format!("openai/{model}"));
    let line = |completion: &Completion| {
        let Completion { id, output, finish_reason, .. } = completion;
        let finish_reason = FinishReason::normalise(finish_reason);
        Unbound { case: id, prompt: &prompt, model: &model, output, finish_reason }.line()
    };
    completions.iter().map(line).collect()
}
