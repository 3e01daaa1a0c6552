//! `code-block`: what stands between the fences of a Markdown code block.

use std::borrow::Cow;
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
        let mut blocks = Blocks::of(&text).filter(|block| self.fits(block.language));
        let found = match self.which {
            Which::First => blocks.next(),
            Which::Last => blocks.last(),
        };
        let block = found.ok_or_else(|| self.missing())?;
        let (inside, bare) = (block.inside.clone(), block.bare(&text));
        match bare {
            Cow::Borrowed(_) => Ok(Subject::Text(part(text, inside))),
            Cow::Owned(bare) => Ok(Subject::Text(Cow::Owned(bare))),
        }
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
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    Blocks::of(text).map(|block| (block.language, block.bare(text)))
}

struct Block<'a> {
    language: &'a str,
    /// The lines between the fences, with what stands before them.
    inside: Range<usize>,
    margin: Margin,
}

/// What stands before each line of a block and is no part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Margin {
    /// Marks of quotes, `>`.
    quotes: usize,
    /// Columns of its fence; a line may have fewer.
    indent: usize,
}

impl Block<'_> {
    /// The lines without their margin.
    fn bare<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let inside = &text[self.inside.clone()];
        if self.margin == Margin::default() {
            return Cow::Borrowed(inside);
        }
        let lines = inside.split('\n').map(|line| self.margin.strip(line).unwrap_or(line));
        Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
    }
}

impl Margin {
    /// The line without it; nothing for a line outside of its quote.
    fn strip<'a>(&self, line: &'a str) -> Option<&'a str> {
        let (quotes, line) = unquoted(line, self.quotes);
        (quotes == self.quotes).then(|| outdented(line, self.indent))
    }
}

/// How many marks of quotes a line begins with, at most `most`, and what stands behind them.
fn unquoted(line: &str, most: usize) -> (usize, &str) {
    let (mut quotes, mut rest) = (0, line);
    while quotes < most
        && let Some(behind) = rest.trim_start_matches(' ').strip_prefix('>')
    {
        (quotes, rest) = (quotes + 1, behind.strip_prefix(' ').unwrap_or(behind));
    }
    (quotes, rest)
}

/// The columns of white space that a line begins with; a tab goes to the next fourth.
fn indent(line: &str) -> usize {
    let blanks = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t'));
    blanks.fold(0, |column, byte| if byte == b' ' { column + 1 } else { column / 4 * 4 + 4 })
}

/// The line without its first columns, as far as they are white space.
fn outdented(line: &str, columns: usize) -> &str {
    let (mut rest, mut column) = (line, 0);
    while column < columns {
        (rest, column) = match rest.as_bytes().first() {
            Some(b' ') => (&rest[1..], column + 1),
            Some(b'\t') => (&rest[1..], column / 4 * 4 + 4),
            _ => break,
        };
    }
    rest
}

/// The code blocks of a text, in order.
struct Blocks<'a> {
    text: &'a str,
    at: usize,
    /// The column at which the text of the list item begins that the cursor is in; 0 outside of lists.
    item: usize,
}

impl<'a> Blocks<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, at: 0, item: 0 }
    }

    /// The line at the cursor with the place it begins at; the cursor moves behind it.
    fn line(&mut self) -> Option<(usize, &'a str)> {
        let begin = self.at;
        let rest = self.text.get(begin..).filter(|rest| !rest.is_empty())?;
        let line = rest.split_inclusive('\n').next().unwrap_or(rest);
        self.at = begin + line.len();
        Some((begin, line.strip_suffix('\n').unwrap_or(line)))
    }

    /// The next line that opens a block: its fence, its language and the margin of the block.
    fn opening(&mut self) -> Option<(&'a str, &'a str, Margin)> {
        loop {
            let (_, line) = self.line()?;
            let (quotes, line) = unquoted(line, usize::MAX);
            self.item = item(line, self.item);
            let column = indent(line);
            // A fence may stand right behind the mark of its item.
            let (begin, rest) = match mark(line) {
                Some((begin, rest)) => (begin, rest),
                None => (column, outdented(line, column)),
            };
            // Four columns more than its list item make a line code of another kind.
            if let Some((fence, language)) = opening(rest).filter(|_| column < self.item + 4) {
                return Some((fence, language, Margin { quotes, indent: begin }));
            }
        }
    }
}

