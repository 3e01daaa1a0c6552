//! `code-block`: what stands between the fences of a Markdown code block.

use std::ops::Range;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use serde_json::Value;

use super::{ExtractExample, Extractor, ExtractorKind, Which, WhichParams, part, text_argument};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "code-block",
    summary: "the lines between the fences (``` or ~~~) of a Markdown code block; one left open goes to the end",
    parameters: &[
        Parameter { name: "code-block", doc: "the language behind the fence, or `true` for any" },
        Parameter { name: "which", doc: "the `first` (default) or the `last` such block" },
    ],
    finds: ExtractExample {
        table: "{ code-block = \"json\" }",
        output: "Here:\n```json\n{\"a\": 1}\n```\n",
        taken: Some(r#""{\"a\": 1}""#),
    },
    misses: ExtractExample { table: "{ code-block = \"json\" }", output: "```sql\nselect 1\n```", taken: None },
    build,
};

struct CodeBlock {
    language: Option<String>,
    which: Which,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: WhichParams = step.params.read("the extractor `code-block`")?;
    let language = match step.argument {
        Value::Bool(true) => None,
        _ => Some(text_argument(step)?.to_owned()).filter(|language| !language.is_empty()),
    };
    Ok(Box::new(CodeBlock { language, which: params.which.unwrap_or_default() }))
}

impl Extractor for CodeBlock {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let mut blocks = Blocks { text: &text, at: 0 }.filter(|block| self.fits(block.language));
        let found = match self.which {
            Which::First => blocks.next(),
            Which::Last => blocks.last(),
        };
        let inside = found.map(|block| block.inside).ok_or_else(|| self.missing())?;
        Ok(Subject::Text(part(text, inside)))
    }
}

impl CodeBlock {
    fn fits(&self, language: &str) -> bool {
        self.language.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(language))
    }

    fn missing(&self) -> String {
        match &self.language {
            Some(language) => format!("there is no code block in `{language}`"),
            None => "there is no code block".to_owned(),
        }
    }
}

/// The language and the inside of each code block of a text, in order.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    Blocks { text, at: 0 }.map(|block| (block.language, block.inside))
}

struct Block<'a> {
    language: &'a str,
    inside: Range<usize>,
}

/// The code blocks of a text, in order.
struct Blocks<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Blocks<'a> {
    /// The line at the cursor with the place it begins at; the cursor moves behind it.
    fn line(&mut self) -> Option<(usize, &'a str)> {
        let begin = self.at;
        let rest = self.text.get(begin..).filter(|rest| !rest.is_empty())?;
        let line = rest.split_inclusive('\n').next().unwrap_or(rest);
        self.at = begin + line.len();
        Some((begin, line.strip_suffix('\n').unwrap_or(line)))
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let (fence, language) = loop {
            let (_, line) = self.line()?;
            if let Some(opening) = opening(line) {
                break opening;
            }
        };
        let begin = self.at;
        while let Some((end, line)) = self.line() {
            if closes(line, fence) {
                // The line feed before the closing fence belongs to the fence.
                return Some(Block { language, inside: begin..end.saturating_sub(1).max(begin) });
            }
        }
        Some(Block { language, inside: begin..self.text.len() })
    }
}

/// The fence and the language of a line that opens a block.
fn opening(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let fence = &line[..line.len() - info.len()];
    let valid = fence.len() >= 3 && !(mark == '`' && info.contains('`'));
    valid.then(|| (fence, info.split_whitespace().next().unwrap_or("")))
}

fn closes(line: &str, fence: &str) -> bool {
    let line = line.trim();
    line.starts_with(fence) && line.chars().all(|c| fence.starts_with(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found: Vec<(&str, &str)> =
            Blocks { text, at: 0 }.map(|block| (block.language, &text[block.inside.clone()])).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn blocks_end_at_a_fence_at_least_as_long_as_their_own() {
        check("```\na\n```", &[("", "a")]);
        check("```js\na\n```\nx\n~~~ sql x\nb\n\nc\n~~~", &[("js", "a"), ("sql", "b\n\nc")]);
        check("````md\n```\nx\n```\n````", &[("md", "```\nx\n```")]);
        check("``` inline ```\n", &[]);
    }

    #[test]
    fn an_empty_block_and_one_left_open_are_blocks() {
        check("```\n```", &[("", "")]);
        check("a\n```py\nb\nc", &[("py", "b\nc")]);
        check("```", &[("", "")]);
    }
}
