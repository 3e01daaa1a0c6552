//! The stored reports and records of `fixtures/reports/`, and what each format makes of them.

use std::fs;
use std::path::PathBuf;

use promptgate_core::record::RecordInMemory;
use promptgate_core::report::Report;
use promptgate_report::{Rendering, registry};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn text(file: &str) -> String {
    let path = root().join("fixtures/reports").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all stored reports, without their suffix.
pub fn names() -> Vec<String> {
    let files = fs::read_dir(root().join("fixtures/reports")).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|file| Some(file.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    assert!(names.len() >= 14, "{names:?}");
    names
}

pub fn report(name: &str) -> Report {
    parsed(&text(&format!("{name}.json")))
}

/// A report from its JSON, by its schema.
pub fn parsed(text: &str) -> Report {
    if text.contains("\"promptgate.run/1\"") {
        Report::Run(Box::new(serde_json::from_str(text).unwrap()))
    } else {
        Report::Gate(Box::new(serde_json::from_str(text).unwrap()))
    }
}

/// The file of the record that a report is rendered with.
pub fn record_of(name: &str) -> &'static str {
    match name {
        name if name.ends_with("hostile") => "hostile.jsonl",
        name if name.starts_with("run") => "run.jsonl",
        _ => "gate.jsonl",
    }
}

/// A record from its file: the header on the first line, then the trials.
pub fn record(file: &str) -> RecordInMemory {
    let text = text(file);
    let (header, trials) = text.split_once('\n').unwrap();
    RecordInMemory {
        header: serde_json::from_str(header).unwrap(),
        trials: trials.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    }
}

/// What a format prints of a stored report, without colour.
pub fn rendered(name: &str, format: &str) -> String {
    rendered_with(name, format, false)
}

pub fn rendered_with(name: &str, format: &str, colour: bool) -> String {
    let (report, record) = (report(name), record(record_of(name)));
    let rendering = Rendering { report: &report, record: &record, colour };
    let mut bytes = Vec::new();
    (registry::by_name(format).unwrap().render)(&rendering, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}
