//! The table of report formats: one line each.

use std::io::{self, Write};

use promptgate_core::record::SettledRecord;
use promptgate_core::report::Report;
use promptgate_core::report::plan::PlanReport;

use crate::{csv, json, jsonl, junit, markdown, plan, terminal};

/// What a renderer is given.
pub struct Rendering<'a> {
    /// The values to be shown.
    pub report: &'a Report,
    /// Every trial, for the formats that list them.
    pub record: &'a dyn SettledRecord,
    /// Whether colour may repeat what the words say.
    pub colour: bool,
}

/// A report format.
pub struct Format {
    /// The name behind `--report`.
    pub name: &'static str,
    /// The suffix of a path that means this format.
    pub suffix: &'static str,
    /// What it is for, one line.
    pub summary: &'static str,
    /// Writes the report.
    pub render: fn(&Rendering<'_>, &mut dyn Write) -> io::Result<()>,
}

/// All formats.
pub const FORMATS: &[Format] = &[
    Format {
        name: "terminal",
        suffix: ".txt",
        summary: "for people: verdict, checks, what broke, what to do next",
        render: terminal::render,
    },
    Format {
        name: "json",
        suffix: ".json",
        summary: "the contract: promptgate.gate/1 or promptgate.run/1",
        render: json::render,
    },
    Format {
        name: "jsonl",
        suffix: ".jsonl",
        summary: "the settled record, one trial per line",
        render: jsonl::render,
    },
    Format {
        name: "junit",
        suffix: ".xml",
        summary: "JUnit XML for Jenkins, GitLab and others",
        render: junit::render,
    },
    Format { name: "markdown", suffix: ".md", summary: "for a step summary or a comment", render: markdown::render },
    Format { name: "csv", suffix: ".csv", summary: "one row per trial, safe for spreadsheets", render: csv::render },
];

/// A form of a plan's report. A plan has no trials and no verdict, so the formats that list those have nothing to say.
pub struct PlanFormat {
    /// The name of the format.
    pub name: &'static str,
    /// Writes the report; with colour where that may repeat what the words say.
    pub render: fn(&PlanReport, bool, &mut dyn Write) -> io::Result<()>,
}

/// The formats of a plan.
pub const PLAN_FORMATS: &[PlanFormat] =
    &[PlanFormat { name: "terminal", render: plan::terminal }, PlanFormat { name: "json", render: plan::json }];

/// The format of a name.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The format that the suffix of a path means.
pub fn by_path(path: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| path.ends_with(format.suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name_and_its_suffix() {
        for format in FORMATS {
            assert_eq!(by_name(format.name).map(|found| found.name), Some(format.name));
            assert_eq!(by_path(&format!("out/x{}", format.suffix)).map(|found| found.name), Some(format.name));
        }
        assert!(by_name("pdf").is_none() && by_path("x.pdf").is_none());
    }
}
