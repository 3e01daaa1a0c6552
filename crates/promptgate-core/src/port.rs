//! Ports: how crates meet that may not name each other. Small synchronous traits, named for what the caller needs. Store
//! implements the storing ones, cli injects them, async crates call them from a writer thread.

mod answers;
mod cache;
mod cases;
mod clock;
mod log;
mod recording;
mod tree;

pub use answers::{AnswerCache, StoredAnswer};
pub use cache::{AddressedKey, CacheKey, ResponseCache};
pub use cases::CaseSource;
pub use clock::{Clock, IdSource};
pub use log::RunLog;
pub use recording::RecordingSink;
pub use tree::{Tree, TreeError, TreePath};

/// Why something behind a port did not work: what was done to what, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {cause}")]
pub struct PortError {
    /// What was tried, e.g. `write .promptgate/runs/x.jsonl`.
    pub action: String,
    /// The class, where it changes how the command ends.
    pub kind: PortErrorKind,
    /// Why it failed.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

/// Classes of port errors that end a command differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortErrorKind {
    /// The disk is full, read-only or over quota: the run stops resumable.
    NoRoom,
    /// What is stored does not read back: named, never used.
    Corrupt,
    /// A newer promptgate has written it: it is whole, and left as it is.
    Newer,
    /// Anything else.
    Other,
}

impl PortError {
    /// An error with its class taken from the I/O error's.
    pub fn io(action: impl Into<String>, cause: std::io::Error) -> Self {
        use std::io::ErrorKind as E;
        let kind = match cause.kind() {
            E::StorageFull | E::QuotaExceeded | E::ReadOnlyFilesystem | E::FileTooLarge => PortErrorKind::NoRoom,
            _ => PortErrorKind::Other,
        };
        Self { action: action.into(), kind, cause: Box::new(cause) }
    }

    /// What is stored does not read back.
    pub fn corrupt(action: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { action: action.into(), kind: PortErrorKind::Corrupt, cause: cause.into().into() }
    }

    /// A newer promptgate has written what is stored.
    pub fn newer(action: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { action: action.into(), kind: PortErrorKind::Newer, cause: cause.into().into() }
    }

    /// Any other failure.
    pub fn other(action: impl Into<String>, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { action: action.into(), kind: PortErrorKind::Other, cause: cause.into() }
    }
}
