//! Cases as CSV: `id`, `expected` or `expected.<path>`, `tags` (`;`-separated), `cluster`, `threshold`, `metadata.<key>`;
//! any other header is a text variable. All cells are text but `threshold`. An empty cell is no value, except in a
//! variable, where it is the empty text.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::super::csv::{Cell, Rows};
use super::over_defaults;
use crate::case::Case;
use crate::diagnostic::Diagnostic;
use crate::name::CaseId;
use crate::nearest::nearest;

/// Streams cases from CSV. After a wrong row it goes on with the next one.
#[derive(Debug)]
pub struct CsvCases<R> {
    rows: Rows<R>,
    columns: Option<Vec<Column>>,
    defaults: Map<String, Value>,
    /// The header is wrong or a quote stands open: nothing behind it can be trusted.
    broken: bool,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
enum Column {
    Id,
    Expected,
    ExpectedPath(String),
    Tags,
    Cluster,
    Threshold,
    Metadata(String),
    Var(String),
}

impl<R: BufRead> CsvCases<R> {
    /// Reads `reader`, which messages call `file`.
    pub fn new(reader: R, file: impl Into<String>, defaults: Map<String, Value>) -> Self {
        Self { rows: Rows::new(reader, file), columns: None, defaults, broken: false }
    }

    fn case(&mut self) -> Result<Option<Case>, Diagnostic> {
        if self.columns.is_none() {
            self.broken = true;
            if !self.rows.next_row()? {
                return Ok(None);
            }
            self.columns = Some(columns(&self.rows)?);
            self.broken = false;
        }
        let read = self.rows.next_row();
        self.broken = self.rows.open;
        if !read? {
            return Ok(None);
        }
        case(&self.rows, self.columns.as_deref().unwrap_or_default(), &self.defaults).map(Some)
    }
}

impl<R: BufRead> Iterator for CsvCases<R> {
    type Item = Result<Case, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken { None } else { self.case().transpose() }
    }
}

fn columns<R>(rows: &Rows<R>) -> Result<Vec<Column>, Diagnostic> {
    let mut found: Vec<Column> = Vec::with_capacity(rows.cells.len());
    let mut names = std::collections::HashSet::with_capacity(rows.cells.len());
    for cell in &rows.cells {
        let column = column(cell.text.trim()).map_err(|(message, help)| rows.mistake(cell, message, help))?;
        if !names.insert(cell.text.trim()) {
            return Err(rows.mistake(
                cell,
                format!("the header `{}` stands here twice", cell.text.trim()),
                "keep one of the two",
            ));
        }
        if let Some(other) = overlap(&found, &column) {
            let message = format!("the header `{}` cannot stand beside `{other}`", cell.text.trim());
            return Err(rows.mistake(cell, message, "keep one of the two: the one would overwrite the other"));
        }
        found.push(column);
    }
    if !found.contains(&Column::Id) {
        let near = rows.cells.iter().find(|cell| nearest(cell.text.trim(), ["id"]).is_some());
        let cell = near.or(rows.cells.first()).cloned().unwrap_or_default();
        let help = if rows.cells.len() == 1 && cell.text.contains([';', '\t']) {
            "separate columns with commas"
        } else {
            "the first row names the columns; one of them is `id`"
        };
        return Err(rows.mistake(&cell, "there is no column `id`", help));
    }
    Ok(found)
}

fn column(name: &str) -> Result<Column, (String, &'static str)> {
    Ok(match name {
        "" => return Err(("a header is empty".to_owned(), "name the column, or remove it")),
        "id" => Column::Id,
        "expected" => Column::Expected,
        "tags" => Column::Tags,
        "cluster" => Column::Cluster,
        "threshold" => Column::Threshold,
        "messages" | "assert" | "origin" | "vars" | "metadata" => {
            return Err((format!("CSV has no column `{name}`"), "write such cases as JSONL or TOML"));
        }
        _ => match name.split_once('.') {
            Some((_, path)) if path.split('.').any(str::is_empty) => {
                return Err((format!("`{name}` is not a dotted path"), "write one such as `expected.queue`"));
            }
            Some(("expected", path)) => Column::ExpectedPath(path.to_owned()),
            Some(("metadata", path)) => Column::Metadata(path.to_owned()),
            Some(("vars", _)) => {
                return Err((format!("`{name}` is no variable"), "a variable stands under its bare name"));
            }
            _ => Column::Var(name.to_owned()),
        },
    })
}

