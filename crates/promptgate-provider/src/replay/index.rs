//! The index of a recording: where the lines are, found by request digest or by case. 32 bytes a line.

use std::io::{BufReader, Read, Write};

use promptgate_core::digest::DigestWriter;
use promptgate_core::format::lines::{Line, Lines};
use promptgate_core::format::recording::{RecordedLine, parse_line};
use promptgate_core::name::CaseId;
use promptgate_core::{Diagnostics, Digest};

/// After so many bad lines the rest is not worth listing.
const MOST_MISTAKES: usize = 20;

/// Where a line is. Sorted by key and repeat; the offset keeps equal ones in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// The head of the request digest, or of the case id's.
    pub(crate) key: u128,
    pub(crate) trial: u32,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// All lines of a recording.
#[derive(Debug)]
pub(crate) struct Index {
    /// Lines with a request digest, by it.
    pub(crate) bound: Vec<Entry>,
    /// Lines without one, by case.
    pub(crate) unbound: Vec<Entry>,
    /// Of the whole file.
    pub(crate) digest: Digest,
}

/// The key of a case.
pub(crate) fn case_key(case: &CaseId) -> u128 {
    promptgate_core::plan::case_key(case)
}

/// The entries of one key and repeat, in the order of the file.
pub(crate) fn fitting(entries: &[Entry], key: u128, trial: u32) -> &[Entry] {
    let start = entries.partition_point(|entry| (entry.key, entry.trial) < (key, trial));
    let length = entries[start..].partition_point(|entry| (entry.key, entry.trial) == (key, trial));
    &entries[start..start + length]
}

/// The entries of one key, whatever repeat they are of.
pub(crate) fn of_case(entries: &[Entry], key: u128) -> &[Entry] {
    let start = entries.partition_point(|entry| entry.key < key);
    let length = entries[start..].partition_point(|entry| entry.key == key);
    &entries[start..start + length]
}

impl Index {
    /// Reads a recording through once.
    pub(crate) fn read(name: &str, reader: impl Read) -> Result<Self, Diagnostics> {
        let mut digest = DigestWriter::default();
        let reader = BufReader::with_capacity(1 << 18, Digesting { reader, digest: &mut digest });
        let mut lines = Lines::new(reader, name);
        let (mut bound, mut unbound, mut mistakes) = (Vec::new(), Vec::new(), Diagnostics::default());
        while let Some(line) = lines.next_line() {
            match line.and_then(|line| Ok((parse_line(line.bytes, name, line.number)?, line))) {
                Ok((recorded, line)) => match recorded.request_digest {
                    Some(digest) => bound.push(entry(digest.prefix128(), &recorded, &line)),
                    None => unbound.push(entry(case_key(&recorded.case), &recorded, &line)),
                },
                Err(mistake) => mistakes.push(mistake),
            }
            if mistakes.0.len() == MOST_MISTAKES {
                break;
            }
        }
        for entries in [&mut bound, &mut unbound] {
            entries.sort_unstable();
            entries.shrink_to_fit();
        }
        mistakes.into_result(Self { bound, unbound, digest: digest.finish() })
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.bound.capacity() + self.unbound.capacity()) * size_of::<Entry>()
    }
}

fn entry(key: u128, recorded: &RecordedLine, line: &Line<'_>) -> Entry {
    // Lines are capped far below 4 GiB.
    let length = u32::try_from(line.bytes.len()).unwrap_or(u32::MAX);
    Entry { key, trial: recorded.trial.unwrap_or(1), length, offset: line.offset }
}

/// Digests what passes through.
struct Digesting<'a, R> {
    reader: R,
    digest: &'a mut DigestWriter,
}

impl<R: Read> Read for Digesting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.digest.write_all(&buffer[..read])?;
        Ok(read)
    }
}
