//! What can go wrong with a run's file, each with the file, the line where there is one, and what to do.

use std::io;
use std::path::PathBuf;

use promptgate_core::port::PortError;

/// Why a run's file could not be found, read or written.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No run has this id.
    #[error("there is no run `{wanted}` in {folder}; {help}", folder = folder.display())]
    NotFound {
        /// The id, prefix or path as written.
        wanted: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// What to do.
        help: String,
    },
    /// A path leads to no file.
    #[error("there is no run's file `{path}`; name a run by the beginning of its id, `latest` or the path of its file", path = path.display())]
    NoFile {
        /// The path as written.
        path: PathBuf,
    },
    /// Several runs begin like this.
    #[error("`{wanted}` is the beginning of {n} runs: {list}; give more of the id", n = found.len(), list = found.join(", "))]
    Ambiguous {
        /// The prefix as written.
        wanted: String,
        /// The runs it fits.
        found: Vec<String>,
    },
    /// A line was once whole and no longer is.
    #[error("{file}:{line}: the line is corrupt: {reason}; nothing of this run is used", file = file.display())]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer promptgate wrote it.
    #[error("{file} has the schema `{schema}`, which this version of promptgate does not know; use a newer one", file = file.display())]
    NewerSchema {
        /// The file.
        file: PathBuf,
        /// The schema it names.
        schema: String,
    },
    /// Another process appends to it.
    #[error("{file} is being written by another process; wait for it to end", file = file.display())]
    Locked {
        /// The file.
        file: PathBuf,
    },
    /// Others may write into the state folder.
    #[error("{folder} {reason}, so stored answers could be forged; {help}", folder = folder.display())]
    UnsafeFolder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        help: String,
    },
    /// The file system refused.
    #[error("cannot {action}: {cause}")]
    Io {
        /// What was tried, with the file.
        action: String,
        /// Why it failed.
        #[source]
        cause: io::Error,
    },
}

impl RunError {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |cause| Self::Io { action, cause }
    }
}

impl From<RunError> for PortError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Io { action, cause } => Self::io(action, cause),
            RunError::Corrupt { ref file, .. } => {
                let action = format!("read {}", file.display());
                Self::corrupt(action, error.to_string())
            }
            other => Self::other("open a stored run", other),
        }
    }
}
