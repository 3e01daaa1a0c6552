//! Trials of a run that are not settled, as far as they were paid for: read when a resume takes them up.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use promptgate_core::Digest;
use promptgate_core::answer::Response;
use promptgate_core::port::PortError;
use promptgate_core::record::BegunTrial;

use super::error::RunError;
use super::line::{self, Line};
use super::scan::{Entry, line_of};
use crate::positioned::read_line;

/// Where the begun trials of a run stand.
#[derive(Debug)]
pub struct Begun {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) entries: Vec<Entry>,
    pub(super) told: Vec<Entry>,
}

impl Begun {
    /// What a trial has come to, where it is begun and not settled.
    ///
    /// # Errors
    ///
    /// A line that cannot be read, or no longer reads back.
    pub fn find(&self, trial: u64) -> Result<Option<BegunTrial>, PortError> {
        let found = self.entries.binary_search_by_key(&trial, |entry| u64::from(entry.trial));
        found.ok().map(|at| self.read(self.entries[at])).transpose()
    }

    /// What was replied to questions that are asked once for all cases, by their digests. The first reply holds: whatever was
    /// graded was graded by it.
    ///
    /// # Errors
    ///
    /// A line that cannot be read, or no longer reads back.
    pub fn told(&self) -> Result<BTreeMap<Digest, Response>, PortError> {
        let mut told = BTreeMap::new();
        for entry in &self.told {
            for (question, response) in self.read(*entry)?.told {
                told.entry(question).or_insert(response);
            }
        }
        Ok(told)
    }

    /// All of them, in plan order.
    pub fn iter(&self) -> impl Iterator<Item = Result<BegunTrial, PortError>> + '_ {
        self.entries.iter().map(|entry| self.read(*entry))
    }

    fn read(&self, entry: Entry) -> Result<BegunTrial, PortError> {
        let text = read_line(&self.file, entry.offset())
            .map_err(|cause| PortError::io(format!("read {}", self.path.display()), cause))?;
        begun_of(&text).map_err(|reason| {
            let line = line_of(&self.path, entry).unwrap_or(0);
            RunError::Corrupt { file: self.path.clone(), line, reason }.into()
        })
    }
}

fn begun_of(text: &[u8]) -> Result<BegunTrial, String> {
    match line::read(text)? {
        Line::Begun(json) => serde_json::from_str(json).map_err(|error| error.to_string()),
        _ => Err("it is not a begun trial".to_owned()),
    }
}
