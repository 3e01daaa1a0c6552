//! The reading side of a run's file: the settled record, in plan order, one trial at a time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use promptgate_core::Digest;
use promptgate_core::port::PortError;
use promptgate_core::record::{Digested, RunHeader, SettledRecord, SettledTrial};

use super::ahead::ReadAhead;
use super::error::RunError;
use super::line::{self, Line};
use super::scan::{Entry, Torn, line_of, scan};
use crate::positioned::read_line_into;

/// A stored run: its header, and where each trial stands (12 bytes a trial). Trials are read from the file when they are
/// asked for, and checked again then.
#[derive(Debug)]
pub struct StoredRun {
    lines: TrialLines,
    header: RunHeader,
    finished: bool,
    torn: Option<Torn>,
}

/// The lines of the settled trials; clones share them.
#[derive(Debug, Clone)]
pub(super) struct TrialLines {
    path: Arc<Path>,
    file: Arc<File>,
    entries: Arc<Vec<Entry>>,
}

impl TrialLines {
    /// Where they stand, in plan order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What a line says; its text is in `text` then.
    pub(super) fn read(&self, entry: Entry, text: &mut Vec<u8>) -> Digested {
        read_line_into(&self.file, entry.offset(), text)
            .map_err(|cause| PortError::io(format!("read {}", self.path.display()), cause))?;
        digested(text).map_err(|reason| {
            let line = line_of(&self.path, entry).unwrap_or(0);
            RunError::Corrupt { file: self.path.to_path_buf(), line, reason }.into()
        })
    }
}

impl StoredRun {
    /// Opens a run's file for reading. Every line is checked; the file is left as it is.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let file = File::open(path).map_err(RunError::io(format!("open {}", path.display())))?;
        let scan = scan(path, &file)?;
        let lines = TrialLines { path: path.into(), file: Arc::new(file), entries: Arc::new(scan.entries) };
        Ok(Self { lines, header: scan.header, finished: scan.finished, torn: scan.torn })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.lines.path
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Trials that are settled.
    pub fn settled(&self) -> u64 {
        self.lines.entries.len() as u64
    }

    /// What is left out at the file's end, because it had never been synced as a whole.
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.lines.entries
    }

    pub(super) fn read(&self, entry: Entry) -> Digested {
        self.lines.read(entry, &mut Vec::new())
    }
}

impl SettledRecord for StoredRun {
    fn header(&self) -> &RunHeader {
        &self.header
    }

    fn digested(&self) -> Box<dyn Iterator<Item = Digested> + '_> {
        match ReadAhead::of(&self.lines) {
            Some(ahead) => Box::new(ahead),
            None => Box::new(self.lines.entries.iter().map(|entry| self.read(*entry))),
        }
    }

    fn trial(&self, index: u64) -> Result<Option<SettledTrial>, PortError> {
        let entries = &self.lines.entries;
        let found = entries.binary_search_by_key(&index, |entry| u64::from(entry.trial));
        found.ok().map(|at| self.read(entries[at]).map(|(trial, _)| trial)).transpose()
    }
}

fn digested(text: &[u8]) -> Result<(SettledTrial, Digest), String> {
    let json = trial_json(text)?;
    let trial = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok((trial, SettledTrial::digest_of(json)))
}

fn trial_json(text: &[u8]) -> Result<&str, String> {
    match line::read(text)? {
        Line::Trial(json) => Ok(json),
        _ => Err("it is not a trial".to_owned()),
    }
}

/// Whether the last line of a file says that the run is complete; no other line is looked at.
pub(super) fn ends_finished(path: &Path, file: &File) -> Result<bool, RunError> {
    const TAIL: u64 = 256;
    let io = || RunError::io(format!("read {}", path.display()));
    let len = file.metadata().map_err(io())?.len();
    let mut tail = vec![0; len.min(TAIL) as usize];
    file.read_exact_at(&mut tail, len.saturating_sub(TAIL)).map_err(io())?;
    let Some(tail) = tail.strip_suffix(b"\n") else { return Ok(false) };
    let last = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(matches!(line::read(last), Ok(Line::Finished(_))))
}
