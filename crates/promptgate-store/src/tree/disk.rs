//! The working tree: a folder on disk, and nothing outside it.
//!
//! A path is first resolved, links included, and must still be inside. The resolved path holds no links any more, so it is
//! then opened from the root's handle one segment at a time without following any: what was swapped for a link in between
//! is refused, not followed.

use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use promptgate_core::port::{Tree, TreeError, TreePath};
use rustix::fs::{Mode, OFlags, openat};

use super::{LARGEST_FILE, leads_outside, missing, too_large, unreadable};

/// Read access to a folder.
#[derive(Debug)]
pub struct DiskTree {
    root: PathBuf,
    handle: OwnedFd,
}

const NAME: &str = "the working tree";

impl DiskTree {
    /// The tree below a folder.
    pub fn new(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let handle = File::open(&root)?.into();
        Ok(Self { root, handle })
    }

    /// The root, without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Opens a regular file for reading; the way to stream one.
    pub fn open(&self, path: &TreePath) -> Result<File, TreeError> {
        let inside = self.resolve(path)?;
        // Not to block: opening a pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let file = File::from(self.walk(&inside, flags).map_err(|cause| unreadable(NAME, path, cause))?);
        let meta = file.metadata().map_err(|cause| unreadable(NAME, path, cause))?;
        if meta.is_file() { Ok(file) } else { Err(unreadable(NAME, path, "it is not a regular file")) }
    }

    /// Where on disk a file may be written, which need not be there yet: not behind a link that leads out.
    pub fn place(&self, path: &TreePath) -> Result<PathBuf, TreeError> {
        let outside = |place: &Path| !place.canonicalize().is_ok_and(|place| place.starts_with(&self.root));
        let place = self.root.join(path.as_str());
        // What is not there yet, not even as a link that dangles, leads nowhere.
        let known = place.ancestors().find(|place| place.symlink_metadata().is_ok());
        if known.is_none_or(outside) { Err(leads_outside(path)) } else { Ok(place) }
    }

    /// The path below the root with all links resolved.
    pub(crate) fn resolve(&self, path: &TreePath) -> Result<PathBuf, TreeError> {
        let resolved = self.root.join(path.as_str()).canonicalize().map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
                missing(NAME, path)
            }
            _ => unreadable(NAME, path, cause),
        })?;
        resolved.strip_prefix(&self.root).map(Path::to_owned).map_err(|_| leads_outside(path))
    }

    fn walk(&self, inside: &Path, last: OFlags) -> io::Result<OwnedFd> {
        let common = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let segments: Vec<Component> = inside.components().collect();
        let Some((file, folders)) = segments.split_last() else { return Err(io::ErrorKind::IsADirectory.into()) };
        let mut at = self.handle.try_clone()?;
        for folder in folders {
            at = openat(&at, folder.as_os_str(), OFlags::RDONLY | OFlags::DIRECTORY | common, Mode::empty())?;
        }
        Ok(openat(&at, file.as_os_str(), last | common, Mode::empty())?)
    }
}

impl Tree for DiskTree {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, TreeError> {
        let file = self.open(path)?;
        let mut bytes = Vec::new();
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|cause| unreadable(NAME, path, cause))?;
        let size = bytes.len() as u64;
        if size > LARGEST_FILE { Err(too_large(NAME, path, size)) } else { Ok(bytes) }
    }

    fn list(&self, folder: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        let inside = match self.resolve(folder) {
            Ok(inside) => self.root.join(inside),
            Err(TreeError::Missing { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let items = match fs::read_dir(&inside) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Vec::new()),
            items => items.map_err(|cause| unreadable(NAME, folder, cause))?,
        };
        let mut files: Vec<TreePath> = items.filter_map(|item| self.file_of(folder, &item.ok()?)).collect();
        files.sort_unstable();
        Ok(files)
    }

    fn name(&self) -> String {
        NAME.to_owned()
    }
}

impl DiskTree {
    /// The path of a folder's item, if it is a regular file or a link to one inside. A name that no path of ours can hold
    /// cannot be asked for either.
    fn file_of(&self, folder: &TreePath, item: &DirEntry) -> Option<TreePath> {
        let path = folder.join(item.file_name().to_str()?).ok()?;
        let kind = item.file_type().ok()?;
        let linked = || self.resolve(&path).is_ok_and(|inside| self.root.join(inside).is_file());
        (kind.is_file() || kind.is_symlink() && linked()).then_some(path)
    }
}
