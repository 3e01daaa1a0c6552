//! What accepting an answer would write: the other side of the kind `snapshot`.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::{AssertionSpec, ExtractSpec};
use promptgate_core::record::SettledTrial;
use serde_json::Value;

use crate::assertion::snapshot_file;
use crate::extract::{Chain, Extraction, Subject};

/// An answer that a file of accepted outputs lacks.
#[derive(Debug, Clone, PartialEq)]
pub struct Acceptance {
    /// The file, from the suite's folder.
    pub file: String,
    /// The answer as the assertion looks at it.
    pub output: Value,
}

/// What the suite's snapshots on a trial, those in sets included, would have to accept for it to pass. `answer` is how the
/// trial's version reads its output. Nothing where a snapshot passed, is inverted, or had nothing to look at.
pub fn lacking(
    asserts: &[AssertionSpec],
    answer: Option<&ExtractSpec>,
    trial: &SettledTrial,
) -> Result<Vec<Acceptance>, Diagnostic> {
    let Some(response) = &trial.response else { return Ok(Vec::new()) };
    let did_not_pass =
        |spec: &&AssertionSpec| trial.assertions.iter().any(|result| result.name == spec.name && !result.scored.passed);
    let mut found = Vec::new();
    for spec in asserts.iter().filter(did_not_pass) {
        collect(spec, answer.unwrap_or(&ExtractSpec::Output), &response.output, &mut found)?;
    }
    Ok(found)
}

fn collect(
    spec: &AssertionSpec,
    around: &ExtractSpec,
    output: &str,
    found: &mut Vec<Acceptance>,
) -> Result<(), Diagnostic> {
    let extract = spec.extract.as_ref().unwrap_or(around);
    for member in &spec.members {
        collect(member, extract, output, found)?;
    }
    let Some(file) = snapshot_file(spec)?.filter(|_| !spec.not) else { return Ok(()) };
    let output = match Chain::build(extract)?.take(output) {
        Extraction::Found(Subject::Text(text)) => Value::String(text.into_owned()),
        Extraction::Found(Subject::Value(value)) => value.into_owned(),
        Extraction::Missing { .. } => return Ok(()),
    };
    let acceptance = Acceptance { file, output };
    if !found.contains(&acceptance) {
        found.push(acceptance);
    }
    Ok(())
}
