//! Accepted outputs (`snapshots/` of a suite): one JSON object a line, with what a person has accepted for a case.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json_line::{at_key, read};
use super::lines::Lines;
use crate::diagnostic::Diagnostic;
use crate::name::CaseId;

/// One line: `{"case", "accepted": [...]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedOutputs {
    /// The case.
    pub case: CaseId,
    /// What is accepted for it, at least one: text, or a JSON value where a value is looked at.
    pub accepted: Vec<Value>,
}

/// Reads a file; no case stands in it twice.
pub fn parse(text: &str, file: &str) -> Result<Vec<AcceptedOutputs>, Diagnostic> {
    let mut lines = Lines::new(text.as_bytes(), file);
    let mut known = HashSet::new();
    let mut found = Vec::new();
    while let Some(line) = lines.next_line() {
        let line = line?;
        let outputs: AcceptedOutputs = read(line.bytes, file, line.number, "a line of accepted outputs")?;
        let mistake = |key, message: String, help| at_key(line.bytes, file, line.number, key, message, help);
        if outputs.accepted.is_empty() {
            return Err(mistake("accepted", "`accepted` is an empty list".to_owned(), "remove the line"));
        }
        if !known.insert(outputs.case.clone()) {
            let message = format!("the case `{}` stands here twice", outputs.case);
            return Err(mistake("case", message, "keep one of the two, with what both accept"));
        }
        found.push(outputs);
    }
    Ok(found)
}

/// The line that reads back as these outputs.
#[expect(clippy::expect_used, reason = "a plain value with string keys has a JSON form")]
pub fn to_json_line(outputs: &AcceptedOutputs) -> String {
    serde_json::to_string(outputs).expect("a plain value has a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let said = match parse(text, "snapshots/accepted.jsonl") {
            Ok(found) => found.iter().map(to_json_line).collect::<Vec<_>>().join("\n"),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn lines_read_back_as_they_were_written() {
        let text = "{\"case\":\"a\",\"accepted\":[\"yes\",{\"b\":[1,null]}]}\n{\"case\":\"b\",\"accepted\":[\"\"]}";
        check(text, text);
        check("", "");
    }

    #[test]
    fn a_line_that_is_wrong_says_where() {
        check(
            "{\"case\":\"a\",\"acepted\":[]}",
            "snapshots/accepted.jsonl:1:13: a line of accepted outputs has no key `acepted`; did you mean `accepted`?",
        );
        check(
            "{\"case\":\"a\",\"accepted\":[]}",
            "snapshots/accepted.jsonl:1:13: `accepted` is an empty list; remove the line",
        );
        check(
            "{\"case\":\"a\",\"accepted\":[1]}\n{\"case\":\"a\",\"accepted\":[2]}",
            "snapshots/accepted.jsonl:2:2: the case `a` stands here twice; keep one of the two, with what both accept",
        );
    }
}
