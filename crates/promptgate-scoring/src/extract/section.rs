//! `section`: what stands under a Markdown heading.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;

use super::{ExtractExample, Extractor, ExtractorKind, NoParams, part, text_argument};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "section",
    summary: "the text under a Markdown heading, up to the next one of its level or above",
    parameters: &[Parameter { name: "section", doc: "the heading without its `#`; letter case does not count" }],
    finds: ExtractExample {
        table: "{ section = \"answer\" }",
        output: "# Plan\nx\n## Answer\n42\n### Note\ny\n## End\nz",
        taken: Some("\"42\\n### Note\\ny\\n\""),
    },
    misses: ExtractExample { table: "{ section = \"answer\" }", output: "answer: 42", taken: None },
    build,
};

struct Section(String);

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `section`")?;
    let heading = text_argument(step)?.trim().trim_start_matches('#').trim().to_lowercase();
    if heading.is_empty() {
        return Err(step.params.mistake("section", "`section` names no heading"));
    }
    Ok(Box::new(Section(heading)))
}

/// The level and the words of a heading; nothing for any other line.
pub(crate) fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = &line[level..];
    let is_heading = (1..=6).contains(&level) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    is_heading.then(|| (level, rest.trim().trim_end_matches('#').trim()))
}

impl Extractor for Section {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let (mut at, mut begin, mut fenced) = (0, None, false);
        let mut end = text.len();
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end();
            if bare.starts_with("```") || bare.starts_with("~~~") {
                fenced = !fenced;
            }
            // A `#` inside a code block is a comment of the code.
            if let Some((level, words)) = heading(bare).filter(|_| !fenced) {
                match begin {
                    None if words.to_lowercase() == self.0 => begin = Some((level, at + line.len())),
                    Some((own, _)) if level <= own => {
                        end = at;
                        break;
                    }
                    _ => {}
                }
            }
            at += line.len();
        }
        let (_, begin) = begin.ok_or_else(|| format!("there is no heading `{}`", self.0))?;
        Ok(Subject::Text(part(text, begin..end)))
    }
}
