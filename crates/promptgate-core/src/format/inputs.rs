//! Outputs of an earlier step (`inputs` of a suite): one JSON object a line, joined into the variables of the cases,
//! prompts and models it names.

use std::io::BufRead;

use super::json_line::{at_key, read};
use super::lines::Lines;
use crate::case::JoinedInput;
use crate::diagnostic::Diagnostic;
use crate::name::PromptId;

/// Reads one line: `{"case", "prompt"?, "model"?, "vars"}`.
pub fn parse_line(bytes: &[u8], file: &str, line: u32) -> Result<JoinedInput, Diagnostic> {
    let input: JoinedInput = read(bytes, file, line, "a line of inputs")?;
    if let Some(error) = input.prompt.as_deref().and_then(|prompt| PromptId::new(prompt).err()) {
        let help = "write a prompt such as `judge`, or a variant such as `judge.cot`";
        return Err(at_key(bytes, file, line, "prompt", error.to_string(), help));
    }
    Ok(input)
}

/// The line that reads back as this input.
#[expect(clippy::expect_used, reason = "a plain value with string keys has a JSON form")]
pub fn to_json_line(input: &JoinedInput) -> String {
    serde_json::to_string(input).expect("a plain value has a JSON form")
}

/// Streams the lines of a file.
pub struct Inputs<R> {
    lines: Lines<R>,
}

impl<R: BufRead> Inputs<R> {
    /// Reads `reader`, which messages call `file`.
    pub fn new(reader: R, file: impl Into<String>) -> Self {
        Self { lines: Lines::new(reader, file) }
    }
}

impl<R: BufRead> Iterator for Inputs<R> {
    type Item = Result<JoinedInput, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        let file = self.lines.file().to_owned();
        Some(self.lines.next_line()?.and_then(|line| parse_line(line.bytes, &file, line.number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let said = match parse_line(line.as_bytes(), "inputs.jsonl", 3) {
            Ok(input) => to_json_line(&input),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        for line in [
            r#"{"case":"a","vars":{"metrics":"1. x"}}"#,
            r#"{"case":"a","prompt":"judge","model":"gpt-4","vars":{}}"#,
            r#"{"case":"a","prompt":"judge.cot","vars":{"n":[1,null]}}"#,
        ] {
            check(line, line);
        }
    }

    #[test]
    fn a_line_that_is_wrong_says_where() {
        let line = r#"{"case":"a","promt":"judge","vars":{}}"#;
        check(line, "inputs.jsonl:3:13: a line of inputs has no key `promt`; did you mean `prompt`?");
        check(r#"{"case":"a"}"#, "inputs.jsonl:3:1: a line of inputs: missing field `vars`; add it");
        check("[]", "inputs.jsonl:3:1: a line of inputs is one JSON object a line; write {\"key\": value, ...}");
    }
}
