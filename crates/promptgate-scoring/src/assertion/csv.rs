//! `csv`: the answer is CSV with a header, all rows as long as it.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::format::csv::Rows;
use promptgate_core::report::words::counted;
use serde::Deserialize;

use super::kind::pass_fail;
use super::parses::parses;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "csv",
    summary: "the answer as a whole is CSV (RFC 4180): a header and at least one row, all of as many cells; a sentence without \
        a comma is a header of one column and fails for want of rows",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter {
        name: "columns",
        doc: "columns that the header names, in any order, letter for letter; others may stand beside them",
    }],
    passes: Example::of("columns = [\"id\", \"note\"]", "id,note\n1,\"so, so\"\n"),
    fails: Example::of("columns = [\"id\"]", "no,note\n1,fine\n"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    columns: Vec<String>,
}

struct Csv {
    columns: Vec<String>,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { columns } = spec.params.read("`csv`")?;
    Ok(Box::new(Csv { columns }))
}

impl Assertion for Csv {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = trial.subject().text();
        let expected = match self.columns.as_slice() {
            [] => "CSV with a header and rows".to_owned(),
            columns => format!("CSV with the columns {}", columns.join(", ")),
        };
        Step::Done(parses(&expected, &text, self.problem(&text).err()))
    }
}

impl Csv {
    fn problem(&self, text: &str) -> Result<(), String> {
        let mut rows = Rows::new(text.as_bytes(), "answer");
        let next = |rows: &mut Rows<&[u8]>| rows.next_row().map_err(|mistake| mistake.to_string());
        if !next(&mut rows)? {
            return Err("there is no row".to_owned());
        }
        let header: Vec<String> = rows.texts().map(|name| name.trim().to_owned()).collect();
        let missing = self.columns.iter().filter(|column| !header.contains(column)).map(String::as_str);
        let missing: Vec<&str> = missing.collect();
        if !missing.is_empty() {
            return Err(format!("no such column: {}", missing.join(", ")));
        }
        let mut count = 0_usize;
        while next(&mut rows)? {
            count += 1;
            let cells = rows.texts().count();
            if cells != header.len() {
                let cells = counted(cells as u64, "cell", "cells");
                return Err(format!("row {count} has {cells}, the header has {}", header.len()));
            }
        }
        match line_of_spaces(text).filter(|_| header.len() > 1) {
            Some(line) => Err(format!("line {line} is a single cell of spaces, the header has {}", header.len())),
            None if count == 0 => Err("there is no row below the header".to_owned()),
            None => Ok(()),
        }
    }
}

/// The reader skips lines of spaces, as a file of cases may have them. Quotes are doubled or closed in what it has read, so
/// that their number tells whether a line stands within a cell; white space around the whole does not count.
fn line_of_spaces(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    for (at, line) in text.trim_end().lines().enumerate().skip_while(|(_, line)| line.trim().is_empty()) {
        if !is_quoted && !line.is_empty() && line.trim().is_empty() {
            return Some(at + 1);
        }
        is_quoted ^= line.matches('"').count() % 2 == 1;
    }
    None
}
