//! Where the published files come from: a prepared folder, or the public repositories. Either way a file is only handed
//! out when its SHA-256 is the one on our list.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use promptgate_core::Digest;

use super::{DataError, digests};
use crate::chore::root;

/// The host of the public files, unless `PROMPTGATE_DATA_URL` names a mirror with the same paths.
const PUBLIC_HOST: &str = "https://raw.githubusercontent.com";

/// Where published files come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder in the form of `PROMPTGATE_DATA`.
    Prepared(PathBuf),
    /// The public repositories, in their own form.
    Public {
        /// What stands before `<owner>/<repository>/<commit>/<path>`.
        base: String,
        /// Where downloaded files are kept, by digest.
        cache: PathBuf,
    },
}

impl Source {
    /// `PROMPTGATE_DATA`, else `../shared/data` where that exists, else the public files.
    pub fn found() -> Self {
        let beside = root().join("../shared/data");
        match std::env::var_os("PROMPTGATE_DATA") {
            Some(folder) => Self::Prepared(folder.into()),
            None if beside.is_dir() => Self::Prepared(beside),
            None => Self::public(),
        }
    }

    /// The public files.
    pub fn public() -> Self {
        let base = std::env::var("PROMPTGATE_DATA_URL").unwrap_or_else(|_| PUBLIC_HOST.to_owned());
        Self::Public { base, cache: root().join("target/published") }
    }

    /// The text of a file on the list.
    pub fn read(&self, path: &str) -> Result<String, DataError> {
        let bytes = match self {
            Self::Prepared(folder) => checked(&folder.join(path), listed(digests::PREPARED, path)?)?,
            Self::Public { base, cache } => downloaded(base, cache, path)?,
        };
        String::from_utf8(bytes).map_err(|error| DataError::content(path, error))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepared(folder) => write!(f, "{}", folder.display()),
            Self::Public { base, .. } => f.write_str(base),
        }
    }
}

fn listed(list: &'static str, path: &str) -> Result<&'static str, DataError> {
    digests::of(list, path).ok_or_else(|| DataError::content(path, "is not on the list of published files"))
}

fn checked(path: &Path, expected: &str) -> Result<Vec<u8>, DataError> {
    let bytes = std::fs::read(path).map_err(|cause| DataError::file(path, cause))?;
    let found = Digest::of_bytes(&bytes).hex();
    if found == expected {
        return Ok(bytes);
    }
    Err(DataError::Digest { path: path.display().to_string(), found, expected: expected.to_owned() })
}

/// From the cache, where what lies under a digest was checked when it was put there, and is again.
fn downloaded(base: &str, cache: &Path, path: &str) -> Result<Vec<u8>, DataError> {
    let expected = listed(digests::PUBLIC, path)?;
    let kept = cache.join(expected);
    if !kept.is_file() {
        std::fs::create_dir_all(cache).map_err(|cause| DataError::file(cache, cause))?;
        let part = cache.join(format!("{expected}.part"));
        download(&format!("{base}/{path}"), &part)?;
        checked(&part, expected)?;
        std::fs::rename(&part, &kept).map_err(|cause| DataError::file(&kept, cause))?;
    }
    checked(&kept, expected)
}

fn download(url: &str, to: &Path) -> Result<(), DataError> {
    let failed = |cause: String| DataError::Download { url: url.to_owned(), cause };
    let mut curl = Command::new("curl");
    curl.args(["--fail", "--silent", "--show-error", "--location", "--retry", "2", "--output"]).arg(to).arg(url);
    let output = curl.output().map_err(|error| failed(format!("curl cannot be started: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
