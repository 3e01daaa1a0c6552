//! What people say of outputs: the labels that a judge is held against. JSONL or CSV, one label of one person a row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::csv::Rows;
use super::json_line::{at_key, read};
use super::lines::Lines;
use crate::diagnostic::Diagnostic;
use crate::name::CaseId;

/// One row: `{"case", "output", "label", "rater"?}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HumanLabel {
    /// The case.
    pub case: CaseId,
    /// The output that was labelled, whole.
    pub output: String,
    /// What a person says: a number in 0..=1, `true` or `false`, or a label that the judge can give too.
    pub label: Value,
    /// Who says so; needed where several people label one output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rater: Option<String>,
    /// The line of the file on which it stands, from 1.
    #[serde(skip)]
    pub line: u32,
}

/// The columns of a CSV file, in any order.
const COLUMNS: [&str; 4] = ["case", "output", "label", "rater"];

/// Reads a file, by its suffix. `labels` are those that the judge gives: what reads as one of them is it, also where it
/// reads as a number or a truth value too.
///
/// # Errors
///
/// Rows that are no labels, and a person who labels one output twice.
pub fn parse(text: &str, file: &str, labels: &[&str]) -> Result<Vec<HumanLabel>, Diagnostic> {
    let labels = if file.ends_with(".csv") { csv(text, file, labels)? } else { jsonl(text, file, labels)? };
    let mut seen: BTreeMap<(&CaseId, &str, &Option<String>), usize> = BTreeMap::new();
    for (at, label) in labels.iter().enumerate() {
        let key = (&label.case, label.output.as_str(), &label.rater);
        if let Some(first) = seen.insert(key, at) {
            let rows = format!("labels {} and {}", first + 1, at + 1);
            let message = format!("{file}: {rows} are of one person for one output of case `{}`", label.case);
            return Err(Diagnostic::new(message).help("keep one of them, or say who labelled with `rater`"));
        }
    }
    Ok(labels)
}

fn jsonl(text: &str, file: &str, labels: &[&str]) -> Result<Vec<HumanLabel>, Diagnostic> {
    let mut lines = Lines::new(text.as_bytes(), file);
    let mut found = Vec::new();
    while let Some(line) = lines.next_line() {
        let line = line?;
        let read: HumanLabel = read(line.bytes, file, line.number, "a label")?;
        let label = HumanLabel { label: known(labels, read.label), line: line.number, ..read };
        check(&label.label).map_err(|problem| {
            let help = "write a number from 0 to 1, true or false, or a label of the judge";
            at_key(line.bytes, file, line.number, "label", format!("`label` {problem}"), help)
        })?;
        found.push(label);
    }
    Ok(found)
}

fn csv(text: &str, file: &str, labels: &[&str]) -> Result<Vec<HumanLabel>, Diagnostic> {
    let mut rows = Rows::new(text.as_bytes(), file);
    let mut found = Vec::new();
    if rows.next_row()? {
        let places = Places::of(&rows)?;
        while rows.next_row()? {
            found.push(places.label(&rows, labels)?);
        }
    }
    Ok(found)
}

/// Where the columns of a table stand.
struct Places {
    case: usize,
    output: usize,
    label: usize,
    rater: Option<usize>,
}

impl Places {
    /// By the first row.
    fn of(rows: &Rows<&[u8]>) -> Result<Self, Diagnostic> {
        let columns: Vec<String> = rows.texts().map(|text| text.trim().to_owned()).collect();
        let first = rows.cells.first().cloned().unwrap_or_default();
        if let Some(unknown) = columns.iter().find(|column| !COLUMNS.contains(&column.as_str())) {
            let help = format!("known columns: {}", COLUMNS.join(", "));
            return Err(rows.mistake(&first, format!("there is no column `{unknown}`"), help));
        }
        if let Some(twice) = columns.iter().enumerate().find(|(at, column)| columns[..*at].contains(column)) {
            let message = format!("the column `{}` stands here twice", twice.1);
            return Err(rows.mistake(&first, message, "keep one of the two"));
        }
        let place = |name: &str| columns.iter().position(|column| column == name);
        match (place("case"), place("output"), place("label")) {
            (Some(case), Some(output), Some(label)) => Ok(Self { case, output, label, rater: place("rater") }),
            _ => {
                let help = "name them in the first row";
                Err(rows.mistake(&first, "the columns case, output and label are needed", help))
            }
        }
    }

