//! `cargo xtask data`: places the recorded data of `suites/llmbar` and `suites/gsm8k`, which others published and this
//! repository does not hold, converted to our formats; `cargo xtask data bind SUITE` ties the lines of a suite's
//! recordings to the requests that its prompts make today.
//!
//! Files come from the folder that `PROMPTGATE_DATA` names (or `../shared/data`), else from the public repositories at
//! their pinned commits. Each is checked by the SHA-256 kept in `data/*.sha256`, and nothing is placed before all of a
//! suite's files are read and its conversion is proved.

mod bind;
mod digests;
mod gsm8k;
mod llmbar;
mod place;
mod source;
mod template;

use std::path::{Path, PathBuf};

use promptgate_core::diagnostic::Diagnostics;

use crate::chore::root;

pub use source::Source;

/// What `cargo xtask data` understands.
const USAGE: &str = "usage: cargo xtask data [--public]\n       cargo xtask data bind SUITE_FOLDER...";

/// Why data could not be placed or bound.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The arguments are not understood.
    #[error("{USAGE}")]
    Usage,
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The public file could not be had.
    #[error("cannot download {url}: {cause}; set PROMPTGATE_DATA to a folder that holds the data, or try again")]
    Download {
        /// The address.
        url: String,
        /// What curl said.
        cause: String,
    },
    /// The file is not the one that was published.
    #[error("{path} is not the published file: its SHA-256 is {found}, expected {expected}")]
    Digest {
        /// The file.
        path: String,
        /// As it is.
        found: String,
        /// As it was published.
        expected: String,
    },
    /// The file does not hold what it should.
    #[error("{path}: {reason}")]
    Content {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The converted suite, or the one to bind, is not valid.
    #[error(transparent)]
    Suite(#[from] Diagnostics),
}

impl DataError {
    fn file(path: &Path, cause: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), cause }
    }

    fn content(path: impl Into<String>, reason: impl ToString) -> Self {
        Self::Content { path: path.into(), reason: reason.to_string() }
    }
}

/// Runs the chore.
pub fn run(args: &[String]) -> Result<(), DataError> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => place_all(&Source::found(), &suites_folder()),
        ["--public"] => place_all(&Source::public(), &suites_folder()),
        ["bind", folders @ ..] if !folders.is_empty() => folders.iter().try_for_each(|folder| say_bound(folder)),
        _ => Err(DataError::Usage),
    }
}

/// Places the data of both suites below `suites`, and says what came of it.
pub fn place_all(source: &Source, suites: &Path) -> Result<(), DataError> {
    eprintln!("from {source}");
    let placed = llmbar::place(source, &suites.join("llmbar"))?;
    eprintln!("suites/llmbar: {placed}");
    let placed = gsm8k::place(source, &suites.join("gsm8k"))?;
    eprintln!("suites/gsm8k: {placed}");
    Ok(())
}

fn say_bound(folder: &str) -> Result<(), DataError> {
    let lines = bind::bind(Path::new(folder))?;
    eprintln!("{folder}: {lines} recorded lines carry the digest of the request they answer");
    Ok(())
}

fn suites_folder() -> PathBuf {
    root().join("suites")
}

#[cfg(test)]
mod tests;
