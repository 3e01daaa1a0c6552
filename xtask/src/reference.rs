//! `reference`: the pages about assertions and extractors, written from the tables that the command itself prints.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use promptgate_scoring::assertion::registry::{GROUPS, KINDS};
use promptgate_scoring::assertion::{AssertionKind, Example, Parameter, instructions};
use promptgate_scoring::extract::ExtractorKind;
use promptgate_scoring::extract::registry::EXTRACTORS;

use crate::chore::{Outcome, root};

/// `cargo xtask reference`: writes the page.
pub fn run(_arguments: &[String]) -> Outcome {
    fs::write(file(), page()).map_err(|error| error.to_string()).into()
}

/// Whether the page is the one that the tables give.
pub fn check() -> Result<(), String> {
    match fs::read_to_string(file()) {
        Ok(text) if text == page() => Ok(()),
        _ => Err("fixtures/formats/assertions.md is stale: run `cargo xtask reference`".to_owned()),
    }
}

fn file() -> PathBuf {
    root().join("fixtures/formats/assertions.md")
}

fn page() -> String {
    let mut page = String::from(HEAD);
    let mut groups = GROUPS.iter().peekable();
    for kind in KINDS {
        if let Some((title, _)) = groups.next_if(|(_, first)| *first == kind.name) {
            let _ = write!(page, "\n## {title}\n");
        }
        assertion(&mut page, kind);
    }
    page.push_str("\n## The instructions of `instruction`\n\n| id | followed when |\n|---|---|\n");
    for entry in instructions() {
        let _ = writeln!(page, "| `{}` | {} |", entry.id, cell(entry.summary));
    }
    page.push_str("\n## Extractors\n\nThe stage before: `extract = { ... }`, or a list applied in order.\n");
    EXTRACTORS.iter().for_each(|kind| extractor(&mut page, kind));
    page
}

const HEAD: &str = "# Assertions and extractors\n\n\
Written by `cargo xtask reference` from the tables that `promptgate list assertions` prints; the examples are run by a\n\
test. What every assertion has beside its own parameters (`name`, `not`, `weight`, `threshold`, `extract`, `metric`,\n\
`tier`, `when`) stands in [the complete example](README.md).\n";

fn assertion(page: &mut String, kind: &AssertionKind) {
    let _ =
        write!(page, "\n### `{}`\n\nPasses when {}.\n\nCost: {}.\n", kind.name, cell(kind.summary), kind.cost.as_str());
    parameters(page, kind.parameters);
    for (word, example) in [("Passes", &kind.passes), ("Fails", &kind.fails)] {
        shown(page, word, kind.name, example);
    }
}

fn parameters(page: &mut String, parameters: &[Parameter]) {
    if parameters.is_empty() {
        return;
    }
    page.push_str("\n| parameter | means |\n|---|---|\n");
    for parameter in parameters {
        let _ = writeln!(page, "| `{}` | {} |", parameter.name, cell(parameter.doc));
    }
}

/// What would end a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn shown(page: &mut String, word: &str, kind: &str, example: &Example) {
    let _ = write!(page, "\n{word}:\n\n```toml\nkind = \"{kind}\"\n");
    if !example.params.is_empty() {
        let _ = writeln!(page, "{}", example.params);
    }
    let parts = [
        ("output", example.output),
        ("response", example.response),
        ("case", example.case),
        ("replies", example.replies),
    ];
    for (label, value) in parts {
        if !matches!(value, "" | "{}" | "[]") {
            let _ = writeln!(page, "# {label}: {}", value.replace('\n', "\\n"));
        }
    }
    page.push_str("```\n");
}

fn extractor(page: &mut String, kind: &ExtractorKind) {
    let _ = write!(page, "\n### `{}`\n\nTakes {}.\n", kind.name, cell(kind.summary));
    parameters(page, kind.parameters);
    for (word, example) in [("Finds", &kind.finds), ("Misses", &kind.misses)] {
        let output = example.output.replace('\n', "\\n");
        let taken = example.taken.unwrap_or("nothing");
        let _ = write!(
            page,
            "\n{word}:\n\n```toml\nextract = {}\n# output: {output}\n# takes: {taken}\n```\n",
            example.table
        );
    }
}
