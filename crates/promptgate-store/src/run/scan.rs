//! One pass over a run's file: checks every line, and notes where each trial stands. 12 bytes a trial, no trial is kept.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use promptgate_core::record::{LOG_SCHEMA, RunHeader};
use serde::Deserialize;

use super::error::RunError;
use super::line::{self, Line};
use crate::positioned::LONGEST_LINE;

/// Where a trial stands: 12 bytes, since there may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its index in the plan.
    pub trial: u32,
    offset: [u32; 2],
}

impl Entry {
    fn new(trial: u32, offset: u64) -> Self {
        Self { trial, offset: [(offset >> 32) as u32, offset as u32] }
    }

    /// The byte at which its line begins.
    pub(crate) fn offset(self) -> u64 {
        u64::from(self.offset[0]) << 32 | u64::from(self.offset[1])
    }
}

/// The end of a file that was never synced as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// The first bad line, from 1.
    pub line: u64,
    /// Bytes from there to the end of the file.
    pub bytes: u64,
}

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Scan {
    pub header: RunHeader,
    /// Sorted by trial, each trial once.
    pub entries: Vec<Entry>,
    /// Sorted by trial, each trial once: those that are begun and not settled.
    pub begun: Vec<Entry>,
    /// Lines that tell what was replied to questions for all cases, in the order of the file.
    pub told: Vec<Entry>,
    pub finished: bool,
    /// Bytes that are whole.
    pub len: u64,
    pub torn: Option<Torn>,
}

/// Reads a whole file.
pub(crate) fn scan(path: &Path, file: &File) -> Result<Scan, RunError> {
    let mut lines = Lines::new(path, file);
    let header = read_header(&mut lines)?;
    let mut scanner = Scanner::new(path, header.indices());
    while lines.next()? {
        scanner.take(&lines)?;
    }
    scanner.into_scan(header, lines.end)
}

/// Reads the header alone.
pub(crate) fn scan_header(path: &Path, file: &File) -> Result<RunHeader, RunError> {
    read_header(&mut Lines::new(path, file))
}

/// The lines of a file, one at a time, with their places.
struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<&'a File>,
    text: Vec<u8>,
    /// Whether a line feed stands behind `text`.
    whole: bool,
    number: u64,
    start: u64,
    end: u64,
}

impl<'a> Lines<'a> {
    fn new(path: &'a Path, file: &'a File) -> Self {
        let reader = BufReader::with_capacity(256 << 10, file);
        Self { path, reader, text: Vec::new(), whole: false, number: 0, start: 0, end: 0 }
    }

    /// Moves to the next line, if there is one.
    fn next(&mut self) -> Result<bool, RunError> {
        self.text.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE as u64);
        let read = limited.read_until(b'\n', &mut self.text);
        let read = read.map_err(RunError::io(format!("read {}", self.path.display())))?;
        self.whole = self.text.pop_if(|last| *last == b'\n').is_some();
        (self.start, self.end, self.number) = (self.end, self.end + read as u64, self.number + 1);
        Ok(read > 0)
    }

    fn line(&self) -> Result<Line<'_>, &'static str> {
        if self.whole { line::read(&self.text) } else { Err("it has no end") }
    }

    fn corrupt(&self, reason: impl Into<String>) -> RunError {
        RunError::Corrupt { file: self.path.to_owned(), line: self.number, reason: reason.into() }
    }
}

fn read_header(lines: &mut Lines) -> Result<RunHeader, RunError> {
    lines.next()?;
    let json = match lines.line() {
        Ok(Line::Header(json)) => json,
        Ok(_) => return Err(lines.corrupt("it is not a header")),
        Err(reason) => return Err(lines.corrupt(reason)),
    };
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    let schema: Schema = serde_json::from_str(json).map_err(|error| lines.corrupt(error.to_string()))?;
    if schema.schema != LOG_SCHEMA {
        return Err(RunError::NewerSchema { file: lines.path.to_owned(), schema: schema.schema });
    }
    serde_json::from_str(json).map_err(|error| lines.corrupt(error.to_string()))
}

struct Scanner<'a> {
    path: &'a Path,
    planned: u64,
    entries: Vec<Entry>,
    /// Of every `begun` line, in the order of the file.
    begun: Vec<Entry>,
    /// Of those that tell a reply for all cases.
    told: Vec<Entry>,
    finished: bool,
    /// The first bad line: number, where it begins, what is wrong.
    bad: Option<(u64, u64, &'static str)>,
}

impl<'a> Scanner<'a> {
    fn new(path: &'a Path, planned: u64) -> Self {
        Self { path, planned, entries: Vec::new(), begun: Vec::new(), told: Vec::new(), finished: false, bad: None }
    }

