//! The writing side of a run's file: append, group commit, finish.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use promptgate_core::port::{PortError, RunLog};
use promptgate_core::record::{BegunTrial, RunHeader, SettledTrial};
use promptgate_core::secret::Scrubber;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::line::{self, Finished};
use crate::positioned::LONGEST_LINE;
use crate::scrub::put_scrubbed;

/// A run's file, open for appending and locked, so that no other process appends to it.
///
/// After a failed write nothing more is taken: what the disk holds of the open batch is unknown then, and the next
/// resume finds out.
#[derive(Debug)]
pub struct RunFile {
    path: PathBuf,
    file: File,
    scrubber: Scrubber,
    batch: Vec<u8>,
    /// Bytes that are synced.
    synced: u64,
    /// Trial lines in the file and in the batch.
    trials: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Finished,
    Failed,
}

impl RunFile {
    /// Appends behind the synced bytes of a file that holds a header already.
    pub(super) fn append_to(
        path: PathBuf,
        file: File,
        scrubber: Scrubber,
        synced: u64,
        trials: u64,
        finished: bool,
    ) -> Self {
        let state = if finished { State::Finished } else { State::Open };
        Self { path, file, scrubber, batch: Vec::new(), synced, trials, state }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write_batch(&mut self, batch: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(self.synced))?;
        self.file.write_all(batch)?;
        self.file.sync_data()
    }

    fn sync(&mut self, batch: &[u8]) -> Result<(), PortError> {
        match self.write_batch(batch) {
            Ok(()) => {
                self.synced += batch.len() as u64;
                Ok(())
            }
            Err(cause) => {
                self.state = State::Failed;
                // What was written of the batch is of no use; a torn end is repaired later where even this fails.
                let _ = self.file.set_len(self.synced);
                Err(PortError::io(format!("write {}", self.path.display()), cause))
            }
        }
    }

    /// Adds the line of a trial to the open batch, behind one that says what is synced.
    fn take<T: Serialize + DeserializeOwned>(&mut self, kind: &str, trial: u64, value: &T) -> Result<usize, PortError> {
        self.must_be_open()?;
        if self.batch.is_empty() {
            line::write_json(&mut self.batch, "synced", &self.synced.to_string());
        }
        checked_line(&mut self.batch, kind, value, &self.scrubber)
            .map_err(|cause| PortError::other(format!("append trial {trial} to {}", self.path.display()), cause))?;
        Ok(self.batch.len())
    }

    fn must_be_open(&self) -> Result<(), PortError> {
        let reason = match self.state {
            State::Open => return Ok(()),
            State::Finished => "the run is finished",
            State::Failed => "an earlier write failed; resume the run",
        };
        Err(PortError::other(format!("append to {}", self.path.display()), reason))
    }
}

impl RunLog for RunFile {
    fn append(&mut self, trial: &SettledTrial) -> Result<usize, PortError> {
        let bytes = self.take("trial", trial.trial, trial)?;
        self.trials += 1;
        Ok(bytes)
    }

    fn append_begun(&mut self, trial: &BegunTrial) -> Result<usize, PortError> {
        self.take("begun", trial.trial, trial)
    }

    fn commit(&mut self) -> Result<(), PortError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.must_be_open()?;
        let mut batch = std::mem::take(&mut self.batch);
        self.sync(&batch)?;
        batch.clear();
        self.batch = batch;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PortError> {
        if self.state == State::Finished {
            return Ok(());
        }
        self.must_be_open()?;
        self.commit()?;
        let end = Finished { trials: self.trials, bytes: self.synced };
        let mut line = Vec::new();
        line::write_json(&mut line, "finished", &serde_json::json!(end).to_string());
        self.sync(&line)?;
        self.state = State::Finished;
        Ok(())
    }
}

/// The header line of a new file.
pub(super) fn header_line(header: &RunHeader, scrubber: &Scrubber) -> Result<Vec<u8>, String> {
    let mut line = Vec::new();
    checked_line(&mut line, "header", header, scrubber)?;
    Ok(line)
}

/// Adds a line without any known secret in it.
fn checked_line<T: Serialize + DeserializeOwned>(
    batch: &mut Vec<u8>,
    kind: &str,
    value: &T,
    scrubber: &Scrubber,
) -> Result<(), String> {
    let start = batch.len();
    line::write(batch, kind, |batch| put_scrubbed(batch, value, scrubber))?;
    let length = batch.len() - start;
    if length <= LONGEST_LINE {
        return Ok(());
    }
    batch.truncate(start);
    Err(format!("its line of {length} bytes is too long"))
}

#[cfg(test)]
mod tests {
    use promptgate_core::port::PortErrorKind;

    use super::*;

    fn trial() -> SettledTrial {
        let text = r#"{"trial":0,"version":0,"model":0,"case":{"id":"a","input":"sha256:DIGEST"},"repeat":1,"draw":1,
            "key":null,"request":null,"outcome":"skipped"}"#;
        serde_json::from_str(&text.replace("DIGEST", &"0".repeat(64))).unwrap()
    }

    #[test]
    fn a_full_disk_is_told_as_such_and_nothing_more_is_taken() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut log = RunFile::append_to("/dev/full".into(), full, Scrubber::new(), 0, 0, false);
        log.append(&trial()).unwrap();
        let error = log.commit().unwrap_err();
        assert_eq!(error.kind, PortErrorKind::NoRoom, "{error}");
        let again = [log.append(&trial()).map(|_| ()), log.finish()];
        assert!(again.into_iter().all(|result| result.unwrap_err().to_string().contains("resume the run")));
    }
}
