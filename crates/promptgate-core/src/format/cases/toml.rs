//! Cases as `[[case]]` tables. TOML cannot be read in parts, so this is the form for files that fit into memory.

use std::io::{BufRead, Read};

use serde_json::{Map, Value};

use super::super::json_line::{at_path, without_position};
use super::super::lines::LONGEST_LINE;
use super::super::node::Node;
use super::super::source::Source;
use super::super::table::Fields;
use super::{CaseFields, case_asserts};
use crate::case::Case;
use crate::diagnostic::{Diagnostic, Diagnostics, Location};

/// Reads cases from TOML: the whole text at the first call.
pub struct TomlCases<R> {
    reader: Option<R>,
    file: String,
    defaults: Map<String, Value>,
    read: std::vec::IntoIter<Result<Case, Diagnostic>>,
}

impl<R: BufRead> TomlCases<R> {
    /// Reads `reader`, which messages call `file`.
    pub fn new(reader: R, file: impl Into<String>, defaults: Map<String, Value>) -> Self {
        Self { reader: Some(reader), file: file.into(), defaults, read: Vec::new().into_iter() }
    }
}

impl<R: BufRead> Iterator for TomlCases<R> {
    type Item = Result<Case, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(reader) = self.reader.take() {
            let text = whole(reader, &self.file);
            let cases = text.map_err(Diagnostics::from).and_then(|text| parse(&text, &self.file, &self.defaults));
            let cases = match cases {
                Ok(cases) => cases.into_iter().map(Ok).collect(),
                Err(mistakes) => mistakes.0.into_iter().map(Err).collect::<Vec<_>>(),
            };
            self.read = cases.into_iter();
        }
        self.read.next()
    }
}

fn whole(reader: impl Read, file: &str) -> Result<String, Diagnostic> {
    let fail = |message: String, help: &str| Diagnostic::new(message).at(Location::of_line(file, 1)).help(help);
    let mut text = String::new();
    let read = reader.take(LONGEST_LINE as u64 + 1).read_to_string(&mut text);
    read.map_err(|error| fail(format!("cannot be read as text: {error}"), "see whether it can be read and is UTF-8"))?;
    if text.len() > LONGEST_LINE {
        let message = format!("a TOML file of cases is longer than {} MiB", LONGEST_LINE >> 20);
        return Err(fail(message, "write the cases as JSONL, which is streamed"));
    }
    Ok(text)
}

fn parse(text: &str, file: &str, defaults: &Map<String, Value>) -> Result<Vec<Case>, Diagnostics> {
    let source = Source::new(file, text);
    let cases = Node::of_toml(&source).and_then(|node| {
        let fields = Fields::of(&source, &node, "a file of cases")?;
        let cases = fields.list("case", "`[[case]]` tables").unwrap_or_default();
        fields.finish();
        Some(cases.iter().filter_map(|case| self::case(case, &source, defaults)).collect())
    });
    source.finish(cases)
}

fn case(node: &Node, source: &Source<'_>, defaults: &Map<String, Value>) -> Option<Case> {
    let fields: CaseFields = serde_path_to_error::deserialize(node.to_value())
        .map_err(|error| {
            let message = without_position(error.inner());
            source.push(node.at, at_path(node, source, &error.path().to_string(), &message, "a case"));
        })
        .ok()?;
    if let Some((key, message, help)) = fields.mistake() {
        source.mistake(node.place(key), message, help);
        return None;
    }
    let asserts = case_asserts(node, source);
    Some(fields.into_case(asserts, source.location(node.at).line, defaults))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<Case, String>> {
        let cases = TomlCases::new(text.as_bytes(), "cases.toml", Map::new());
        cases.map(|case| case.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn tables_become_cases_with_their_lines() {
        let text = "[[case]]\nid = \"a\"\nvars.n = 3\nmessages = [{ role = \"user\", content = \"x\" }]\n\n[[case]]\nid = \"b\"\nexpected.day = 2024-01-02\n[[case.assert]]\nkind = \"json\"\n";
        let cases: Vec<Case> = read(text).into_iter().map(Result::unwrap).collect();
        assert_eq!((cases[0].line, cases[1].line), (1, 6));
        assert_eq!(cases[0].vars["n"], 3);
        assert_eq!(cases[1].expected["day"], "2024-01-02");
        assert_eq!(cases[1].asserts[0].name, "json#1");
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let text = "cases = 1\n[[case]]\nid = 3\n[[case]]\nid = \"a\"\ntag = \"x\"\n[[case]]\nid = \"b\"\nthreshold = 0\n[[case]]\nid = \"c\"\n[[case.assert]]\nkind = \"x\"\nweight = -1\n";
        let errors: Vec<String> = read(text).into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        cases.toml:1:1: a file of cases has no key `cases`; did you mean `case`?
        cases.toml:3:1: `id` of a case: invalid type: integer `3`, expected a text; an id is a text in quotes, of one line and at most 512 bytes
        cases.toml:6:1: a case has no key `tag`; did you mean `tags`?
        cases.toml:9:1: `threshold` of a case is 0; write a number above 0 and at most 1; 0 would always pass
        cases.toml:14:1: `weight` in `x` is -1; write a number above 0; an assertion that shall not decide says `tier = "advisory"`
        "#);
    }
}