    fn take(&mut self, lines: &Lines) -> Result<(), RunError> {
        match (lines.line(), self.bad) {
            // Whatever stands behind a bad line counts only as a sign of what had been synced.
            (Ok(Line::Synced(_) | Line::Finished(_)), Some((line, _, reason))) => {
                Err(RunError::Corrupt { file: self.path.to_owned(), line, reason: reason.to_owned() })
            }
            (_, Some(_)) => Ok(()),
            (Err(reason), None) => {
                self.bad = Some((lines.number, lines.start, reason));
                Ok(())
            }
            (Ok(line), None) => self.take_good(line, lines),
        }
    }

    fn take_good(&mut self, line: Line, lines: &Lines) -> Result<(), RunError> {
        if self.finished {
            return Err(lines.corrupt("it stands behind the line that ends the run"));
        }
        match line {
            Line::Header(_) => Err(lines.corrupt("it is a second header")),
            Line::Trial(json) => {
                self.entries.push(self.entry(json, lines)?);
                Ok(())
            }
            Line::Begun(json) => {
                let entry = self.entry(json, lines)?;
                self.begun.push(entry);
                // Looked for, not read: most lines tell none, and one that is taken for such a line in vain tells nothing.
                self.told.extend(json.contains(",\"told\":{").then_some(entry));
                Ok(())
            }
            Line::Synced(bytes) if bytes == lines.start => Ok(()),
            Line::Finished(end) if end.bytes == lines.start && end.trials == self.entries.len() as u64 => {
                self.finished = true;
                Ok(())
            }
            Line::Synced(_) | Line::Finished(_) => Err(lines.corrupt("lines before it are missing")),
        }
    }

    fn entry(&self, json: &str, lines: &Lines) -> Result<Entry, RunError> {
        let index = trial_index(json).map_err(|error| lines.corrupt(error.to_string()))?;
        match u32::try_from(index) {
            Ok(trial) if index < self.planned => Ok(Entry::new(trial, lines.start)),
            _ => Err(lines.corrupt(format!("trial {index} is not in the plan of {} trials", self.planned))),
        }
    }

    fn into_scan(mut self, header: RunHeader, file_len: u64) -> Result<Scan, RunError> {
        // Completion order is close to plan order or shuffled; a stable sort is fast on the first, and no list is doubled.
        self.entries.sort_unstable_by_key(|entry| (entry.trial, entry.offset()));
        if let Some(pair) = self.entries.windows(2).find(|pair| pair[0].trial == pair[1].trial) {
            let reason =
                format!("trial {} was settled before, on line {}", pair[0].trial, line_of(self.path, pair[0])?);
            let line = line_of(self.path, pair[1])?;
            return Err(RunError::Corrupt { file: self.path.to_owned(), line, reason });
        }
        let begun = unsettled(self.begun, &self.entries);
        let torn = self.bad.map(|(line, start, _)| Torn { line, bytes: file_len - start });
        let len = file_len - torn.map_or(0, |torn| torn.bytes);
        Ok(Scan { header, entries: self.entries, begun, told: self.told, finished: self.finished, len, torn })
    }
}

/// The last line of each trial that is begun and not settled.
fn unsettled(mut begun: Vec<Entry>, settled: &[Entry]) -> Vec<Entry> {
    begun.retain(|entry| settled.binary_search_by_key(&entry.trial, |settled| settled.trial).is_err());
    begun.sort_unstable_by_key(|entry| (entry.trial, std::cmp::Reverse(entry.offset())));
    begun.dedup_by_key(|entry| entry.trial);
    begun
}

/// The index of a trial. It comes first where we wrote the line; what follows is read once it is asked for.
fn trial_index(json: &str) -> serde_json::Result<u64> {
    #[derive(Deserialize)]
    struct Head {
        trial: u64,
    }
    let first = json.strip_prefix("{\"trial\":").and_then(|rest| rest.split_once(','));
    match first.and_then(|(index, _)| index.parse().ok()) {
        Some(index) => Ok(index),
        None => serde_json::from_str(json).map(|head: Head| head.trial),
    }
}

/// The number of the line that begins at an offset; read again, since it is needed for messages alone.
pub(crate) fn line_of(path: &Path, entry: Entry) -> Result<u64, RunError> {
    let io = || RunError::io(format!("read {}", path.display()));
    let mut head = BufReader::new(File::open(path).map_err(io())?).take(entry.offset());
    let mut lines = 1;
    loop {
        let buffer = head.fill_buf().map_err(io())?;
        if buffer.is_empty() {
            return Ok(lines);
        }
        lines += buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
        let read = buffer.len();
        head.consume(read);
    }
}
