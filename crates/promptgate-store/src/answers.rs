//! Answers that earlier runs hold, found again by trial key, whether they were graded then or not.
//!
//! Runs that hold none of the wanted versions are passed over after their header. Of the others every answer is indexed
//! (24 bytes each); its line is read, checked and compared with the whole key when it is asked for. A damaged line is a
//! miss, never an answer; an error is no answer either, so it is asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use promptgate_core::Digest;
use promptgate_core::name::RunId;
use promptgate_core::plan::TrialKey;
use promptgate_core::port::{AnswerCache, PortError, StoredAnswer};
use promptgate_core::record::{BegunTrial, RunHeader, SettledTrial};
use promptgate_core::score::Outcome;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::positioned::read_line;
use crate::run::line::{self, Line};
use crate::run::{RunError, RunFolder};

/// The stored answers of some versions.
#[derive(Debug)]
pub struct StoredAnswers {
    runs: Vec<(RunId, PathBuf)>,
    /// Sorted, so that of one key the best answer comes first.
    index: Vec<Entry>,
    /// The file that was read last; neighbours are asked for one after the other.
    open: Mutex<Option<(u32, File)>>,
}

/// Where an answer stands: 24 bytes. The order is that of the index: by key, the largest draw first, of one draw the
/// newest run first (runs are numbered from the newest), of one run the last line first: what settles a trial stands behind
/// what had been answered until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: u64,
    draw: std::cmp::Reverse<u32>,
    run: u32,
    offset: std::cmp::Reverse<u64>,
}

impl StoredAnswers {
    /// Indexes what the folder's runs hold of these versions. A run without a readable header is left out.
    pub fn of(folder: &RunFolder, versions: &BTreeSet<Digest>) -> Result<Self, RunError> {
        let mut answers = Self { runs: Vec::new(), index: Vec::new(), open: Mutex::new(None) };
        for (run, path) in folder.files()? {
            answers.take_run(run, path, versions)?;
        }
        answers.index.sort_unstable();
        Ok(answers)
    }

    /// How many answers are stored, each draw and each run's copy counted.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    fn take_run(&mut self, run: RunId, path: PathBuf, versions: &BTreeSet<Digest>) -> Result<(), RunError> {
        let number = self.runs.len() as u32;
        let before = self.index.len();
        let indexed = index_run(&path, versions, |key, draw, offset| {
            self.index.push(Entry {
                key: head(&key),
                draw: std::cmp::Reverse(draw),
                run: number,
                offset: std::cmp::Reverse(offset),
            });
        });
        indexed.map_err(RunError::io(format!("read {}", path.display())))?;
        if self.index.len() > before {
            self.runs.push((run, path));
        }
        Ok(())
    }

    fn read(&self, entry: &Entry) -> std::io::Result<Vec<u8>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match open.take() {
            Some((run, file)) if run == entry.run => file,
            _ => File::open(&self.runs[entry.run as usize].1)?,
        };
        let line = read_line(&file, entry.offset.0);
        *open = Some((entry.run, file));
        line
    }

    /// What may be answers of a key, the largest draw first.
    fn entries(&self, key: &TrialKey) -> impl Iterator<Item = &Entry> {
        let wanted = head(key);
        let first = self.index.partition_point(|entry| entry.key < wanted);
        self.index[first..].iter().take_while(move |entry| entry.key == wanted)
    }

    fn answer(&self, entry: &Entry, key: &TrialKey) -> Result<Option<StoredAnswer>, PortError> {
        let (run, path) = &self.runs[entry.run as usize];
        match self.read(entry) {
            Ok(text) => Ok(answer_of(&text, run).filter(|(answered, _)| answered == key).map(|(_, answer)| answer)),
            // The run was removed since it was indexed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PortError::io(format!("read {}", path.display()), error)),
        }
    }
}

