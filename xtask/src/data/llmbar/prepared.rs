//! LLMBar as the prepared data folder holds it: `llmbar/cases.jsonl, prompts/, config/, recordings/`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::{DataError, Source};
use super::{Collection, Completion, JUDGES, Judged, Shown, VERSIONS};

#[derive(Deserialize)]
struct CaseLine {
    id: String,
    group: String,
    subset: String,
    order: String,
    vars: Map<String, Value>,
    expected: String,
}

#[derive(Deserialize)]
struct RecordedLine {
    id: String,
    output: String,
    finish_reason: String,
    #[serde(default)]
    vars: Map<String, Value>,
    rendered_sha256: String,
}

/// Reads the collection.
pub fn collect(source: &Source) -> Result<Collection, DataError> {
    let cases = lines::<CaseLine>(source, "llmbar/cases.jsonl")?;
    let versions = VERSIONS.iter().map(|(version, _)| judged(source, version)).collect::<Result<_, _>>()?;
    Ok(Collection { cases: cases.into_iter().map(shown).collect(), versions })
}

fn shown(CaseLine { id, group, subset, order, vars, expected }: CaseLine) -> Shown {
    Shown { id, group, subset, order, vars, expected }
}

fn judged(source: &Source, version: &str) -> Result<Judged, DataError> {
    let template = source.read(&format!("llmbar/prompts/{version}.txt"))?;
    let (mut settings, mut completions) = (Vec::new(), Vec::new());
    for (judge, _) in JUDGES {
        settings.push(source.read(&format!("llmbar/config/{judge}/{version}.json"))?);
        let recorded = lines::<RecordedLine>(source, &format!("llmbar/recordings/{judge}/{version}.jsonl"))?;
        completions.push(recorded.into_iter().map(completion).collect());
    }
    Ok(Judged { template, settings, completions })
}

fn completion(line: RecordedLine) -> Completion {
    let RecordedLine { id, output, finish_reason, vars, rendered_sha256 } = line;
    Completion { id, output, finish_reason, vars, rendered: Some(rendered_sha256) }
}

fn lines<T: DeserializeOwned>(source: &Source, path: &str) -> Result<Vec<T>, DataError> {
    let text = source.read(path)?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| DataError::content(path, error))).collect()
}
