//! Wrong input of every kind: no panic, no stack overflow, no hang, and every mistake has a place and says what to do.

use std::io::{self, BufRead, Read};

use promptgate_core::format::cases::{CasesFormat, read_cases};
use promptgate_core::format::{inputs, lines, project, recording, suite};
use promptgate_core::suite::SuiteDefaults;
use promptgate_core::{Diagnostic, Diagnostics};
use serde_json::Map;

use super::fixture;

const MUTANTS: u64 = 1_000;

/// What mutants insert: the signs and words of the formats, and what breaks parsers.
const PIECES: [&str; 40] = [
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "]]",
    "=",
    ",",
    ":",
    "\n",
    "\\",
    "\"\"\"",
    ".",
    "#",
    "0",
    "-1",
    "nan",
    "1e999",
    "99999999999999999999",
    "true",
    "null",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "../",
    "/etc/passwd",
    "\"\"",
    "{}",
    "[]",
    "id",
    "kind",
    "[gate]",
    "[[gate.check]]",
    "metric = \"pass_rate\"\n",
    "\"5pt\"",
    "{{expected}}",
    "\r",
];

/// A small generator, so that a mutant has a number and can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }
}

fn mutant(seed: &str, number: u64) -> Vec<u8> {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bytes = seed.as_bytes().to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + dice.below(12)).min(bytes.len());
        let piece = PIECES[dice.below(PIECES.len())];
        match dice.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, piece.bytes())),
            3 => drop(bytes.splice(at..end, piece.bytes())),
            4 => {
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = dice.below(256) as u8;
                }
            }
        }
    }
    bytes
}

fn helpful(diagnostic: &Diagnostic) {
    let at = diagnostic.at.as_ref().unwrap_or_else(|| panic!("no place: {diagnostic}"));
    assert!(at.line >= 1 && at.column >= 1, "{diagnostic}");
    let has_help = diagnostic.help.as_deref().is_some_and(|help| !help.is_empty());
    assert!(!diagnostic.message.is_empty() && has_help, "{diagnostic}");
}

fn is_read<T>(read: Result<T, Diagnostics>) -> bool {
    if let Err(mistakes) = &read {
        assert!(!mistakes.0.is_empty());
        mistakes.0.iter().for_each(helpful);
    }
    read.is_ok()
}

/// Whether all are read; every one is looked at.
fn are_read<T>(read: impl Iterator<Item = Result<T, Diagnostic>>) -> bool {
    let mistakes: Vec<Diagnostic> = read.filter_map(Result::err).collect();
    mistakes.iter().for_each(helpful);
    mistakes.is_empty()
}

/// Reads the mutants of a text; at least `wrong` of them are refused.
fn check(seed: &str, wrong: u64, read: impl Fn(&[u8]) -> bool) {
    let refused = (0..MUTANTS).filter(|number| !read(&mutant(seed, *number))).count() as u64;
    assert!(refused >= wrong, "only {refused} of {MUTANTS} mutants were refused");
}

#[test]
fn mutants_of_a_suite_are_refused_with_a_place_and_what_to_do() {
    let read = |text: &str| is_read(suite::parse(text, "suite.toml", &SuiteDefaults::default()));
    check(fixture::SUITE, 500, |bytes| read(&String::from_utf8_lossy(bytes)));
}

#[test]
fn mutants_of_a_project_file_are_refused_with_a_place_and_what_to_do() {
    check(fixture::PROJECT, 300, |bytes| is_read(project::parse(&String::from_utf8_lossy(bytes), "promptgate.toml")));
}

#[test]
fn mutants_of_cases_are_refused_with_a_place_and_what_to_do() {
    let cases = |format| move |bytes: &[u8]| are_read(read_cases(format, bytes, "cases", Map::new()));
    check(fixture::JSONL, 500, cases(CasesFormat::Jsonl));
    check(fixture::TOML, 500, cases(CasesFormat::Toml));
    // Most texts are good CSV.
    check(fixture::CSV, 50, cases(CasesFormat::Csv));
}