/// The column at which the text of the list item begins that a line begins or goes on; 0 outside of lists.
fn item(line: &str, current: usize) -> usize {
    match mark(line) {
        Some((begin, _)) => begin,
        None if line.trim().is_empty() || indent(line) >= current => current,
        None => 0,
    }
}

/// Where a line begins with the mark of a list item: the column of the text behind it, and the text.
fn mark(line: &str) -> Option<(usize, &str)> {
    let column = indent(line);
    let bare = outdented(line, column);
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    let signs: &[char] = if digits == 0 { &['-', '*', '+'] } else { &['.', ')'] };
    let behind = bare[digits..].strip_prefix(signs).filter(|_| digits < 10)?;
    let spaces = indent(behind);
    (1..=4).contains(&spaces).then(|| (column + digits + 1 + spaces, outdented(behind, spaces)))
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let (fence, language, margin) = self.opening()?;
        let begin = self.at;
        while let Some((end, line)) = self.line() {
            let bare = margin.strip(line);
            if bare.is_none_or(|bare| closes(bare, fence)) {
                // The line feed before the closing fence belongs to the fence.
                return Some(Block { language, inside: begin..end.saturating_sub(1).max(begin), margin });
            }
        }
        Some(Block { language, inside: begin..self.text.len(), margin })
    }
}

/// The fence and the language of a line that opens a block.
fn opening(line: &str) -> Option<(&str, &str)> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let fence = &line[..line.len() - info.len()];
    let valid = fence.len() >= 3 && !(mark == '`' && info.contains('`'));
    valid.then(|| (fence, info.split_whitespace().next().unwrap_or("")))
}

fn closes(line: &str, fence: &str) -> bool {
    let bare = line.trim();
    indent(line) < 4 && bare.starts_with(fence) && bare.chars().all(|c| fence.starts_with(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found: Vec<(&str, Cow<'_, str>)> = blocks(text).collect();
        let expected: Vec<(&str, Cow<'_, str>)> =
            expected.iter().map(|(language, inside)| (*language, Cow::Borrowed(*inside))).collect();
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
    fn the_margin_of_a_fence_is_no_part_of_its_lines() {
        check(
            "1. Do\n   ```python\n   def f():\n       return 1\n\n   f()\n   ```",
            &[("python", "def f():\n    return 1\n\nf()")],
        );
        check("  ```\n  a\n b\n    c\n  ```", &[("", "a\nb\n  c")]);
        check("- ```js\n  a\n  ```\n", &[("js", "a")]);
        check("10. x\n    - y\n\n      ```\n      a\n      ```", &[("", "a")]);
        check("> so\n> ```sql\n> select 1\n>\n> ```\nand > this", &[("sql", "select 1\n")]);
        check("1. x\n\t```\n\ta\n\t\tb\n\t```", &[("", "a\n\tb")]);
        check("> ```\n> a\nb", &[("", "a")]);
    }

    #[test]
    fn a_fence_four_columns_in_is_code_and_no_fence() {
        check("so\n\n    ```\n    a\n    ```", &[]);
        check("```\na\n    ```\n```", &[("", "a\n    ```")]);
        check("- x\n\ny\n\n    ```\n    a\n    ```", &[]);
    }

    #[test]
    fn an_empty_block_and_one_left_open_are_blocks() {
        check("```\n```", &[("", "")]);
        check("a\n```py\nb\nc", &[("py", "b\nc")]);
        check("```", &[("", "")]);
    }
}
