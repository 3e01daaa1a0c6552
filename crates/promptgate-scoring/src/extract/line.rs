//! `line`: one line of the text.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use serde_json::Value;

use super::{ExtractExample, Extractor, ExtractorKind, NoParams, part};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "line",
    summary: "one line of the text; lines of white space alone do not count",
    parameters: &[Parameter {
        name: "line",
        doc: "`\"first\"`, `\"last\"`, or its number from 1; from the end -1, -2",
    }],
    finds: ExtractExample { table: "{ line = \"last\" }", output: "Let me think.\n\n42\n", taken: Some("\"42\"") },
    misses: ExtractExample { table: "{ line = 3 }", output: "one\ntwo", taken: None },
    build,
};

/// From the beginning or from the end, both from 0.
enum Line {
    FromStart(usize),
    FromEnd(usize),
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `line`")?;
    let line = match &step.argument {
        Value::String(word) if word == "first" => Some(Line::FromStart(0)),
        Value::String(word) if word == "last" => Some(Line::FromEnd(0)),
        other => match other.as_i64() {
            Some(number @ 1..) => usize::try_from(number - 1).ok().map(Line::FromStart),
            Some(number @ ..=-1) => usize::try_from(-(number + 1)).ok().map(Line::FromEnd),
            _ => None,
        },
    };
    let wrong = || {
        let mistake = step.params.mistake("line", format!("`line` is {}, which names no line", step.argument));
        mistake.help("write `\"first\"`, `\"last\"`, a number from 1, or from the end -1")
    };
    Ok(Box::new(line.ok_or_else(wrong)?))
}

impl Extractor for Line {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let (found, number) = match self {
            Self::FromStart(at) => (lines.nth(*at), format!("{}", at + 1)),
            Self::FromEnd(at) => (lines.nth_back(*at), format!("-{}", at + 1)),
        };
        let line = found.ok_or_else(|| format!("there is no line {number}"))?;
        let begin = line.as_ptr() as usize - text.as_ptr() as usize;
        let end = begin + line.len();
        Ok(Subject::Text(part(text, begin..end)))
    }
}