/// A column found earlier that would overwrite this one, or be overwritten.
fn overlap(found: &[Column], column: &Column) -> Option<String> {
    let within = |a: &str, b: &str| a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'));
    let clash = |earlier: &&Column| match (earlier, column) {
        (Column::Expected, Column::ExpectedPath(_)) | (Column::ExpectedPath(_), Column::Expected) => true,
        (Column::ExpectedPath(a), Column::ExpectedPath(b)) | (Column::Metadata(a), Column::Metadata(b)) => {
            within(a, b) || within(b, a)
        }
        _ => false,
    };
    found.iter().find(clash).map(|column| match column {
        Column::ExpectedPath(path) => format!("expected.{path}"),
        Column::Metadata(path) => format!("metadata.{path}"),
        _ => "expected".to_owned(),
    })
}

fn case<R>(rows: &Rows<R>, columns: &[Column], defaults: &Map<String, Value>) -> Result<Case, Diagnostic> {
    let first = &rows.cells[0];
    if rows.cells.len() != columns.len() {
        let (cells, wanted) = (rows.cells.len(), columns.len());
        let message =
            format!("this row has {cells} {}, the header has {wanted}", if cells == 1 { "cell" } else { "cells" });
        return Err(rows.mistake(
            first,
            message,
            "put a cell that holds a comma, a quote or a line feed in double quotes",
        ));
    }
    let id = rows.cells.iter().zip(columns).find(|(_, column)| **column == Column::Id).map_or(first, |(cell, _)| cell);
    let name = CaseId::new(&id.text).map_err(|error| rows.mistake(id, error.to_string(), "give every case an id"))?;
    let mut case = Case { line: first.line, ..Case::new(name) };
    for (cell, column) in rows.cells.iter().zip(columns) {
        put(rows, cell, column, &mut case)?;
    }
    case.vars = over_defaults(std::mem::take(&mut case.vars), defaults);
    Ok(case)
}

fn put<R>(rows: &Rows<R>, cell: &Cell, column: &Column, case: &mut Case) -> Result<(), Diagnostic> {
    let text = cell.text.as_str();
    match column {
        Column::Var(name) => {
            case.vars.insert(name.clone(), text.into());
        }
        _ if text.is_empty() => {}
        Column::Id => {}
        Column::Expected => case.expected = text.into(),
        Column::ExpectedPath(path) => {
            if case.expected.is_null() {
                case.expected = Value::Object(Map::new());
            }
            if let Value::Object(map) = &mut case.expected {
                insert(map, path, text);
            }
        }
        Column::Metadata(path) => insert(&mut case.metadata, path, text),
        Column::Tags => {
            let tags = text.split(';').map(str::trim).filter(|tag| !tag.is_empty());
            case.tags = tags.map(str::to_owned).collect();
        }
        Column::Cluster => case.cluster = Some(text.to_owned()),
        Column::Threshold => {
            let threshold = text.trim().parse().ok().filter(|threshold: &f64| *threshold > 0.0 && *threshold <= 1.0);
            let help = "write a number above 0 and at most 1; 0 would always pass";
            let found = threshold.ok_or_else(|| rows.mistake(cell, format!("`threshold` is `{text}`"), help))?;
            case.threshold = Some(found);
        }
    }
    Ok(())
}