impl AnswerCache for StoredAnswers {
    fn find(&self, key: &TrialKey) -> Result<Option<StoredAnswer>, PortError> {
        for entry in self.entries(key) {
            if let Some(answer) = self.answer(entry, key)? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    fn before(&self, key: &TrialKey, draw: u32) -> Result<Vec<StoredAnswer>, PortError> {
        let mut found: Vec<StoredAnswer> = Vec::new();
        for entry in self.entries(key).filter(|entry| entry.draw.0 < draw) {
            // The newest run of each draw comes first.
            if found.last().is_none_or(|last| last.draw > entry.draw.0) {
                found.extend(self.answer(entry, key)?);
            }
        }
        Ok(found)
    }
}

/// The answer on a line, and what it answers.
fn answer_of(text: &[u8], run: &RunId) -> Option<(TrialKey, StoredAnswer)> {
    match line::read(text).ok()? {
        Line::Trial(json) => of_settled(serde_json::from_str(json).ok()?, run),
        Line::Begun(json) => of_begun(serde_json::from_str(json).ok()?, run),
        _ => None,
    }
}

fn of_settled(trial: SettledTrial, run: &RunId) -> Option<(TrialKey, StoredAnswer)> {
    let answer = StoredAnswer {
        response: trial.response?,
        request: trial.request?,
        draw: trial.draw,
        run: run.clone(),
        answered_ms: trial.volatile.answered_ms,
        outcome: trial.outcome,
        metrics: trial.metrics,
    };
    Some((trial.key?, answer))
}

/// An answer that was not graded before its run was broken off.
fn of_begun(trial: BegunTrial, run: &RunId) -> Option<(TrialKey, StoredAnswer)> {
    let answer = StoredAnswer {
        response: trial.response?,
        request: trial.request?,
        draw: trial.draw,
        run: run.clone(),
        answered_ms: trial.volatile.answered_ms,
        outcome: Outcome::Errored,
        metrics: BTreeMap::new(),
    };
    Some((trial.key?, answer))
}

/// What stands for a key in the index. Two keys may share it: the whole key is compared when the line is read.
fn head(key: &TrialKey) -> u64 {
    let digest = (key.digest.prefix128() >> 64) as u64;
    digest.wrapping_add(u64::from(key.repeat).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Calls `take` with key, draw and offset of each answer in a run's file, if the run has one of the versions.
fn index_run(
    path: &Path,
    versions: &BTreeSet<Digest>,
    mut take: impl FnMut(TrialKey, u32, u64),
) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(256 << 10, File::open(path)?);
    let (mut text, mut offset) = (Vec::new(), 0);
    loop {
        text.clear();
        let read = reader.read_until(b'\n', &mut text)?;
        // A line without an end is being written, or was never finished.
        let Some(line) = text.strip_suffix(b"\n") else { return Ok(()) };
        match line::read(line) {
            Ok(Line::Header(json)) if !holds_any(json, versions) => return Ok(()),
            Ok(Line::Trial(json) | Line::Begun(json)) => {
                if let Some((key, draw)) = answered(json) {
                    take(key, draw, offset);
                }
            }
            // Without its header nothing says what a run's trials belong to.
            Err(_) if offset == 0 => return Ok(()),
            _ => {}
        }
        offset += read as u64;
    }
}

fn holds_any(header: &str, versions: &BTreeSet<Digest>) -> bool {
    serde_json::from_str::<RunHeader>(header).is_ok_and(|header| {
        header.schema == promptgate_core::record::LOG_SCHEMA
            && header.versions.iter().any(|version| versions.contains(&version.identity.digest))
    })
}

/// Key and draw of a trial that was answered, settled or not; the rest of the line is passed over without being built.
fn answered(json: &str) -> Option<(TrialKey, u32)> {
    #[derive(Deserialize)]
    struct Head {
        draw: u32,
        key: Option<TrialKey>,
        response: Option<IgnoredAny>,
    }
    let head: Head = serde_json::from_str(json).ok()?;
    head.response?;
    Some((head.key?, head.draw))
}
