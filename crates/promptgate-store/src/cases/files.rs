//! The images that cases name: read from the tree they stand in, and each of them told apart by its digest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use promptgate_core::Digest;
use promptgate_core::port::{PortError, Tree, TreePath};

/// Files below a suite's folder.
#[derive(Debug)]
pub(super) struct CaseFiles {
    tree: Held,
    folder: TreePath,
    /// What was read once is known by its digest; a file that changes later is found out when it is sent.
    digests: Mutex<HashMap<String, Digest>>,
}

/// A tree, which has no form for people.
struct Held(Arc<dyn Tree>);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.name())
    }
}

impl CaseFiles {
    pub(super) fn new(tree: Arc<dyn Tree>, folder: TreePath) -> Self {
        Self { tree: Held(tree), folder, digests: Mutex::default() }
    }

    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, PortError> {
        let bytes = self.folder.join(path).and_then(|path| self.tree.0.read(&path));
        bytes.map_err(|error| PortError::other(format!("read the image `{path}`"), error.to_string()))
    }

    pub(super) fn digest(&self, path: &str) -> Result<Digest, PortError> {
        let known = || self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = known().get(path) {
            return Ok(*digest);
        }
        let digest = Digest::of_bytes(&self.read(path)?);
        known().insert(path.to_owned(), digest);
        Ok(digest)
    }
}