#[test]
fn mutants_of_recordings_and_inputs_are_refused_with_a_place_and_what_to_do() {
    let line = fixture::RECORDING.lines().next().unwrap();
    check(line, 500, |bytes| are_read(std::iter::once(recording::parse_line(bytes, "r.jsonl", 1))));
    check(fixture::INPUTS, 500, |bytes| are_read(inputs::Inputs::new(bytes, "inputs.jsonl")));
}

#[test]
fn nesting_of_100_000_levels_is_refused_in_toml_and_json() {
    const DEEP: usize = 100_000;
    let brackets = format!("x = {}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    let tables = format!("x = {}1{}", "{ a = ".repeat(DEEP), " }".repeat(DEEP));
    let keys = format!("x{} = 1", ".a".repeat(DEEP));
    let header = format!("[x{}]\n", ".a".repeat(DEEP));
    let headers: String = (1..200).map(|depth| format!("[x{}]\n", ".a".repeat(depth))).collect();
    for text in [brackets, tables, keys, header, headers] {
        assert!(!is_read(suite::parse(&text, "suite.toml", &SuiteDefaults::default())));
        assert!(!is_read(project::parse(&text, "promptgate.toml")));
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(DEEP), close.repeat(DEEP));
        let assert = format!("{{\"id\":\"a\",\"assert\":[{deep}]}}");
        for line in [format!("{{\"vars\":{deep}}}"), format!("{{\"case\":{deep}}}"), assert] {
            assert!(!are_read(read_cases(CasesFormat::Jsonl, line.as_bytes(), "c", Map::new())));
            assert!(recording::parse_line(line.as_bytes(), "r", 1).is_err());
            assert!(inputs::parse_line(line.as_bytes(), "i", 1).is_err());
        }
    }
}

/// So many bytes of one letter, without holding them.
struct Letters {
    block: Vec<u8>,
    left: usize,
}

impl Read for Letters {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Letters {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.block[..self.left.min(self.block.len())])
    }

    fn consume(&mut self, bytes: usize) {
        self.left -= bytes;
    }
}

#[test]
fn a_line_of_a_gigabyte_is_streamed_past() {
    let huge = Letters { block: vec![b'x'; 1 << 20], left: 1 << 30 }.chain(&b"\n{\"id\":\"a\"}\n"[..]);
    let mut cases = read_cases(CasesFormat::Jsonl, huge, "c.jsonl", Map::new());
    let mistake = cases.next().unwrap().unwrap_err();
    helpful(&mistake);
    assert!(mistake.message.contains(&format!("{} MiB", lines::LONGEST_LINE >> 20)), "{mistake}");
    assert_eq!(cases.next().unwrap().unwrap().id.as_str(), "a");
}

#[test]
fn a_path_that_leaves_the_suite_is_refused_in_every_field() {
    let fields: [fn(&str) -> String; 4] = [
        |path| format!("cases.file = {path:?}"),
        |path| format!("cases.inputs = {path:?}"),
        |path| format!("[[model]]\nid = \"a/b\"\nrecording = {path:?}"),
        |path| format!("[[model]]\nid = \"a/b\"\nrecording.file = {path:?}"),
    ];
    let paths = ["../x", "a/../../x", "/etc/passwd", "//proc/self/x", "..\\x", "C:\\x", "\\\\host\\x", "file:///x"];
    for path in paths.map(|path| format!("{path}.jsonl")) {
        for field in fields {
            let text = field(&path);
            let mistakes = suite::parse(&text, "suite.toml", &SuiteDefaults::default()).unwrap_err();
            let leaves = |mistake: &Diagnostic| mistake.message.contains("leaves the project");
            assert!(mistakes.0.iter().any(leaves), "{text}: {mistakes}");
        }
    }
}