    /// What a row says.
    fn label(&self, rows: &Rows<&[u8]>, labels: &[&str]) -> Result<HumanLabel, Diagnostic> {
        let cell = |at: usize| rows.cells.get(at).cloned().unwrap_or_default();
        let (case, label) = (cell(self.case), cell(self.label));
        let id = CaseId::new(case.text.trim());
        let id = id.map_err(|error| rows.mistake(&case, error.to_string(), "write the id of a case"))?;
        let value = of_cell(&label.text, labels);
        check(&value).map_err(|problem| {
            let help = "write a number from 0 to 1, true or false, or a label of the judge";
            rows.mistake(&label, format!("`label` {problem}"), help)
        })?;
        let rater = self.rater.map(|at| cell(at).text.trim().to_owned()).filter(|rater| !rater.is_empty());
        Ok(HumanLabel { case: id, output: cell(self.output).text, label: value, rater, line: label.line })
    }
}

/// A label of the judge where it reads as one: `1` and `true` may be names.
fn known(labels: &[&str], label: Value) -> Value {
    let text = match &label {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if labels.contains(&text.as_str()) { Value::from(text) } else { label }
}

/// What a cell says: a label of the judge, or else a number or a truth value where it reads as one. Spreadsheets write TRUE.
fn of_cell(text: &str, labels: &[&str]) -> Value {
    let text = text.trim();
    if labels.contains(&text) {
        return Value::from(text);
    }
    let truth = ["true", "false"].into_iter().find(|word| text.eq_ignore_ascii_case(word));
    match serde_json::from_str(truth.unwrap_or(text)) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => known(labels, value),
        _ => Value::from(text),
    }
}

fn check(label: &Value) -> Result<(), String> {
    match label {
        Value::Bool(_) => Ok(()),
        Value::String(text) if !text.trim().is_empty() => Ok(()),
        Value::Number(number) if number.as_f64().is_some_and(|number| (0.0..=1.0).contains(&number)) => Ok(()),
        Value::Number(number) => Err(format!("is {number}, which is not from 0 to 1")),
        other => Err(format!("is {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str, expected: &str) {
        let said = match parse(text, file, &["1", "2", "true"]) {
            Ok(labels) => {
                labels.iter().map(|label| format!("{}={}", label.case, label.label)).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expected), "{text}\n{said}");
    }

    #[test]
    fn labels_are_read_from_both_formats() {
        check(
            "l.jsonl",
            "{\"case\":\"a\",\"output\":\"x\",\"label\":0.5}\n{\"case\":\"b\",\"output\":\"\",\"label\":true}\n",
            "a=0.5 b=\"true\"",
        );
        check("l.csv", "label,case,output\n1,a,\"x, y\"\nfalse,b,z\npolite,c,w\n", "a=\"1\" b=false c=\"polite\"");
        check("l.csv", "case,output,label,rater\na,x,1,jo\na,x,0,mo\n", "a=\"1\" a=0");
        check("l.csv", "case,output,label\na,x,TRUE\nb,x,False\n", "a=\"true\" b=false");
        check("l.csv", "case,output,label\na,x,2\nb,x,0.5\nc,x,1.0\n", "a=\"2\" b=0.5 c=1.0");
        check("l.jsonl", "{\"case\":\"a\",\"output\":\"x\",\"label\":2}\n", "a=\"2\"");
        check("l.csv", "case,output,label,label\na,x,1,0\n", "the column `label` stands here twice");
        check("l.csv", "", "");
        check("l.jsonl", "{\"case\":\"a\",\"output\":\"x\",\"label\":3}\n", "l.jsonl:1:");
        check("l.jsonl", "{\"case\":\"a\",\"output\":\"x\",\"label\":null}\n", "`label` is null");
        check("l.jsonl", "{\"case\":\"a\",\"output\":\"x\",\"lable\":1}\n", "did you mean `label`?");
        check(
            "l.jsonl",
            "{\"case\":\"a\",\"output\":\"x\",\"label\":1}\n{\"case\":\"a\",\"output\":\"x\",\"label\":0}\n",
            "labels 1 and 2 are of one person",
        );
        check("l.csv", "case,output\na,x\n", "the columns case, output and label are needed");
        check("l.csv", "case,output,label,who\na,x,1,jo\n", "there is no column `who`");
        check("l.csv", "case,output,label\na,x,7\n", "l.csv:2:5: `label` is 7");
    }
}
