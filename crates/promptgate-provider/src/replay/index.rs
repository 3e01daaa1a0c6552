//! The index of a recording: where the lines are, found by request digest or by case. 32 bytes a line.

use std::io::{BufRead, Read, Write};

use promptgate_core::digest::DigestWriter;
use promptgate_core::name::CaseId;
use promptgate_core::{Diagnostic, Diagnostics, Digest, Location};

use super::line::RecordedLine;

/// A longer line is refused rather than held in memory.
const LONGEST_LINE: u64 = 64 << 20;

/// After so many bad lines the rest is not worth listing.
const MOST_MISTAKES: usize = 20;

/// Where a line is. Sorted by key and repeat; the offset keeps equal ones in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// The head of the request digest, or of the case id's.
    pub(crate) key: u128,
    pub(crate) trial: u32,
    pub(crate) length: u32,
    pub(crate) offset: u64,
}

/// All lines of a recording.
#[derive(Debug)]
pub(crate) struct Index {
    /// By request digest.
    pub(crate) bound: Vec<Entry>,
    /// By case; empty where lines without a digest are not served.
    pub(crate) unbound: Vec<Entry>,
    /// Of the whole file.
    pub(crate) digest: Digest,
    pub(crate) lines: u64,
    pub(crate) without_digest: u64,
}

/// The key of a case.
pub(crate) fn case_key(case: &CaseId) -> u128 {
    Digest::of_bytes(case.as_str().as_bytes()).prefix128()
}

/// The entries of one key and repeat, in the order of the file.
pub(crate) fn fitting(entries: &[Entry], key: u128, trial: u32) -> &[Entry] {
    let start = entries.partition_point(|entry| (entry.key, entry.trial) < (key, trial));
    let length = entries[start..].partition_point(|entry| (entry.key, entry.trial) == (key, trial));
    &entries[start..start + length]
}

impl Index {
    /// Reads a recording through once.
    pub(crate) fn read(name: &str, mut reader: impl BufRead, bound: bool) -> Result<Self, Diagnostics> {
        let mut builder = Builder::new(name, bound);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let unreadable = |error| Diagnostic::new(format!("cannot read the recording {name}: {error}"));
            let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(unreadable)?;
            if read == 0 || builder.mistakes.0.len() >= MOST_MISTAKES {
                return builder.finish();
            }
            builder.line(&bytes);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.bound.capacity() + self.unbound.capacity()) * size_of::<Entry>()
    }
}

struct Builder<'a> {
    name: &'a str,
    bound_only: bool,
    bound: Vec<Entry>,
    unbound: Vec<Entry>,
    digest: DigestWriter,
    offset: u64,
    physical_lines: u32,
    lines: u64,
    without_digest: u64,
    mistakes: Diagnostics,
}

impl<'a> Builder<'a> {
    fn new(name: &'a str, bound_only: bool) -> Self {
        Self {
            name,
            bound_only,
            bound: Vec::new(),
            unbound: Vec::new(),
            digest: DigestWriter::default(),
            offset: 0,
            physical_lines: 0,
            lines: 0,
            without_digest: 0,
            mistakes: Diagnostics::default(),
        }
    }

    fn line(&mut self, bytes: &[u8]) {
        // Writing into a hasher cannot fail.
        let _ = self.digest.write_all(bytes);
        self.physical_lines = self.physical_lines.saturating_add(1);
        if !bytes.trim_ascii().is_empty() {
            self.record(bytes);
        }
        self.offset += bytes.len() as u64;
    }

    fn record(&mut self, bytes: &[u8]) {
        self.lines += 1;
        if bytes.len() as u64 >= LONGEST_LINE {
            return self.mistake(1, format!("the line is longer than {} MiB", LONGEST_LINE >> 20));
        }
        match serde_json::from_slice::<RecordedLine>(bytes) {
            Ok(line) if line.repeat() == 0 => self.mistake(1, "`trial` counts from 1".to_owned()),
            Ok(line) => self.add(&line, bytes.len()),
            Err(error) => self.mistake(error.column(), format!("not a recorded answer: {error}")),
        }
    }

    fn add(&mut self, line: &RecordedLine, length: usize) {
        let entry = |key| Entry { key, trial: line.repeat(), length: length as u32, offset: self.offset };
        match line.request_digest {
            Some(digest) => self.bound.push(entry(digest.prefix128())),
            None => {
                self.without_digest += 1;
                if !self.bound_only {
                    self.unbound.push(entry(case_key(&line.case)));
                }
            }
        }
    }

    fn mistake(&mut self, column: usize, message: String) {
        let column = u32::try_from(column).unwrap_or(u32::MAX).max(1);
        let at = Location { file: self.name.to_owned(), line: self.physical_lines, column };
        let help = "a line is {\"case\": ..., \"request_digest\": ..., \"output\": ...}; record anew with `--record`";
        self.mistakes.push(Diagnostic::new(message).at(at).help(help));
    }

    fn finish(mut self) -> Result<Index, Diagnostics> {
        for entries in [&mut self.bound, &mut self.unbound] {
            entries.sort_unstable();
            entries.shrink_to_fit();
        }
        self.mistakes.into_result(Index {
            bound: self.bound,
            unbound: self.unbound,
            digest: self.digest.finish(),
            lines: self.lines,
            without_digest: self.without_digest,
        })
    }
}