/// Puts a text at a dotted path; the header has been checked for paths that overlap.
fn insert(map: &mut Map<String, Value>, path: &str, text: &str) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), text.into());
        }
        Some((head, tail)) => {
            let below = map.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                insert(below, tail, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::to_json_line;
    use super::*;

    fn read(text: &str) -> Vec<Result<Case, String>> {
        let cases = CsvCases::new(text.as_bytes(), "cases.csv", Map::new());
        cases.map(|case| case.map_err(|error| error.to_string())).collect()
    }

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = read(text).iter().map(|case| to_json_line(case.as_ref().unwrap())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn columns_become_the_parts_of_a_case() {
        let text = "\u{feff}id,email,expected.queue,expected.to.name,tags,cluster,threshold,metadata.lang\r\n\
                    a,\"Hi, \"\"you\"\"\r\nthere\",billing,Ada,vip; new;,t1,0.5,de\r\n\r\nb,,,,,,,\r\n";
        check(
            text,
            &[
                r#"{"id":"a","vars":{"email":"Hi, \"you\"\r\nthere"},"expected":{"queue":"billing","to":{"name":"Ada"}},"tags":["vip","new"],"cluster":"t1","threshold":0.5,"metadata":{"lang":"de"}}"#,
                r#"{"id":"b","vars":{"email":""}}"#,
            ],
        );
        check("id,expected\n\"x\",3\ny,\n", &[r#"{"id":"x","expected":"3"}"#, r#"{"id":"y"}"#]);
        check("", &[]);
        check("id\n", &[]);
    }

    #[test]
    fn a_wrong_header_or_row_is_named_with_its_place() {
        let errors = |text: &str| {
            let errors = read(text).into_iter().filter_map(Result::err);
            errors.collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(errors("id,a,a\n1,2,3"), @"cases.csv:1:6: the header `a` stands here twice; keep one of the two");
        insta::assert_snapshot!(errors("ID,a\n1,2"), @"cases.csv:1:1: there is no column `id`; the first row names the columns; one of them is `id`");
        insta::assert_snapshot!(errors("id;a\n1;2"), @"cases.csv:1:1: there is no column `id`; separate columns with commas");
        insta::assert_snapshot!(errors("id,,b\n1,2,3"), @"cases.csv:1:4: a header is empty; name the column, or remove it");
        insta::assert_snapshot!(errors("id,expected,expected.a\n1,2,3"), @"cases.csv:1:13: the header `expected.a` cannot stand beside `expected`; keep one of the two: the one would overwrite the other");
        insta::assert_snapshot!(errors("id,expected.a.b,expected.a\n1,2,3"), @"cases.csv:1:17: the header `expected.a` cannot stand beside `expected.a.b`; keep one of the two: the one would overwrite the other");
        insta::assert_snapshot!(errors("id,messages\n1,2"), @"cases.csv:1:4: CSV has no column `messages`; write such cases as JSONL or TOML");
        insta::assert_snapshot!(errors("id,a\n1\n2,3,4\n3,ok\n"), @r"
        cases.csv:2:1: this row has 1 cell, the header has 2; put a cell that holds a comma, a quote or a line feed in double quotes
        cases.csv:3:1: this row has 3 cells, the header has 2; put a cell that holds a comma, a quote or a line feed in double quotes
        ");
        insta::assert_snapshot!(errors("id,a\n1,\"open\n2,3\n"), @"cases.csv:2:3: this quote is never closed; close it, or double it to mean a quote");
        insta::assert_snapshot!(errors("id,a\n1,5\" pipe\n2,\"a\"b\n,x\n"), @r"
        cases.csv:2:4: a quote stands inside a cell without quotes; put the whole cell in double quotes, and double each quote inside it
        cases.csv:3:6: something stands behind a closing quote; put the whole cell in double quotes, and double each quote inside it
        cases.csv:4:1: `` is not a case id: it is empty; give every case an id
        ");
        insta::assert_snapshot!(errors("id,threshold\n1,0\n2,x\n"), @r"
        cases.csv:2:3: `threshold` is `0`; write a number above 0 and at most 1; 0 would always pass
        cases.csv:3:3: `threshold` is `x`; write a number above 0 and at most 1; 0 would always pass
        ");
    }
}
