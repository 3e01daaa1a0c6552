//! Read access confined to a root: the working tree, or a git revision of it.

use std::fmt;

/// A relative path that cannot leave its root: no `..`, no absolute part, no backslash, no empty segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreePath(String);

/// Why a file of a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The path could leave the root.
    #[error("`{path}` leaves the project: {reason}")]
    Outside {
        /// The path as written.
        path: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// There is no such file.
    #[error("{tree} has no file `{path}`")]
    Missing {
        /// The tree.
        tree: String,
        /// The path.
        path: String,
    },
    /// It is there but cannot be read.
    #[error("cannot read `{path}` of {tree}: {cause}")]
    Unreadable {
        /// The tree.
        tree: String,
        /// The path.
        path: String,
        /// Why.
        cause: String,
    },
}

impl TreePath {
    /// A checked path; `.` segments are dropped.
    pub fn new(path: &str) -> Result<Self, TreeError> {
        let outside = |reason| TreeError::Outside { path: path.to_owned(), reason };
        if path.starts_with('/') || path.contains(['\\', ':', '\0']) {
            return Err(outside("only relative paths with `/` between segments are allowed"));
        }
        let segments: Vec<&str> = path.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
        if segments.contains(&"..") {
            return Err(outside("`..` is not allowed"));
        }
        Ok(Self(segments.join("/")))
    }

    /// The path below this one.
    pub fn join(&self, path: &str) -> Result<Self, TreeError> {
        let below = Self::new(path)?;
        Ok(match (self.0.as_str(), below.0.as_str()) {
            ("", _) => below,
            (_, "") => self.clone(),
            (head, tail) => Self(format!("{head}/{tail}")),
        })
    }

    /// The path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the last slash.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

/// Read access confined to a root.
pub trait Tree: Send + Sync {
    /// The bytes of a regular file.
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, TreeError>;

    /// The files directly in a folder, sorted; empty where there is no such folder.
    fn list(&self, folder: &TreePath) -> Result<Vec<TreePath>, TreeError>;

    /// What messages call it: `the working tree`, `git:main`.
    fn name(&self) -> String;

    /// The text of a file; bytes that are not UTF-8 are an error.
    fn read_text(&self, path: &TreePath) -> Result<String, TreeError> {
        String::from_utf8(self.read(path)?).map_err(|error| TreeError::Unreadable {
            tree: self.name(),
            path: path.to_string(),
            cause: format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_could_leave_its_root_is_refused() {
        for path in ["../x", "a/../../x", "/etc/passwd", "a\\..\\b", "C:/x", "a/..", "a\0b"] {
            assert!(TreePath::new(path).is_err(), "{path}");
        }
        assert_eq!(TreePath::new("./a//b/.").unwrap().as_str(), "a/b");
        assert_eq!(TreePath::new("").unwrap().join("x/y").unwrap().as_str(), "x/y");
    }
}
