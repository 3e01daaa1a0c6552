//! The two forms of the port `Tree`: the working tree on disk, and a revision in git. Both read regular files below a
//! root and nothing else; they pass one suite of tests.

mod disk;
mod git;

pub use disk::DiskTree;
pub use git::{GitError, GitRepo, GitTree};

use promptgate_core::port::{TreeError, TreePath};

/// The largest file that is read whole. Data sets are streamed and have no limit.
pub const LARGEST_FILE: u64 = 32 << 20;

fn unreadable(tree: &str, path: &TreePath, cause: impl ToString) -> TreeError {
    TreeError::Unreadable { tree: tree.to_owned(), path: path.to_string(), cause: cause.to_string() }
}

fn missing(tree: &str, path: &TreePath) -> TreeError {
    TreeError::Missing { tree: tree.to_owned(), path: path.to_string() }
}

fn too_large(tree: &str, path: &TreePath, size: u64) -> TreeError {
    unreadable(tree, path, format!("it has {size} bytes, and at most {LARGEST_FILE} are read"))
}

/// What links that lead out of the root are answered with.
fn leads_outside(path: &TreePath) -> TreeError {
    TreeError::Outside { path: path.to_string(), reason: "a link leads out of it" }
}
