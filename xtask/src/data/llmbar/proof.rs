//! The proof that a converted prompt asks what upstream asked: every rendering, put together as upstream's chat template,
//! is the same text, and where the published data holds a digest of that text, it has that digest.

use std::collections::HashMap;

use promptgate_core::Digest;
use promptgate_core::case::CaseInput;
use promptgate_core::format::prompt;
use promptgate_core::name::PromptId;
use promptgate_core::prompt::{SourceFile, Version};

use super::super::DataError;
use super::super::template::{Template, assemble};
use super::{Completion, Judged, Shown};

/// Renders a version for every completion; how many were compared. The first difference is an error.
pub fn prove(variant: &str, text: &str, judged: &Judged, cases: &[Shown]) -> Result<usize, DataError> {
    let name = format!("judge.{variant}");
    let wrong = |reason: String| DataError::content(&name, reason);
    let id = PromptId::new(&name).map_err(|error| wrong(error.to_string()))?;
    let file = SourceFile { path: format!("prompts/{name}.prompt"), text: text.to_owned() };
    let version = prompt::from_sources(&id, &[file])?;
    let template = Template::parse(&judged.template).map_err(wrong)?;
    let cases: HashMap<&str, &Shown> = cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let mut proved = 0;
    for completion in judged.completions.iter().flatten() {
        let case = cases.get(completion.id.as_str()).ok_or_else(|| wrong(format!("no case `{}`", completion.id)))?;
        equal(&version, &template, case, completion).map_err(|reason| wrong(format!("`{}`: {reason}", case.id)))?;
        proved += 1;
    }
    Ok(proved)
}

fn equal(version: &Version, template: &Template, case: &Shown, completion: &Completion) -> Result<(), String> {
    let mut input = CaseInput { vars: case.vars.clone(), ..CaseInput::default() };
    input.vars.extend(completion.vars.clone());
    let filled = template.fill(&input.vars)?;
    if let Some(published) = &completion.rendered
        && Digest::of_bytes(filled.as_bytes()).hex() != *published
    {
        return Err("the filled template does not have the published digest".to_owned());
    }
    let rendered = assemble(&version.render(&input).map_err(|error| error.to_string())?);
    if rendered == filled { Ok(()) } else { Err(difference(&filled, &rendered)) }
}

fn difference(expected: &str, found: &str) -> String {
    let common = expected.chars().zip(found.chars()).take_while(|(one, other)| one == other).count();
    let behind = |text: &str| text.chars().skip(common).take(30).collect::<String>();
    format!(
        "renders differently from character {common} on: expected {:?}, found {:?}",
        behind(expected),
        behind(found)
    )
}
