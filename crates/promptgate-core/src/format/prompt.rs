//! Prompts as files: the Dotprompt format, and plain text.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::name::PromptId;
use crate::port::{Tree, TreePath};
use crate::prompt::{SourceFile, Version};

/// The version of a prompt in a folder: `<name>.prompt`, `<name>.<variant>.prompt`, or the same with `.txt` or `.md`.
pub fn load(tree: &dyn Tree, folder: &TreePath, id: &PromptId) -> Result<Version, Diagnostics> {
    Err(Diagnostic::new(format!("{} has no prompt `{id}` in `{folder}`", tree.name())).into())
}

/// The version in a file named by its path.
pub fn load_path(tree: &dyn Tree, path: &TreePath) -> Result<Version, Diagnostics> {
    Err(Diagnostic::new(format!("{} has no prompt `{path}`", tree.name())).into())
}

/// The version made of stored files, the prompt's own first.
pub fn from_sources(id: &PromptId, files: &[SourceFile]) -> Result<Version, Diagnostics> {
    Err(Diagnostic::new(format!("`{id}` cannot be made of {} files", files.len())).into())
}

/// The prompts of a folder, sorted.
pub fn list(tree: &dyn Tree, folder: &TreePath) -> Result<Vec<PromptId>, Diagnostics> {
    let _ = (tree, folder);
    Ok(Vec::new())
}
