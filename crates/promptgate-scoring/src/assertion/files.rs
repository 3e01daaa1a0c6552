//! The files that assertions name, each read once for a grader's life.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use promptgate_core::digest::Digest;
use promptgate_core::port::{Tree, TreeError, TreePath};

use super::accepted::Accepted;
use super::schema::Schema;

/// The files below a suite's folder.
pub(crate) struct Files {
    tree: Arc<dyn Tree>,
    folder: TreePath,
    schemas: Shelf<Schema>,
    accepted: Shelf<Accepted>,
}

type Shelf<T> = Mutex<BTreeMap<String, FileOf<T>>>;

/// A file as read.
pub(crate) struct FileOf<T> {
    /// What it holds, or what is wrong with it.
    pub(crate) content: Result<Arc<T>, String>,
    /// The digest of its bytes, where it could be read.
    pub(crate) digest: Option<Digest>,
}

impl<T> Clone for FileOf<T> {
    fn clone(&self) -> Self {
        Self { content: self.content.clone(), digest: self.digest }
    }
}

impl Files {
    pub(crate) fn new(tree: Arc<dyn Tree>, folder: TreePath) -> Self {
        Self { tree, folder, schemas: Shelf::default(), accepted: Shelf::default() }
    }

    /// The schema in a file, by its path from the suite's folder.
    pub(crate) fn schema(&self, path: &str) -> FileOf<Schema> {
        self.once(&self.schemas, path, || {
            let whole = self.folder.join(path).map_or_else(|_| path.to_owned(), |whole| whole.to_string());
            self.read(path, |text| Schema::read(text, &whole).map_err(|problem| format!("`{path}` {problem}")))
        })
    }

    /// The accepted outputs in a file, by its path from the suite's folder; none where there is no file yet.
    pub(crate) fn accepted(&self, path: &str) -> FileOf<Accepted> {
        self.once(&self.accepted, path, || match self.text(path) {
            Err(TreeError::Missing { .. }) => FileOf { content: Ok(Arc::default()), digest: None },
            _ => self.read(path, |text| Accepted::read(text, path).map_err(|mistake| mistake.to_string())),
        })
    }

    fn once<T>(&self, shelf: &Shelf<T>, path: &str, read: impl FnOnce() -> FileOf<T>) -> FileOf<T> {
        let mut files = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        files.entry(path.to_owned()).or_insert_with(read).clone()
    }

    /// The suite's folder.
    pub(crate) fn folder(&self) -> &TreePath {
        &self.folder
    }

    /// The digest of a file, if it is there.
    pub(crate) fn digest(&self, path: &str) -> Option<Digest> {
        let bytes = self.folder.join(path).and_then(|path| self.tree.read(&path)).ok()?;
        Some(Digest::of_bytes(&bytes))
    }

    /// The text of a file, by its path from the suite's folder.
    pub(crate) fn text(&self, path: &str) -> Result<String, TreeError> {
        self.folder.join(path).and_then(|path| self.tree.read_text(&path))
    }

    fn read<T>(&self, path: &str, read: impl Fn(&str) -> Result<T, String>) -> FileOf<T> {
        match self.text(path) {
            Err(error) => FileOf { content: Err(error.to_string()), digest: None },
            Ok(text) => FileOf { content: read(&text).map(Arc::new), digest: Some(Digest::of_bytes(text.as_bytes())) },
        }
    }
}
