//! The reading side of a run's file: the settled record, in plan order, one trial at a time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use promptgate_core::port::PortError;
use promptgate_core::record::{RunHeader, SettledRecord, SettledTrial};

use super::error::RunError;
use super::line::{self, Line};
use super::scan::{Entry, Torn, line_of, scan};
use crate::positioned::read_line;

/// A stored run: its header, and where each trial stands (12 bytes a trial). Trials are read from the file when they are
/// asked for, and checked again then.
#[derive(Debug)]
pub struct StoredRun {
    path: PathBuf,
    file: File,
    header: RunHeader,
    entries: Vec<Entry>,
    finished: bool,
    torn: Option<Torn>,
}

impl StoredRun {
    /// Opens a run's file for reading. Every line is checked; the file is left as it is.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let file = File::open(path).map_err(RunError::io(format!("open {}", path.display())))?;
        let scan = scan(path, &file)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            header: scan.header,
            entries: scan.entries,
            finished: scan.finished,
            torn: scan.torn,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Trials that are settled.
    pub fn settled(&self) -> u64 {
        self.entries.len() as u64
    }

    /// What is left out at the file's end, because it had never been synced as a whole.
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn read(&self, entry: Entry) -> Result<SettledTrial, PortError> {
        let text = read_line(&self.file, entry.offset())
            .map_err(|cause| PortError::io(format!("read {}", self.path.display()), cause))?;
        trial_of(&text).map_err(|reason| {
            let line = line_of(&self.path, entry).unwrap_or(0);
            RunError::Corrupt { file: self.path.clone(), line, reason }.into()
        })
    }
}

impl SettledRecord for StoredRun {
    fn header(&self) -> &RunHeader {
        &self.header
    }

    fn trials(&self) -> Box<dyn Iterator<Item = Result<SettledTrial, PortError>> + '_> {
        Box::new(self.entries.iter().map(|entry| self.read(*entry)))
    }

    fn trial(&self, index: u64) -> Result<Option<SettledTrial>, PortError> {
        let found = self.entries.binary_search_by_key(&index, |entry| u64::from(entry.trial));
        found.ok().map(|at| self.read(self.entries[at])).transpose()
    }
}

/// The trial on a line.
pub(crate) fn trial_of(text: &[u8]) -> Result<SettledTrial, String> {
    match line::read(text)? {
        Line::Trial(json) => serde_json::from_str(json).map_err(|error| error.to_string()),
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
